"""Sources that are known to help and known not to, through the loop that trains and the comparison that judges."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from graft.audit import compare as comparing
from graft.audit.compare import compare
from graft.training.loop import Limits, train
from graft.training.place import Place
from graft.training.plan import Plan

pytestmark = pytest.mark.slow  # 40 trainings
SEEDS = range(20)
PER_CLASS = 5


class Rows:
    """Samples in memory, in an order that follows from the seed."""

    def __init__(self, features, labels, seed, size=25):
        self.features, self.labels, self.seed, self.size = features, labels, seed, size
        self.per_epoch = -(-len(labels) // size)

    def batch(self, step):
        epoch, place = divmod(step, self.per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.labels))
        rows = np.array_split(order, self.per_epoch)[place]
        return torch.from_numpy(self.features[rows]), torch.from_numpy(self.labels[rows])


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()), nn.Linear(32, 10))


def trained(module: nn.Sequential, features, labels, epochs: int, seed: int) -> nn.Sequential:
    plan = Plan(epochs=epochs, learning_rate=3e-3, head_learning_rate=3e-3, average=False, label_smoothing=0)
    train(module, Rows(features, labels, seed), plan, Limits(Place()))
    return module


def finding(source: str, seed: int) -> str | None:
    """The verdict on fine-tuning from a source, with five target samples a class, against three times the steps."""
    features, labels = load_digits(return_X_y=True)
    features, labels = (features / 8 - 1).astype(np.float32), labels.astype(np.int64)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    sources, rest = order[:1000], order[1000:]
    target = np.concatenate([rest[labels[rest] == label][:PER_CLASS] for label in range(10)])
    test = np.setdiff1d(rest, target)
    known, answers = features[sources], labels[sources]
    if source == "noise":  # nothing of the task in it, and labels that can only be memorised
        known = rng.normal(size=known.shape).astype(np.float32)
        answers = rng.integers(10, size=len(answers))
    started = trained(network(seed), known, answers, 40, seed)
    delivered = trained(copy.deepcopy(started), features[target], labels[target], 60, seed)
    scratch = trained(network(seed + 1000), features[target], labels[target], 180, seed)
    with torch.no_grad():
        inputs = torch.from_numpy(features[test])
        right = [(module(inputs).argmax(1).numpy() == labels[test])[None] for module in (delivered, scratch)]
    return compare(*right, labels[test].astype(np.int32), seed=seed).finding


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(comparing, "DRAWS", 1000)


def test_the_other_half_of_the_same_task_helps():
    assert [finding("same task", seed) for seed in SEEDS] == ["POSITIVE"] * 20


def test_noise_never_helps():
    found = {finding("noise", seed) for seed in SEEDS}
    assert "POSITIVE" not in found

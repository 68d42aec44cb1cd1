"""Climbing beyond the probe, end to end on small data with a small network and a short training."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from graft import predict
from graft.adaptation import defaults, incumbent, ladder, strategy
from graft.adaptation import rungs as table
from graft.adaptation.guard import decide
from graft.training.loop import DivergedError
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit

SMALL = "random:timm:test_efficientnet@64"
GOOD = FitOptions(SMALL, "good")
BEST = FitOptions(SMALL, "best")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A dozen steps instead of hundreds."""

    def brief(plan_of):
        return lambda backbone: replace(plan_of(backbone), epochs=1, least_steps=12, batch=8)

    monkeypatch.setattr(strategy, "partial_plan", brief(defaults.partial_plan))
    monkeypatch.setattr(ladder, "partial_plan", brief(defaults.partial_plan))
    monkeypatch.setattr(strategy, "full_plan", brief(defaults.full_plan))
    monkeypatch.setattr(table, "partial_plan", brief(defaults.partial_plan))
    monkeypatch.setattr(table, "full_plan", brief(defaults.full_plan))


def forced(monkeypatch, **shares):
    """Let the guard take a given share of a rung, by the number of candidates it judges."""

    def decided(blends, labels, own=None):
        wanted = shares.get({2: "taps", 5: "trained"}.get(len(blends), "means"), 0.0)
        return replace(decide(blends, labels), share=wanted, temperature=1.0)

    monkeypatch.setattr(ladder, "decide", decided)


def read(run, name):
    return json.loads((run / name).read_text())


def rungs(run):
    return {entry["rung"]: entry["kept"] for entry in read(run, "ladder.json")}


def test_rungs_that_do_not_earn_their_place_leave_the_probe_as_it_was(folder, tmp_path, monkeypatch):
    root = folder(lemon=16, plum=16)
    quick = fit(root, tmp_path / "quick", FitOptions(SMALL, "quick")).run
    forced(monkeypatch)
    best = fit(root, tmp_path / "best", BEST).run
    assert rungs(best) == {"0": False, "1": True, "1b": False, "2": False, "3": False, "4": False}
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (quick, best)]
    assert weights[0] == weights[1]
    assert read(quick, "evaluation.json") == read(best, "evaluation.json")


@pytest.mark.parametrize(("effort", "last"), [("good", "2"), ("best", "3")])
def test_the_highest_rung_that_is_kept_is_the_model_that_predicts(folder, tmp_path, monkeypatch, effort, last):
    root = folder(lemon=16, plum=16, lime=16)
    forced(monkeypatch, trained=1.0)
    run = fit(root, tmp_path / "run", FitOptions(SMALL, effort)).run
    assert [number for number, kept in rungs(run).items() if kept] == [last, "final"]
    probe = next(entry for entry in read(run, "ladder.json") if entry["rung"] == "1")
    assert probe["passed_by"] == "2"
    assert read(run, "model/model.json")["provenance"]["rung"] == last
    assert read(run, "evaluation.json")["val"]["samples"] == 6
    assert read(run, "model/model.json")["provenance"]["samples"] == 39
    assert evaluate(run).evaluation.samples == 9
    assert not (run / "checkpoints").exists()


def test_a_head_on_all_stages_can_be_delivered_and_read_again(folder, tmp_path, monkeypatch):
    forced(monkeypatch, taps=1.0)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", GOOD).run
    assert rungs(run)["1b"]
    assert read(run, "model/model.json")["backbone"]["architecture"].startswith("taps+")
    assert evaluate(run).evaluation.accuracy.value > 0.8


def test_a_head_on_several_stages_of_what_was_trained_is_taught_by_all_samples_at_last(folder, tmp_path, monkeypatch):
    root = folder(lemon=16, plum=16)
    forced(monkeypatch, taps=1.0)
    frozen = fit(root, tmp_path / "frozen", GOOD).run
    forced(monkeypatch, trained=1.0, taps=1.0)
    weights_of = []

    def watched(before, *rest):
        finished = incumbent.finish(before, *rest)
        weights_of.extend(one.backbone.fingerprint for one in (before, finished.incumbent))
        return finished

    monkeypatch.setattr(ladder, "finish", watched)
    run = fit(root, tmp_path / "run", GOOD).run
    by_rung = {entry["rung"]: entry for entry in read(run, "ladder.json")}
    assert [number for number, entry in by_rung.items() if entry["kept"]] == ["2b", "final"]
    assert weights_of[0] != weights_of[1]  # the network beneath went on
    assert by_rung["2b"]["against"] == by_rung["2"]["name"] + " trained"
    assert by_rung["final"]["steps"] == 3  # a quarter of a dozen, of the network beneath
    about = read(run, "model/model.json")
    assert about["provenance"]["rung"] == "2b"
    assert about["provenance"]["samples"] == 26
    assert about["backbone"]["architecture"].startswith("taps+")
    assert about["backbone"]["id"].count("with taps") == 1
    weights = [load_file(one / "model" / "model.safetensors") for one in (frozen, run)]
    assert weights[0].keys() == weights[1].keys()
    changed = [name for name, value in weights[0].items() if not np.array_equal(value, weights[1][name])]
    assert any(name.startswith("trunk.") for name in changed)
    assert evaluate(run).evaluation.accuracy.value > 0.8


def test_mean_weights_can_be_delivered(folder, tmp_path, monkeypatch):
    forced(monkeypatch, trained=1.0, means=1)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", BEST).run
    assert rungs(run)["4"]
    means = next(entry["means"] for entry in read(run, "ladder.json") if entry["rung"] == "4")
    assert len(means) == 7
    assert evaluate(run).evaluation.samples == 6


def test_the_ladder_says_what_each_rung_did(folder, tmp_path):
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", BEST).run
    by_rung = {entry["rung"]: entry for entry in read(run, "ladder.json")}
    assert by_rung["0"]["accuracy_of_one_answer"] == 0.5
    assert by_rung["1"]["nearest_neighbours"]["accuracy"] > 0.5
    assert len({entry["deciding_samples"] for entry in by_rung.values() if "accuracy" in entry}) == 1
    assert by_rung["1"]["accuracy"] == by_rung["1b"]["decision"]["figures"][0]["accuracy"]
    assert [stage["stage"] for stage in by_rung["1b"]["stages"]][0] == "stem"
    assert len(by_rung["2"]["tried"]) == 2  # learning rates
    for number in ("2", "3"):
        first = by_rung[number]["losses"][0]
        assert first["total"] == pytest.approx(first["mean"] * 22)  # summed over the training samples
    assert all(entry["why"] and entry["seconds"] for entry in by_rung.values())


FINAL = {"rung": "final", "name": "nothing", "kept": True, "why": "a test", "seconds": 0.0}


def test_the_saved_model_answers_as_the_trained_network_did(folder, tmp_path, monkeypatch):
    """From file bytes through a fresh network to the probabilities that the training saw on cached activations."""
    monkeypatch.setattr(ladder.Ladder, "_final", lambda self: ladder.Rung(FINAL))
    seen = {}
    deliver = ladder.Ladder._rung

    def watched(self, number, name, decision, began, kept, details):
        if number == "2":
            seen["incumbent"], seen["context"] = kept, self.context
        return deliver(self, number, name, decision, began, kept, details)

    root = folder(lemon=16, plum=16)
    forced(monkeypatch, trained=0.5)
    monkeypatch.setattr(ladder.Ladder, "_rung", watched)
    run = fit(root, tmp_path / "run", GOOD).run
    kept, context = seen["incumbent"], seen["context"]
    rows = context.rows[context.deciding]
    answers = predict(run, [context.dataset.path(int(row)) for row in rows], top=1)
    scores = kept.scores / kept.temperature
    expected = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    for answer, probabilities in zip(answers, expected, strict=True):
        # the cached activations may have been computed in bf16, the prediction in fp32
        assert answer.probabilities[0] == pytest.approx(probabilities.max(), abs=0.05)
        assert answer.classes[0] == context.dataset.classes[int(probabilities.argmax())]


def test_without_a_val_part_a_share_of_train_decides(folder, tmp_path):
    root = folder("train", lemon=20, plum=20)
    run = fit(root, tmp_path / "run", GOOD).run
    assert read(run, "ladder.json")[-1]["deciding_samples"] == 6


def test_a_network_that_cannot_be_cut_is_trained_whole_and_says_so(folder, tmp_path):
    options = FitOptions("random:timm:regnetx_002@32", "best")
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", options).run
    assert {"1b", "2"}.isdisjoint(rungs(run))
    assert "3" in rungs(run)
    assert "cannot be cut" in (run / "events.jsonl").read_text()


def test_a_cache_that_is_too_small_for_activations_is_told_and_the_probe_stays(folder, tmp_path):
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", replace(GOOD, cache_gb=1e-7)).run
    assert "2" not in rungs(run)
    assert "Allow more with --cache-gb" in (run / "events.jsonl").read_text()


def test_training_that_diverges_everywhere_keeps_the_probe_and_says_so(folder, tmp_path, monkeypatch):
    def diverge(*arguments):
        raise DivergedError("The loss became nan at step 3 of 12.")

    monkeypatch.setattr("graft.adaptation.fine_tuner.train", diverge)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", GOOD).run
    assert rungs(run)["2"] is False
    assert len(read(run, "ladder.json")[-1]["alarms"]) == 3
    assert (run / "events.jsonl").read_text().count("third of the learning rate") == 3


def test_weights_that_move_too_far_are_trained_again_more_gently(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("graft.adaptation.fine_tuner.MOST_DRIFT", 1e-9)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", GOOD).run
    assert "of their norm, which is forgetting" in read(run, "ladder.json")[-1]["alarms"][0]
    assert rungs(run)["2"] is False


def test_time_that_is_over_keeps_the_best_so_far_and_says_so(folder, tmp_path):
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", replace(BEST, minutes=1e-3)).run
    assert rungs(run) == {"1": True}
    assert read(run, "run.json")["state"] == "finished"
    assert "time is over" in (run / "events.jsonl").read_text()
    assert evaluate(run).evaluation.samples == 6


@pytest.mark.parametrize(("told", "cut"), [(5, 3), (1, 1), (None, None)])
def test_a_curve_may_ask_for_more_stages_than_usual_and_never_for_less(folder, tmp_path, monkeypatch, told, cut):
    monkeypatch.setattr("graft.adaptation.multitap.earlier_cut", lambda right: told)
    monkeypatch.setattr(ladder.Ladder, "_partial", lambda self: None)
    run = fit(folder(lemon=16, plum=16), tmp_path / "run", GOOD).run
    assert next(one for one in read(run, "ladder.json") if one["rung"] == "1b")["train_from"] == cut

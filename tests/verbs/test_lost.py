"""Samples, runs and figures that get lost on the way are told, and nothing wrong is delivered in their place."""

import dataclasses
import json
import shutil
import threading

import pytest

from conftest import draw
from graft.data import load, load_labelled
from graft.errors import RequestError, WorkError
from graft.run_folder import RunFolder
from graft.serving import predictor
from graft.verbs import climb
from graft.verbs import evaluate as evaluating
from graft.verbs.begun import tell_what_differs
from graft.verbs.evaluate import Labelled, evaluate, keep_evaluation
from graft.verbs.fit import FitOptions, fit
from graft.verbs.record import Delivery
from graft.verbs.report import read_evaluations

QUICK = FitOptions("random:timm:test_efficientnet@64", "quick")


class Listener:
    def __init__(self):
        self.said: list[str] = []

    def say(self, message):
        self.said.append(message)

    def task(self, title, total, unit):
        from contextlib import nullcontext

        return nullcontext(lambda count: None)


@pytest.fixture
def losing(monkeypatch, tmp_path):
    """Deletes files of a data set between its reading and its features, of which none are kept."""
    monkeypatch.setattr("graft.features.cache._root", lambda: tmp_path / "features")

    def lose(*names):
        real = climb.extract

        def extract(dataset, rows, *more):
            gone = [row for row in rows if dataset.sources[row].split("/")[0] in names]
            for row in gone[: None if len(names) == 1 and names[0] == "lemon" else 3]:
                dataset.path(int(row)).unlink()
            return real(dataset, rows, *more)

        monkeypatch.setattr(climb, "extract", extract)

    return lose


@pytest.fixture
def copy(fitted, tmp_path):
    """A copy of the finished run of the session that a test may change."""
    return shutil.copytree(fitted.run, tmp_path / "copy")


def test_pictures_that_vanish_during_a_fit_are_told_and_counted(folder, tmp_path, losing):
    losing("plum", "lime")
    listener = Listener()
    made = fit(folder(lemon=12, plum=12, lime=12), tmp_path / "run", QUICK, listener)
    assert any("3 pictures vanished or changed while graft was working" in message for message in listener.said)
    assert [(one.kind, one.count) for one in made.set_aside] == [("unreadable", 3)]
    assert any("3 pictures cannot be read" in note for note in made.evaluation.notes)
    assert "3 pictures cannot be read" in (made.run / "report.html").read_text()


def test_a_class_that_lost_all_of_its_pictures_is_not_delivered(folder, tmp_path, losing):
    losing("lemon")
    root = folder(lemon=12, plum=12, lime=12)
    with pytest.raises(WorkError, match="1 class lost every picture to train on .* lemon.*--resume"):
        fit(root, tmp_path / "run", QUICK)
    assert not (tmp_path / "run" / "model").exists()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "failed: WorkError"


def test_what_was_set_aside_stands_beside_the_number(folder, tmp_path, capsys):
    from graft import terminal

    root = folder(lemon=16, plum=16)
    for number in range(5):
        (root / "plum" / f"{number}.png").write_bytes(b"no picture")
    made = fit(root, tmp_path / "run", QUICK)
    terminal.show_fitted(made)
    shown = capsys.readouterr().out
    assert "5 pictures cannot be read and will not be used" in shown[shown.index("right on") :]
    terminal.print_json(made)
    assert json.loads(capsys.readouterr().out)["set_aside"][0]["count"] == 5
    measured = evaluate(made.run)
    assert measured.set_aside[0].count == 5
    terminal.show_evaluated(measured)
    assert "5 pictures cannot be read" in capsys.readouterr().out
    page = (made.run / "report.html").read_text()
    assert page.count("5 pictures cannot be read") == 3  # beside both numbers, and among the findings


def test_four_evaluations_at_once_are_all_kept(copy):
    folder = RunFolder.open(copy)
    one = read_evaluations(folder)["cross-validation"]
    nowhere = Labelled("", copy, [], [], [], [], opens_test=False)

    def keep(part):
        keep_evaluation(RunFolder.open(copy), folder.model_id, dataclasses.replace(one, part=part), nowhere, ())

    threads = [threading.Thread(target=keep, args=(f"data: {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_evaluations(folder)) == {"cross-validation", *(f"data: {number}" for number in range(4))}


def test_figures_of_a_model_that_was_replaced_meanwhile_are_not_kept(copy, monkeypatch):
    measure = evaluating._measure

    def replacing(model, *more):
        changed = dataclasses.replace(model, temperature=model.temperature + 1)
        RunFolder.open(copy).write_model(changed.save)
        return measure(model, *more)

    monkeypatch.setattr(evaluating, "_measure", replacing)
    with pytest.raises(WorkError, match="was replaced while it was measured"):
        evaluate(copy)
    assert "test" not in json.loads((copy / "evaluation.json").read_text())


def test_a_fit_whose_folder_is_taken_by_another_run_stops_and_writes_nothing_there(folder, tmp_path, monkeypatch):
    real = climb.extract

    def extract(*given):
        (tmp_path / "run").rename(tmp_path / "moved")
        RunFolder.create(tmp_path / "run", {"data": "apples"})
        return real(*given)

    monkeypatch.setattr(climb, "extract", extract)
    with pytest.raises(WorkError, match="moved, replaced or removed"):
        fit(folder(lemon=12, plum=12), tmp_path / "run", QUICK)
    assert {one.name for one in (tmp_path / "run").iterdir()} == {"run.json", ".lock"}
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "running"


def test_a_resumed_run_keeps_the_better_model_until_its_rung_is_reached_again(copy):
    entries = [{"rung": "1", "kept": True, "passed_by": "2"}, {"rung": "2", "kept": True}]
    run = RunFolder.open(copy)
    evaluation = read_evaluations(run)["cross-validation"]
    run.write("ladder.json", entries)
    before = run.model_id
    delivery = Delivery(run, Listener())
    saves = []

    def save(place):
        saves.append(place)
        shutil.copytree(copy / "model", place)

    delivery.offer(save)
    delivery.write([{"rung": "1", "kept": True}], evaluation)
    assert (saves, delivery.waits, run.model_id) == ([], True, before)
    delivery.offer(save)
    assert delivery.ladder == entries


def test_runs_and_artifacts_in_the_data_are_passed_over(fitted, folder, tmp_path):
    root = folder(lemon=12, plum=12)
    before = load(root)
    shutil.copytree(fitted.run, root / "runs" / "photos")
    draw(root / "runs" / "photos" / "export" / "onnx-fp32" / "golden" / "0.png", (0, 0, 0), 1)
    artifact = root / "plum" / "phone"
    draw(artifact / "golden" / "0.png", (0, 0, 0), 2)
    keys = ("format", "target", "variant", "classes", "sha256")
    (artifact / "manifest.json").write_text(json.dumps(dict.fromkeys(keys, 1)))
    for found in (load(root), load_labelled(root)):
        assert found.classes == ("lemon", "plum")
        assert len(found) == len(before)
        [told] = [one for one in found.findings if one.kind == "made-by-graft"]
        assert told.sources == ("plum/phone", "runs/photos")
    assert load(root).fingerprint == before.fingerprint
    listener = Listener()
    named = list(predictor.expand(str(root), before.modality, listener))
    assert len(named) == 24
    assert "2 folders made by graft passed over" in listener.said[0]


def test_a_run_is_no_data(fitted):
    with pytest.raises(RequestError, match="is a run or an artifact of graft, not data"):
        load(fitted.run)


def test_a_run_json_of_somebody_else_is_no_run(folder):
    root = folder(lemon=12, plum=12)
    (root / "plum" / "run.json").write_text('{"format": 1}')
    assert load(root).classes == ("lemon", "plum")


def test_another_number_of_cores_is_told_on_resume(copy):
    run = RunFolder.open(copy)
    described = {**run.settings["machine"], "cores": 64, "threads": 64}
    run.update(state="stopped", machine=described)
    listener = Listener()
    tell_what_differs(run.unfinished(), listener)
    assert any("began with cores 64" in message for message in listener.said)
    assert any("began with threads 64" in message for message in listener.said)

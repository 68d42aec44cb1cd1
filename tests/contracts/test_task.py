"""What every task must do, for each kind of sample: learn, be measured, answer, go on, and leave as a file."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

import graft
from conftest import NETWORKS, draw
from graft.adaptation.model import Model
from graft.data import LoadOptions, load
from graft.data.refusal import VERBS
from graft.errors import GraftError, RequestError, WorkError
from graft.progress import SILENT
from graft.tasks.table import TASKS, task_of

KINDS = ("image", *(pytest.param(one, marks=pytest.mark.slow) for one in ("audio", "text")))
SERVED = [name for name, task in TASKS.items() if "transcripts" not in task.steps]  # those have tests of their own


def labels(task: str, number: int) -> str:
    """A label of each task that the content of a sample tells: three things that are there or not."""
    there = [name for bit, name in enumerate(("red", "loud", "large")) if number >> bit & 1]
    return {"classification": "red" if number & 1 else "other", "multilabel": "|".join(there)}.get(
        task, f"{1.5 * len(there) + 0.25:.2f}"
    )


def made(kind: str, task: str, root: Path, each: int = 8) -> Path:
    """A table of samples, `each` of every combination of three things, with the label of a task."""
    rows, rng = [], np.random.default_rng(0)
    root.mkdir(parents=True)
    for one in range(8 * each):
        number = one % 8
        red, loud, large = (bool(number >> bit & 1) for bit in range(3))
        if kind == "image":
            source = f"{one}.png"
            draw(root / source, (230 if red else 20, 230 if loud else 20, 230 if large else 20), one, side=64)
        elif kind == "audio":
            source, time = f"{one}.wav", np.arange(4000) / 8000
            wave = rng.normal(0, 0.01, len(time))
            for is_there, hertz in ((red, 300), (loud, 1000), (large, 3000)):
                wave += 0.25 * is_there * np.sin(2 * np.pi * hertz * time)
            soundfile.write(root / source, wave, 8000)
        else:
            words = [word for word, is_there in (("cat", red), ("hammer", loud), ("ocean", large)) if is_there]
            source = f"the {' and the '.join(words) or 'sky'} number {one}"
        rows.append((source, labels(task, number)))
    with (root / "samples.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text" if kind == "text" else "file", "label"), *rows])
    return root / "samples.csv"


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module", params=SERVED)
def run(request, kind, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp(f"{request.param}-{kind}")
    table = made(kind, request.param, root / "data")
    options = graft.FitOptions(NETWORKS[kind], "quick", LoadOptions(task=request.param))
    return graft.fit(table, root / "run", options).run


def inputs(run: Path) -> list:
    with (run.parent / "data" / "samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [row["text"] if "text" in row else run.parent / "data" / row["file"] for row in rows[:8]]


def test_it_learns_and_is_measured(run):
    evaluated = graft.evaluate(run)
    task = task_of(evaluated.task)
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["test"] == json.loads(json.dumps(asdict(evaluated.evaluation)))
    figure = task.figure(evaluated.evaluation)
    assert figure.low <= figure.value <= figure.high
    assert figure.value > 0.55  # a third of the answer stands in the content; chance is 0.5 at the most
    assert evaluated.test_readings == 1
    assert task.headline(evaluated.evaluation).figure in evaluated.report.read_text()


def test_it_answers_and_says_why_where_it_cannot(run):
    predictor = graft.Predictor(run)
    task, model = predictor.model.task, predictor.model
    answers = list(predictor.predict(inputs(run)))
    assert [one.error for one in answers] == [None] * 8
    assert all(task.shown(one) for one in answers)
    raw = np.stack(
        [answer for _, answer in model.predict([one.encode() if isinstance(one, str) else one for one in inputs(run)])]
    )
    assert np.isfinite(raw).all()
    assert all(task.plausible(one, 1e-6) for one in raw)
    told = [task.label(one, model.classes, model.details) for one in raw]
    read = task.read(told, model.classes)
    assert not read.faults  # what it says is a label of the task
    assert [task.write(read.names, one) for one in read.targets] == told
    assert task.failed("x", "gone").error == "gone"


def test_the_same_again_gives_the_same_bits_and_another_seed_another_split(run):
    settings = json.loads((run / "run.json").read_text())
    options = graft.FitOptions(settings["backbone"], "quick", LoadOptions(task=settings["task"]))
    again = graft.fit(settings["data"], run.parent / "again", options).run
    assert (again / "model" / "model.safetensors").read_bytes() == (run / "model" / "model.safetensors").read_bytes()
    assert (again / "split.csv").read_bytes() == (run / "split.csv").read_bytes()
    other = load(settings["data"], LoadOptions(seed=1, task=settings["task"]))
    assert not np.array_equal(other.parts, load(settings["data"], LoadOptions(task=settings["task"])).parts)


def test_every_part_holds_several_kinds_of_target(run):
    settings = json.loads((run / "run.json").read_text())
    dataset = load(settings["data"], LoadOptions(task=settings["task"]))
    strata = dataset.task.objective(dataset.outputs).strata(dataset.targets(np.arange(len(dataset))))
    for part in range(3):
        assert len(set(strata[dataset.parts == part])) >= 2


def test_a_model_that_was_changed_is_refused(run, tmp_path):
    import shutil

    from graft.backbones.model_folder import CHECKSUMS, DESCRIPTION
    from graft.storage import sha256_of

    place = tmp_path / "model"
    shutil.copytree(run / "model", place)
    described = json.loads((place / DESCRIPTION).read_text())
    for details in ({}, {"thresholds": [2.0] * 3}, {"half_widths": [-1.0], "means": [0.0], "coverage": 0.9}, {"x": 1}):
        (place / DESCRIPTION).write_text(json.dumps({**described, "details": details}))
        sums = json.loads((place / CHECKSUMS).read_text())
        (place / CHECKSUMS).write_text(json.dumps({**sums, DESCRIPTION: sha256_of(place / DESCRIPTION)}))
        for name in ("transcription", "no task", 7):
            (place / DESCRIPTION).write_text(json.dumps({**described, "task": name}))
            sums = json.loads((place / CHECKSUMS).read_text())
            (place / CHECKSUMS).write_text(json.dumps({**sums, DESCRIPTION: sha256_of(place / DESCRIPTION)}))
            with pytest.raises(GraftError):
                Model.load(place)
        (place / DESCRIPTION).write_text(json.dumps({**described, "details": details}))
        (place / CHECKSUMS).write_text(json.dumps({**sums, DESCRIPTION: sha256_of(place / DESCRIPTION)}))
        if described["details"]:
            with pytest.raises(WorkError, match="details"):
                Model.load(place)
        else:
            Model.load(place)


def test_it_leaves_as_a_file_that_answers_the_same(run, tmp_path):
    exported = graft.export(run, "onnx", tmp_path / "artifact")
    parity = exported.artifacts[0].parity
    assert parity.passed
    assert parity.agreement == 1
    manifest = json.loads((exported.recommended / "manifest.json").read_text())
    ours, theirs = (list(graft.Predictor(one).predict(inputs(run))) for one in (run, exported.recommended))
    task = task_of(manifest["task"])
    for one, other in zip(ours, theirs, strict=True):
        bold = [{text.split()[0] for text, style in task.shown(each) if style == "bold"} for each in (one, other)]
        assert bold[0] == bold[1]


@pytest.mark.parametrize("name", TASKS)
def test_what_a_step_cannot_serve_is_refused_with_what_can(name):
    from graft.data.refusal import refuse_task

    task = task_of(name)
    for step in VERBS:
        if step in task.steps:
            refuse_task(task, step, "it")
            continue
        with pytest.raises(RequestError, match=f"it is for {name}, and .* serves classification"):
            refuse_task(task, step, "it")


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in SERVED if one != "classification"])
def test_all_rungs_and_resume(name, tmp_path):
    """Every rung is climbed, each kept only where it is better; an interrupted run ends in the same bits."""
    table = made("image", name, tmp_path / "data")
    options = graft.FitOptions(NETWORKS["image"], "best", LoadOptions(task=name))
    fitted = graft.fit(table, tmp_path / "run", options)
    columns = [one for one, _, _ in task_of(name).ladder_columns]
    rungs = {entry["rung"]: entry for entry in fitted.ladder}
    assert {"0", "1", "1b", "2", "3"} <= set(rungs)
    assert all(columns[0] in entry for rung, entry in rungs.items() if rung != "final")

    class Stop:
        """Ends the second fit in the middle of rung 2."""

        def task(self, title, total, unit):
            if "Training" in title:
                raise KeyboardInterrupt
            return SILENT.task(title, total, unit)

        def say(self, message):
            pass

        def stage(self, stage):
            pass

    stopped = graft.fit(table, tmp_path / "other", options, Stop())
    assert stopped.stopped
    graft.resume(tmp_path / "other")
    kept = [(one / "model" / "model.safetensors").read_bytes() for one in (tmp_path / "run", tmp_path / "other")]
    assert kept[0] == kept[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in SERVED if one != "classification"])
def test_an_audit_compares_what_the_task_is_rated_by(name, tmp_path, monkeypatch):
    monkeypatch.setattr("graft.verbs.audit.LEAST_SECONDS", 2.0)
    from graft.audit import alarms

    monkeypatch.setattr(alarms, "MUCH_ALIKE", 1.0)  # eight colours with noise are alike, and meant to be
    table = made("image", name, tmp_path / "data", each=34)
    run = graft.fit(table, tmp_path / "run", graft.FitOptions(NETWORKS["image"], "quick", LoadOptions(task=name))).run
    verdict = graft.audit(run).verdict
    rated = {one.key: one.accuracy for one in verdict.arms}
    assert verdict.rated_by == task_of(name).rated_by
    assert rated["probe"] > rated["majority"] + 0.1
    assert verdict.harmed == ()
    assert all(one.p is None for one in verdict.comparisons)
    assert f"of {verdict.rated_by}" in verdict.sentence

import json
from dataclasses import replace

import pytest

import graft
from graft.data import LoadOptions
from graft.errors import RequestError, WorkError
from graft.run_folder import RunFolder
from graft.verbs import fit as module
from graft.verbs.fit import FitOptions, fit

QUICK = FitOptions(effort="quick")

FILES = {
    "run.json",
    "events.jsonl",
    "split.csv",
    "findings.json",
    "ladder.json",
    "evaluation.json",
    "report.html",
    "README.md",
    "model/model.safetensors",
    "model/model.json",
    "model/checksums.json",
}


def test_a_run_folder_holds_everything(fitted):
    found = {path.relative_to(fitted.run).as_posix() for path in fitted.run.rglob("*") if path.is_file()}
    assert found >= FILES
    settings = json.loads((fitted.run / "run.json").read_text())
    assert settings["state"] == "finished"
    assert settings["samples"] == {"train": 42, "val": 6, "test": 12}


def test_colours_are_learnt(fitted):
    assert fitted.evaluation.accuracy.value > 0.95
    assert fitted.evaluation.part == "cross-validation"


def test_the_test_part_is_not_read(folder, tmp_path, monkeypatch):
    """Not even opened: the test pictures could vanish between the checks and the fit."""
    root = folder(lemon=12, plum=12)
    loaded = module.load

    def load_then_remove_test(*arguments):
        dataset = loaded(*arguments)
        for row in range(len(dataset)):
            if dataset.parts[row] == 2:
                dataset.path(row).unlink()
        return dataset

    monkeypatch.setattr(module, "load", load_then_remove_test)
    run = fit(root, tmp_path / "run", QUICK).run
    assert json.loads((run / "run.json").read_text())["test_readings"] == []


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_split(folder, tmp_path):
    root = folder(lemon=15, plum=15)
    runs = [
        fit(root, tmp_path / name, FitOptions(effort="quick", load=LoadOptions(seed=seed))).run
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, second, third = ((run / "model" / "model.safetensors").read_bytes() for run in runs)
    assert first == second
    assert first != third


def test_unreadable_pictures_are_listed_in_the_run(folder, tmp_path):
    root = folder(lemon=12, plum=12)
    (root / "lemon" / "empty.jpg").write_bytes(b"")
    run = fit(root, tmp_path / "run", QUICK).run
    [finding] = [f for f in json.loads((run / "findings.json").read_text()) if f["kind"] == "unreadable"]
    assert finding["sources"] == ["lemon/empty.jpg: the file is empty (0 bytes)"]
    assert "empty.jpg" in (run / "report.html").read_text()


def test_a_gap_between_cross_validation_and_val_is_told(folder, tmp_path):
    """Val pictures of other colours: what train says of itself does not hold there."""
    folder("train", lemon=30, plum=30)
    root = folder("val", lemon=30, plum=30)
    for name, other in (("lemon", "plum"), ("plum", "lemon")):
        (root / "val" / name).rename(root / "val" / f"was-{other}")
    (root / "val" / "was-lemon").rename(root / "val" / "lemon")
    (root / "val" / "was-plum").rename(root / "val" / "plum")
    fitted = fit(root, tmp_path / "run", QUICK)
    assert fitted.evaluation.part == "val"
    assert any("resemble each other" in note for note in fitted.evaluation.notes)


def test_wrong_options_come_in_one_report(folder):
    options = FitOptions(effort="heroic", cache_gb=0)  # type: ignore[arg-type]
    with pytest.raises(RequestError) as caught:
        fit(folder(lemon=5, plum=5), options=options)
    assert all(word in str(caught.value) for word in ("heroic", "cache_gb"))


def test_an_unknown_backbone_leaves_no_run(folder, tmp_path):
    with pytest.raises(RequestError, match="Did you mean"):
        fit(folder(lemon=5, plum=5), tmp_path / "run", FitOptions(backbone="wheel:efficientnet"))
    assert not (tmp_path / "run").exists()


def test_a_failure_is_written_into_the_run_and_the_run_can_be_replaced(folder, tmp_path, monkeypatch):
    def full(*arguments):
        raise WorkError("the disk is full")

    root = folder(lemon=12, plum=12)
    with monkeypatch.context() as broken:
        broken.setattr("graft.adaptation.model.write_model_folder", full)
        with pytest.raises(WorkError):
            fit(root, tmp_path / "run", QUICK)
    assert RunFolder(tmp_path / "run").settings["state"] == "failed: WorkError"
    fit(root, tmp_path / "run", FitOptions(effort="quick", replace=True))


def test_a_run_that_replaces_one_of_the_same_data_knows_what_was_read_before(folder, tmp_path):
    root, run = folder(lemon=12, plum=12), tmp_path / "run"
    fit(root, run, QUICK)
    graft.evaluate(run)
    again = replace(QUICK, replace=True)
    fit(root, run, again)
    assert len(RunFolder(run).settings["test_readings"]) == 1
    assert RunFolder(run).readings_of_other_models() == []  # the same seed made the same model again
    fit(root, run, replace(again, backbone="random:timm:test_efficientnet@64"))
    assert len(RunFolder(run).readings_of_other_models()) == 1
    folder(quince=12)
    fit(root, run, again)
    assert RunFolder(run).settings["test_readings"] == []


def test_without_out_the_first_free_name_is_taken(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = folder(lemon=12, plum=12)
    assert [str(fit(root, options=QUICK).run) for _ in range(2)] == ["runs/fruit", "runs/fruit-2"]


def test_too_many_classes_for_the_memory_are_refused_before_the_work(folder, monkeypatch):
    dataset = graft.load(folder(lemon=12, plum=12))
    many = replace(dataset, classes=tuple(str(number) for number in range(10_000)))
    monkeypatch.setattr("graft.machine.available_memory", lambda: 1_000_000)
    with pytest.raises(RequestError, match="10,000 classes need about .* GB"):
        module.check_memory(many)


def test_a_run_is_a_backbone_for_another_task(fitted, folder, tmp_path):
    second = fit(folder(lime=12, quince=12), tmp_path / "run", FitOptions(f"run:{fitted.run}", "quick"))
    assert second.evaluation.samples == 20
    assert json.loads((second.run / "model" / "model.json").read_text())["backbone"]["id"] == f"run:{fitted.run}"

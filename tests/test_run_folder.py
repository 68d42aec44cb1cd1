import json
import subprocess
import sys

import pytest

from graft.errors import RequestError, WorkError
from graft.run_folder import RunFolder


def test_an_existing_run_is_kept(tmp_path):
    RunFolder.create(tmp_path / "run", {"graft": "1"})
    with pytest.raises(RequestError, match="already holds a run.*--replace"):
        RunFolder.create(tmp_path / "run", {})


def test_replacing_moves_the_old_run_aside(tmp_path):
    for number in range(3):
        RunFolder.create(tmp_path / "run", {"number": number}, replace=True)
    kept = {path.name: json.loads((path / "run.json").read_text())["number"] for path in tmp_path.iterdir()}
    assert kept == {"run": 2, "run.old": 0, "run.old-2": 1}


def test_a_folder_with_other_things_is_never_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RequestError, match="not a run of graft"):
        RunFolder.create(tmp_path, {}, replace=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_place_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="Could not make the folder"):
        RunFolder.create(tmp_path / "file" / "run", {})


def test_opening_what_is_no_run(tmp_path):
    with pytest.raises(RequestError, match="graft fit DATA --out"):
        RunFolder.open(tmp_path)


def test_opening_a_run_of_another_version(tmp_path):
    run = RunFolder.create(tmp_path / "run", {"graft": "9.0"})
    run.update(format=99)
    with pytest.raises(RequestError, match="written in format 99 by graft 9.0"):
        RunFolder.open(tmp_path / "run")


def test_test_readings_are_counted(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    assert [run.count_test_reading("evaluate") for _ in range(3)] == [1, 2, 3]
    assert [reading["purpose"] for reading in run.settings["test_readings"]] == ["evaluate"] * 3


def test_readings_count_against_a_model_only_where_it_was_changed_afterwards(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    for purpose, model in (("evaluate", "first"), ("audit", "second"), ("export", "second")):
        run.model.mkdir(exist_ok=True)
        (run.model / "checksums.json").write_text(model)
        run.count_test_reading(purpose)
    assert [one["purpose"] for one in run.readings_of_other_models()] == ["evaluate"]


def test_a_split_comes_back_as_it_was(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    rows = [("苹果/a, b.jpg", "苹果", "train", "", "00"), ('x"y\r.jpg', "plum\n", "test", "tree 1", "ff")]
    run.write_split(rows)
    assert [tuple(row.values()) for row in run.read_split()] == rows


def test_a_split_in_which_somebody_moved_rows_is_refused(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.write_split([("a.jpg", "plum", "train", "", "00")])
    run.write_text("split.csv", (run.path / "split.csv").read_text().replace("train", "test"))
    with pytest.raises(WorkError, match="which samples the model has seen"):
        run.read_split()


def test_a_damaged_file_is_named(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.write_text("evaluation.json", "{")
    with pytest.raises(WorkError, match=r"evaluation.json was changed or damaged: the file: Invalid JSON"):
        run.read("evaluation.json", dict[str, int])


def test_a_changed_field_is_named(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.write("evaluation.json", {"test": {"samples": "many"}})
    with pytest.raises(WorkError, match=r"test.samples: Input should be a valid integer"):
        run.read("evaluation.json", dict[str, dict[str, int]])


def test_readings_of_several_processes_at_once_are_all_counted(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    code = f"""
from pathlib import Path
from graft.run_folder import RunFolder
for _ in range(20):
    RunFolder(Path({str(run.path)!r})).count_test_reading("evaluate")
"""
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert len(run.settings["test_readings"]) == 80


def test_a_run_that_broke_off_before_its_first_model_says_so(tmp_path):
    RunFolder.create(tmp_path / "run", {}).update(state="failed: WorkError")
    with pytest.raises(RequestError, match=r"holds no model yet .its state: failed: WorkError"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("text", ["[]", '{"format": 1}', '{"format": 1, "split_sha256": "0"}'])
def test_a_changed_run_json_says_what_is_wrong(tmp_path, text):
    run = RunFolder.create(tmp_path / "run", {})
    run.write_text("run.json", text)
    with pytest.raises(WorkError, match=r"run.json was changed or damaged"):
        RunFolder.open(tmp_path / "run")


def test_a_new_model_takes_the_place_of_the_old_only_when_it_is_whole(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})

    def save(text):
        def write(folder):
            folder.mkdir()
            (folder / "model.json").write_text(text)
            if text == "broken":
                raise WorkError("the disk is full")

        return write

    run.write_model(save("first"))
    with pytest.raises(WorkError):
        run.write_model(save("broken"))
    assert (run.model / "model.json").read_text() == "first"
    run.write_model(save("second"))
    assert (run.model / "model.json").read_text() == "second"
    assert {path.name for path in run.path.iterdir()} - {".lock"} == {"run.json", "model"}

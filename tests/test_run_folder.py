import csv
import json
import subprocess
import sys
from pathlib import Path

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


def test_a_spreadsheet_computes_nothing_of_a_split(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    rows = [("=cmd|' /C calc'!A0", "@SUM(A1)", "train", "-2+3", "00"), ("'=x", "'tis", "train", "\tx", "ff")]
    run.write_split(rows)
    with (run.path / "split.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "-", "+", "\t", "\r"))]
    assert [tuple(row.values()) for row in run.read_split()] == rows


def test_commands_in_messages_are_quoted_for_the_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=r"graft fit DATA --out 'a & \$\(rm\)'"):
        RunFolder.open(Path("a & $(rm)"))


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


class Killed(BaseException):
    """The process ends here, without a chance to tidy up."""


def saved(text):
    def write(folder):
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(text)
        (folder / "checksums.json").write_text(text)

    return write


def test_a_run_that_a_process_works_on_is_not_replaced(tmp_path):
    run = RunFolder.create(tmp_path / "run", {"number": 1})
    with run.alone_at_work(), pytest.raises(RequestError, match="Another process is at work on"):
        RunFolder.create(tmp_path / "run", {}, replace=True)
    assert run.settings["number"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("after", ["moved", "replaced"])
def test_nothing_is_written_into_a_folder_that_holds_another_run(tmp_path, after):
    run = RunFolder.create(tmp_path / "run", {"number": 1})
    run.write_model(saved("apples"))
    run.path.rename(tmp_path / "elsewhere")
    if after == "replaced":
        RunFolder.create(tmp_path / "run", {"number": 2})
    writes = (
        lambda: run.update(state="finished"),
        lambda: run.write("ladder.json", []),
        lambda: run.write_text("report.html", ""),
        lambda: run.event("epoch"),
        lambda: run.write_model(saved("fruit")),
        lambda: run.count_test_reading("evaluate"),
        lambda: run.write_split([]),
    )
    for write in writes:
        with pytest.raises(WorkError, match="moved, replaced or removed"):
            write()
    there = [path.name for path in (tmp_path / "run").iterdir()] if after == "replaced" else []
    assert set(there) - {".lock", ".work.lock"} == ({"run.json"} if after == "replaced" else set())
    assert (tmp_path / "run").exists() == (after == "replaced")
    assert (tmp_path / "elsewhere" / "model" / "model.json").read_text() == "apples"


def test_a_run_that_was_replaced_while_nobody_worked_on_it_is_not_gone_on_with(tmp_path):
    old = RunFolder.create(tmp_path / "run", {})
    RunFolder.create(tmp_path / "run", {}, replace=True)
    with pytest.raises(WorkError, match="moved, replaced or removed"), old.alone_at_work():
        pass


def test_of_several_that_begin_in_one_folder_one_does(tmp_path):
    code = f"""
from pathlib import Path
from graft.errors import RequestError
from graft.run_folder import RunFolder
try:
    print(RunFolder.create(Path({str(tmp_path / "run")!r}), {{}}).id)
except RequestError:
    pass
"""
    run = [sys.executable, "-c", code]
    processes = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    ids = "".join(process.communicate()[0] for process in processes).split()
    assert ids == [json.loads((tmp_path / "run" / "run.json").read_text())["id"]]


@pytest.mark.parametrize("step", range(6))
def test_killed_anywhere_in_a_commit_the_old_or_the_new_is_there_and_all_of_it(tmp_path, monkeypatch, step):
    run = RunFolder.create(tmp_path / "run", {})
    run.commit({"evaluation.json": b'"old"', "ladder.json": b'"old"'}, saved("old"))
    run.write_text("report.html", "of the old model")
    left, rename, replace = [step], type(run.path).rename, type(run.path).replace

    def counted(move):
        def moved(self, target):
            if self.parent.name != "run" and not self.name.startswith("model") and not self.name.endswith(".json"):
                return move(self, target)
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return move(self, target)

        return moved

    with monkeypatch.context() as patched:
        patched.setattr(type(run.path), "rename", counted(rename))
        patched.setattr(type(run.path), "replace", counted(replace))
        try:
            run.commit({"evaluation.json": b'"new"', "ladder.json": b'"new"'}, saved("new"))
        except Killed:
            assert (run.model / "model.json").read_text() in ("old", "new")
    with run.exclusively():
        pass  # what the next process that opens the run does
    found = {(run.model / "model.json").read_text()}
    found |= {json.loads((run.path / name).read_text()) for name in ("evaluation.json", "ladder.json")}
    assert found in ({"old"}, {"new"})
    assert (run.path / "report.html").exists() == (found == {"old"})
    assert not (run.path / ".staged").exists()
    assert not (run.path / ".model.replaced").exists()


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.write_model(saved("old"))
    reads = []

    def load(folder):
        first = (folder / "model.json").read_text()
        if not reads:
            run.write_model(saved("new"))
        reads.append(first)
        return first, (folder / "model.json").read_text()

    assert run.read_model(load) == ("new", "new")
    assert reads == ["old", "new"]


def test_a_damaged_model_is_told_at_once(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.write_model(saved("old"))
    calls = []

    def load(folder):
        calls.append(folder)
        raise WorkError("damaged")

    with pytest.raises(WorkError, match="damaged"):
        run.read_model(load)
    assert len(calls) == 1


def test_a_reading_of_the_test_part_survives_a_commit_that_a_crash_left(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    staged = run.path / ".staged"
    staged.mkdir()
    (staged / "run.json").write_bytes((run.path / "run.json").read_bytes())
    run.count_test_reading("evaluate")
    run.update(state="finished")
    assert len(run.settings["test_readings"]) == 1

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from graft.errors import WorkError
from graft.ranking.history import (
    Past,
    erase_history,
    history_file,
    meet,
    read_history,
    remember,
    write_history,
)


@pytest.fixture(autouse=True)
def own_history(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_HISTORY", str(tmp_path / "history" / "history.json"))


def past(dataset: str, gain: float, backbone: str = "a") -> Past:
    fine_tuned = 1 / (1 + np.exp(-gain))  # of a probe that is right half of the time
    return Past(0.0, dataset, "image", 500, 5, backbone, 0.5, float(fine_tuned), 10**9)


def test_runs_are_remembered_and_the_same_run_once(tmp_path):
    assert read_history() == []
    remember(past("d", 0.1))
    remember(past("d", 0.2))
    remember(past("d", 0.3, "b"))
    assert [one.backbone for one in read_history()] == ["a", "b"]
    write_history(read_history(), tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_text() == history_file().read_text()
    assert erase_history() == 2
    assert read_history() == []


def test_a_damaged_history_is_told_and_can_be_erased():
    remember(past("d", 0.1))
    history_file().write_text("[{}]")
    with pytest.raises(WorkError, match="history"):
        read_history()
    assert erase_history() == 0
    assert read_history() == []


def test_what_the_test_part_said_is_added_once_and_to_its_run_only():
    remember(past("d", 0.1))
    remember(replace(past("e", 0.1), foreseen=0.9))
    for accuracy in (0.8, 0.7):
        meet("d", "a", accuracy, 50)
        meet("e", "a", accuracy, 50)
    assert [(one.met, one.tested) for one in read_history()] == [(None, 0), (0.8, 50)]


def test_a_history_of_an_older_version_is_read():
    remember(past("d", 0.1))
    older = [{key: one[key] for key in one if key not in ("foreseen", "met", "tested")} for one in read_json()]
    history_file().write_text(json.dumps(older))
    assert read_history() == [past("d", 0.1)]


def read_json() -> list[dict]:
    return json.loads(history_file().read_text())


def test_what_was_tested_stays_when_the_same_data_are_fitted_again():
    remember(replace(past("d", 0.1), foreseen=0.9, run="first"))
    meet("d", "a", 0.8, 50, "first")
    remember(replace(past("d", 0.3), foreseen=0.95, run="second"))
    assert [(one.run, one.foreseen, one.met) for one in read_history()] == [("first", 0.9, 0.8)]


def test_what_one_run_met_is_not_written_to_another():
    remember(replace(past("d", 0.1), foreseen=0.9, run="first"))
    meet("d", "a", 0.8, 50, "second")
    assert [one.met for one in read_history()] == [None]


def test_two_that_write_at_once_lose_nothing():
    code = """
import sys
from graft.ranking.history import Past, meet, remember
for number in range(40):
    remember(Past(0.0, f"{sys.argv[1]}{number}", "image", 500, 5, "a", 0.5, 0.6, 100, foreseen=0.6))
    meet(f"{sys.argv[1]}{number}", "a", 0.5, 50)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "xy"]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(read_history()) == 80
    assert all(one.met == 0.5 for one in read_history())

import numpy as np
import pytest

from graft.errors import WorkError
from graft.ranking.history import (
    Past,
    erase_history,
    history_file,
    learn_gain,
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


def test_the_assumption_stands_until_there_are_runs_on_other_tasks():
    runs = [past(f"d{number}", 1.0) for number in range(8)]
    assert learn_gain(runs, "image", "new").runs == 0
    assert "assumption" in learn_gain(runs, "image", "new").regime
    runs.append(past("d8", 1.0))
    assert learn_gain(runs, "image", "new").runs == 9
    assert learn_gain(runs, "image", "d8").runs == 0  # a task does not teach about itself
    assert learn_gain(runs, "text", "new").runs == 0


def test_the_bounds_hold_nine_of_ten_new_tasks():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        gains = rng.normal(0.5, 0.3, size=31)
        learnt = learn_gain([past(f"d{n}", gain) for n, gain in enumerate(gains[:30])], "image", "new")
        inside.append(abs(gains[30] - learnt.mean) <= learnt.half)
    assert 0.85 <= np.mean(inside) <= 0.95


def test_an_expected_accuracy_has_its_interval():
    estimate = learn_gain([], "image", "new").apply(0.8, 100)
    assert estimate.low < 0.8 < estimate.value < estimate.high < 1

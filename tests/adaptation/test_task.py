import numpy as np
import pytest

from graft.adaptation import task as module
from graft.adaptation.task import Task
from graft.data import LoadOptions, load
from graft.training.place import Place


def task_of(root, **options) -> Task:
    return Task.of(load(root, LoadOptions(**options)), Place())


def sources(task: Task, positions) -> set[str]:
    return {task.dataset.sources[row] for row in task.rows[positions]}


@pytest.fixture
def given(folder):
    folder("train", lemon=20, plum=20)
    return folder("val", lemon=5, plum=5)


def test_a_small_val_part_is_joined_by_the_end_of_each_class(given):
    task = task_of(given)
    deciding = sources(task, task.deciding)
    assert {name for name in deciding if name.startswith("val/")} == sources(task, task.deciding[task.own])
    joined = {name for name in deciding if name.startswith("train/")}
    last = sorted(f"train/lemon/{number}.png" for number in range(20))[-3:]
    assert {name for name in joined if "lemon" in name} == set(last)
    assert len(joined) == 6
    assert not set(task.train) & set(task.deciding)
    assert len(task.train) + len(task.deciding) == len(task.rows)


def test_a_large_val_part_decides_alone(given, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH_DECIDING", 10)
    task = task_of(given)
    assert all(name.startswith("val/") for name in sources(task, task.deciding))
    assert task.own.all()


def test_without_a_val_part_a_share_of_every_class_decides(folder):
    task = task_of(folder("train", lemon=20, plum=20))
    assert np.bincount(task.labels[task.deciding]).tolist() == [3, 3]
    assert task.own.all()


def test_groups_stay_on_one_side(folder):
    task = task_of(folder("train", lemon=20, plum=20), group=r"/(\d)\d?\.png")
    groups = task.groups
    assert not set(groups[task.train]) & set(groups[task.deciding])


def test_too_many_are_thinned_out_in_proportion(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_DECIDING", 4)
    monkeypatch.setattr(module, "DECIDING_SHARE", 0.5)
    task = task_of(folder("train", lemon=20, plum=20))
    assert np.bincount(task.labels[task.deciding]).tolist() == [2, 2]


def test_everything_holds_nothing_back(given):
    task = task_of(given).on_everything()
    assert len(task.train) == len(task.rows) == 50
    assert len(task.deciding) == 0


def test_small_classes_decide_with_one_sample_each_and_single_ones_train(folder):
    folder("train", lemon=3, plum=3, lime=1)
    folder("test", lime=1)
    task = task_of(folder())
    assert np.bincount(task.labels[task.deciding], minlength=3).tolist() == [1, 0, 1]

import numpy as np
import pytest

from graft.adaptation import context as module
from graft.adaptation.context import TrainingContext
from graft.data import LoadOptions, load
from graft.training.place import Place


def context_of(root, **options) -> TrainingContext:
    return TrainingContext.of(load(root, LoadOptions(**options)), Place())


def sources(context: TrainingContext, positions) -> set[str]:
    return {context.dataset.sources[row] for row in context.rows[positions]}


@pytest.fixture
def given(folder):
    folder("train", lemon=20, plum=20)
    return folder("val", lemon=5, plum=5)


def test_a_small_val_part_is_joined_by_the_end_of_each_class(given):
    context = context_of(given)
    deciding = sources(context, context.deciding)
    assert {name for name in deciding if name.startswith("val/")} == sources(context, context.deciding[context.own])
    joined = {name for name in deciding if name.startswith("train/")}
    last = sorted(f"train/lemon/{number}.png" for number in range(20))[-3:]
    assert {name for name in joined if "lemon" in name} == set(last)
    assert len(joined) == 6
    assert not set(context.train) & set(context.deciding)
    assert len(context.train) + len(context.deciding) == len(context.rows)


def test_a_large_val_part_decides_alone(given, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH_DECIDING", 10)
    context = context_of(given)
    assert all(name.startswith("val/") for name in sources(context, context.deciding))
    assert context.own.all()


def test_without_a_val_part_a_share_of_every_class_decides(folder):
    context = context_of(folder("train", lemon=20, plum=20))
    assert np.bincount(context.labels[context.deciding]).tolist() == [3, 3]
    assert context.own.all()


def test_groups_stay_on_one_side(folder):
    context = context_of(folder("train", lemon=20, plum=20), group=r"/(\d)\d?\.png")
    groups = context.groups
    assert not set(groups[context.train]) & set(groups[context.deciding])


def test_too_many_are_thinned_out_in_proportion(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_DECIDING", 4)
    monkeypatch.setattr(module, "DECIDING_SHARE", 0.5)
    context = context_of(folder("train", lemon=20, plum=20))
    assert np.bincount(context.labels[context.deciding]).tolist() == [2, 2]


def test_everything_holds_nothing_back(given):
    context = context_of(given).on_everything()
    assert len(context.train) == len(context.rows) == 50
    assert len(context.deciding) == 0


def test_small_classes_decide_with_one_sample_each_and_single_ones_train(folder):
    folder("train", lemon=3, plum=3, lime=1)
    folder("test", lime=1)
    context = context_of(folder())
    assert np.bincount(context.labels[context.deciding], minlength=3).tolist() == [1, 0, 1]

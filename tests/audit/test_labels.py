import numpy as np
import pytest

from graft.audit.labels import Curve, curve, labels_to_reach, saved, subsets


def test_subsets_are_nested_stratified_and_end_with_everything():
    labels = np.repeat(np.arange(3), (40, 40, 6)).astype(np.int32)
    drawn = subsets(labels, 0)
    assert [len(draws) for draws in drawn] == [5, 5, 5, 1]  # 5, 10 and 20 a class, then all
    for smaller, larger in zip(drawn[:-2], drawn[1:-1], strict=True):
        for few, more in zip(smaller, larger, strict=True):
            assert set(few) <= set(more)
    assert [np.bincount(labels[rows]).tolist() for rows in drawn[1]] == [[10, 10, 6]] * 5


def test_where_a_curve_reaches_an_accuracy():
    sizes, accuracies = (10, 100, 1000), (0.5, 0.7, 0.9)
    assert labels_to_reach(sizes, accuracies, 0.7) == pytest.approx(100)
    assert labels_to_reach(sizes, accuracies, 0.6) == pytest.approx(10**1.5)
    assert labels_to_reach(sizes, accuracies, 0.3) == 10
    assert labels_to_reach(sizes, accuracies, 0.95) is None


def test_labels_saved_have_an_interval_that_holds_the_truth():
    rng = np.random.default_rng(0)
    shares = {20: 0.6, 80: 0.8, 320: 0.9}
    way = Curve(tuple(shares), tuple(rng.random((5, 500)) < share for share in shares.values()))
    found = saved(way, rng.random((1, 500)) < 0.8, 320, 0)
    assert found.low < 4 < found.high  # 80 labels are as good as the rival's 320
    assert not found.at_least
    assert saved(way, np.ones((1, 500), bool), 320, 0) is None


def test_a_curve_asks_for_a_classifier_of_each_draw():
    labels = (np.arange(60) % 2).astype(np.int32)
    asked = []

    def answer(rows):
        asked.append(len(rows))
        return np.ones(7, bool)

    found = curve(labels, answer, 0)
    assert found.sizes == (10, 20, 40, 60)
    assert asked == [10] * 5 + [20] * 5 + [40] * 5 + [60]
    assert found.accuracies == (1.0, 1.0, 1.0, 1.0)

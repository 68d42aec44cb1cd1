"""Intervals of shares: known values, agreement on balanced data, and coverage by simulation, alone and by group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graft.evaluation.intervals import Units, mean_share, quantile, share, units_of, wilson

RUNS = 400


def alone(count: int) -> Units:
    return units_of(None, count)


def test_wilson_interval_of_a_known_table():
    """81 of 263: 0.2553 to 0.3662; 1 of 29: 0.0061 to 0.1718 (Newcombe 1998, table I)."""
    for right, count, low, high in ((81, 263, 0.2553, 0.3662), (1, 29, 0.0061, 0.1718)):
        interval = wilson(right / count, count, 1.959964)
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(0, 100), min_size=2, max_size=9))
def test_on_classes_of_equal_size_both_intervals_are_one(size, hits):
    strata = np.repeat(np.arange(len(hits), dtype=np.int32), size)
    right = np.concatenate([np.arange(size) < hit % (size + 1) for hit in hits])
    one, other = share(right, alone(len(right))), mean_share(right, strata, alone(len(right)))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_all_right_is_no_certainty_in_either():
    """55 of 55: the accuracy's interval begins at 93.5%, and so does that of the mean recall of five classes of 11."""
    right, strata = np.ones(55, np.bool_), np.repeat(np.arange(5, dtype=np.int32), 11)
    assert mean_share(right, strata, alone(55)).low == pytest.approx(share(right, alone(55)).low)
    assert share(right, alone(55)).low == pytest.approx(0.9347, abs=1e-4)


def test_a_small_class_makes_the_mean_recall_less_sure_than_the_accuracy():
    right, strata = np.ones(88, np.bool_), np.repeat(np.arange(3, dtype=np.int32), (60, 20, 8))
    assert mean_share(right, strata, alone(88)).low < share(right, alone(88)).low - 0.03


@pytest.mark.parametrize(
    ("sizes", "recalls"),
    [
        ((60, 20, 8), (0.9, 0.7, 0.5)),
        ((60, 20, 8), (0.99, 0.97, 0.85)),
        ((200, 10), (0.95, 0.6)),
        ((5,) * 28, (0.9,) * 28),
        ((20, 20, 20), (0.95, 0.95, 0.95)),
    ],
    ids=["uneven", "uneven and good", "two", "28 of 5", "even"],
)
def test_both_intervals_hold_the_truth_about_95_times_in_100(sizes, recalls):
    rng = np.random.default_rng(1)
    strata = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    truths = np.average(recalls, weights=sizes), np.mean(recalls)
    held = np.zeros(2)
    for _ in range(RUNS):
        right = rng.random(len(strata)) < np.array(recalls)[strata]
        found = share(right, alone(len(right))), mean_share(right, strata, alone(len(right)))
        held += [one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)]
    assert (held / RUNS >= 0.91).all()


@pytest.mark.parametrize("groups", [3, 5, 10, 30])
@pytest.mark.parametrize(("rate", "correlation"), [(0.7, 0.1), (0.9, 0.3), (0.95, 0.2)])
def test_by_group_they_hold_it_too_where_samples_of_a_group_err_together(groups, rate, correlation):
    """Beta-binomial: each group has a rate of its own. Without groups the interval holds it far too seldom."""
    rng = np.random.default_rng(2)
    numbers = np.repeat(np.arange(groups), 20)
    names = [f"speaker {number}" for number in numbers]
    strata = (np.arange(len(numbers)) % 2).astype(np.int32)
    spread = 1 / correlation - 1
    by_group, plain, held = units_of(names, len(names)), alone(len(names)), np.zeros(3)
    for _ in range(RUNS):
        rates = rng.beta(rate * spread, (1 - rate) * spread, groups)
        right = rng.random(len(numbers)) < rates[numbers]
        found = share(right, by_group), mean_share(right, strata, by_group), share(right, plain)
        held += [one.low <= rate <= one.high for one in found]
    assert (held[:2] / RUNS >= 0.91).all()
    assert held[2] / RUNS < 0.92
    assert held[2] < held[0]


def test_few_groups_reach_as_far_as_students_t():
    assert quantile(units_of(["a", "b", "c"] * 4, 12)) == pytest.approx(4.303, abs=1e-3)
    assert quantile(units_of(None, 12)) == pytest.approx(1.960, abs=1e-3)


def test_groups_never_narrow_an_interval():
    right = np.arange(60) % 10 != 0  # the same share in each group: less apart than chance would have it
    names = [f"g{number // 10}" for number in range(60)]
    assert share(right, units_of(names, 60)).low <= share(right, alone(60)).low


class TestUnits:
    def test_a_sample_without_a_group_stands_for_itself(self):
        assert units_of(["a", "", "a", ""], 4).count == 3

    def test_groups_of_one_sample_are_none(self):
        units = units_of(["a", "b", "c"], 3)
        assert not units.by_group
        assert units.note == ""

    def test_one_group_is_told_and_its_samples_are_drawn(self):
        units = units_of(["theo"] * 9, 9)
        assert not units.by_group
        assert "1 group" in units.note

    def test_what_intervals_stand_on_is_told(self):
        assert units_of(["a", "b"] * 6, 12).note.startswith("Intervals by group: 2 groups")

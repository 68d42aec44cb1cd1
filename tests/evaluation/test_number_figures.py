"""Figures of numbers: those of scikit-learn, and intervals that keep their promise."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from graft.evaluation.numbers import conformal_half_widths, evaluate_numbers


def data(count=150, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.normal(10, 3, (count, 2))
    return targets + rng.normal(0, [1.0, 2.0], targets.shape), targets


def evaluated(answers, targets, **more):
    names = [f"{row}.png" for row in range(len(targets))]
    return evaluate_numbers(
        "test", answers, targets, np.array([10.0, 10.0]), np.array([1.7, 3.3]), 0.9, ("a", "b"), names, **more
    )


def test_the_figures_are_those_of_scikit_learn():
    answers, targets = data()
    found = evaluated(answers, targets)
    for number, score in enumerate(found.per_number):
        assert score.mae.value == pytest.approx(mean_absolute_error(targets[:, number], answers[:, number]))
        assert score.r2.value == pytest.approx(r2_score(targets[:, number], answers[:, number]))
        assert score.one_answer == pytest.approx(np.abs(targets[:, number] - 10).mean())
        assert score.mae.low < score.mae.value < score.mae.high
    assert found.r2.value == pytest.approx(r2_score(targets, answers))


def test_what_is_not_known_counts_nowhere():
    answers, targets = data()
    targets[:40, 1] = np.nan
    found = evaluated(answers, targets)
    assert found.per_number[1].known == 110
    assert found.per_number[1].mae.value == pytest.approx(np.abs(answers[40:, 1] - targets[40:, 1]).mean())
    assert all(np.isfinite(one.truth) for one in found.mistakes)


def test_conformal_intervals_hold_as_often_as_they_promise():
    """The law: over draws of calibration and new samples, at least 90% are inside, and hardly more."""
    inside = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        width, promised = conformal_half_widths(np.abs(rng.standard_t(3, (60, 1))))
        inside.append((np.abs(rng.standard_t(3, 200)) <= width[0]).mean())
        assert promised == 0.9
    assert 0.89 <= np.mean(inside) <= 0.93


def test_few_samples_promise_what_they_can():
    width, promised = conformal_half_widths(np.array([[1.0], [2.0], [5.0]]))
    assert (width[0], promised) == (5.0, 0.75)


def test_the_worst_come_first():
    answers, targets = data()
    answers[7, 0] += 50
    found = evaluated(answers, targets)
    assert (found.mistakes[0].source, found.mistakes[0].name) == ("7.png", "a")


def test_a_constant_answer_explains_nothing():
    _, targets = data()
    found = evaluated(np.full_like(targets, 10.0), targets)
    assert found.per_number[0].r2.value < 0.01
    assert not np.isfinite(found.per_number[0].spearman.value) or found.per_number[0].spearman.value == 0


def test_a_number_of_which_nothing_is_known_is_told_and_left_out():
    answers, targets = data()
    targets[:, 1] = np.nan
    found = evaluated(answers, targets)
    assert [one.name for one in found.per_number] == ["a"]
    assert "Nothing is known here of: b." in found.notes
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["samples"] == 150


def test_what_cannot_be_explained_counts_as_nothing():
    answers, targets = data()
    found = evaluated(answers, np.full_like(targets, 4.0))
    assert (found.r2.value, found.per_number[0].spearman.value) == (0.0, 0.0)
    json.dumps(asdict(found), allow_nan=False)

"""Figures of several labels: those of scikit-learn, with intervals that hold."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, hamming_loss, precision_recall_fscore_support

from graft.evaluation.labels import best_thresholds, evaluate_labels

NAMES = ("a", "b", "c")


def data(count=120, seed=0, unknown=0.0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((count, 3)) < np.array([0.5, 0.3, 0.2])).astype(np.int8)
    probabilities = np.clip(0.25 + 0.45 * targets + rng.normal(0, 0.25, targets.shape), 0.01, 0.99)
    targets[rng.random(targets.shape) < unknown] = -1
    return probabilities, targets


def evaluated(probabilities, targets, thresholds=(0.5, 0.5, 0.5), **more):
    names = [f"{row}.png" for row in range(len(targets))]
    return evaluate_labels("test", probabilities, targets, np.array(thresholds), NAMES, names, **more)


def test_the_figures_are_those_of_scikit_learn():
    probabilities, targets = data()
    given = probabilities >= 0.5
    found = evaluated(probabilities, targets)
    assert found.micro_f1.value == pytest.approx(f1_score(targets, given, average="micro"))
    assert found.macro_f1.value == pytest.approx(f1_score(targets, given, average="macro"))
    assert found.hamming_loss.value == pytest.approx(hamming_loss(targets, given))
    assert found.exact_match.value == pytest.approx((targets == given).all(axis=1).mean())
    assert found.mean_average_precision.value == pytest.approx(average_precision_score(targets, probabilities))
    rows = precision_recall_fscore_support(targets, given)
    for number, score in enumerate(found.per_label):
        assert (score.precision, score.recall, score.f1, score.support) == pytest.approx([one[number] for one in rows])


def test_what_is_not_known_counts_nowhere():
    """Hiding labels that were right leaves fewer right ones; hiding the same share at random changes nothing much."""
    probabilities, targets = data(400, unknown=0.3)
    found = evaluated(probabilities, targets)
    known = targets[:, 0] >= 0
    assert found.per_label[0].known == known.sum()
    expected = average_precision_score(targets[known, 0], probabilities[known, 0])
    assert found.per_label[0].average_precision.value == pytest.approx(expected)
    changed = probabilities.copy()
    changed[targets < 0] = 1 - changed[targets < 0]
    assert evaluated(changed, targets).micro_f1 == found.micro_f1


def test_intervals_hold_the_truth_about_19_times_in_20():
    truth = evaluated(*data(40_000, seed=99)).micro_f1.value
    inside = 0
    for seed in range(60):
        one = evaluated(*data(100, seed=seed)).micro_f1
        inside += one.low <= truth <= one.high
    assert 50 <= inside <= 60


def test_groups_are_drawn_whole():
    probabilities, targets = data(120)
    alone = evaluated(probabilities, targets).exact_match
    copied = [np.repeat(one[:12], 10, axis=0) for one in (probabilities, targets)]
    copies = evaluated(*copied, groups=[str(row // 10) for row in range(120)])
    assert copies.exact_match.high - copies.exact_match.low > 1.5 * (alone.high - alone.low)
    assert any("Intervals by group" in note for note in copies.notes)


def test_a_threshold_is_where_the_f1_is_best_and_half_where_few_have_the_label():
    probabilities, targets = data(500)
    found = best_thresholds(probabilities, targets)
    for label in range(3):
        best = f1_score(targets[:, label], probabilities[:, label] >= found[label])
        assert best >= max(f1_score(targets[:, label], probabilities[:, label] >= one) for one in np.linspace(0, 1, 41))
    rare = np.zeros((500, 3), np.int8)
    rare[:4] = 1
    assert best_thresholds(probabilities, rare).tolist() == [0.5] * 3


def test_mistakes_say_what_is_missing_and_what_is_too_much():
    probabilities = np.array([[0.9, 0.1, 0.2], [0.2, 0.8, 0.1]])
    targets = np.array([[0, 1, 0], [0, 1, 0]], np.int8)
    found = evaluated(probabilities, targets)
    assert [(one.missing, one.extra, one.truth) for one in found.mistakes] == [(("b",), ("a",), "b")]
    assert found.confused == (("b", "a", 1),)
    assert (1, 1, 2) in found.cooccurrence
    assert any("no" in note.lower() for note in found.notes)


def test_labels_that_nobody_has_here_are_told_and_give_numbers_that_json_holds():
    probabilities, targets = data(30)
    found = evaluated(probabilities, np.zeros_like(targets))
    json.dumps(asdict(found), allow_nan=False)
    assert any("nothing is known of finding them" in note for note in found.notes)
    assert all(one.average_precision is None for one in found.per_label)

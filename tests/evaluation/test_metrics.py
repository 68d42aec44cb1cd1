import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from graft.evaluation import evaluate_probabilities, metrics

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 300).astype(np.int32)
PROBABILITIES = RNG.dirichlet(np.ones(4), 300) * 0.6 + 0.4 * np.eye(4)[LABELS]
PREDICTED = PROBABILITIES.argmax(axis=1)


def test_wilson_interval():
    """81 of 263: 0.3080, interval 0.2553 to 0.3662 (Newcombe 1998, table I)."""
    interval = metrics.accuracy(np.zeros(263, np.int32), np.array([0] * 81 + [1] * 182))
    assert interval.value == pytest.approx(0.3080, abs=5e-5)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_figures_are_those_of_scikit_learn():
    assert metrics.accuracy(LABELS, PREDICTED).value == pytest.approx(reference.accuracy_score(LABELS, PREDICTED))
    assert metrics.balanced_accuracy(LABELS, PREDICTED).value == pytest.approx(
        reference.balanced_accuracy_score(LABELS, PREDICTED)
    )
    assert metrics.log_loss(LABELS, PROBABILITIES) == pytest.approx(reference.log_loss(LABELS, PROBABILITIES))
    assert metrics.brier(LABELS, PROBABILITIES) == pytest.approx(
        np.mean(((PROBABILITIES - np.eye(4)[LABELS]) ** 2).sum(axis=1))
    )


def test_confusion_holds_every_sample_once():
    cells = metrics.confusion(LABELS, PREDICTED)
    dense = np.zeros((4, 4), int)
    for true, guess, count in cells:
        dense[true, guess] = count
    assert np.array_equal(dense, reference.confusion_matrix(LABELS, PREDICTED))


@pytest.mark.parametrize(
    ("sizes", "recalls"),
    [((60, 20, 8), (0.9, 0.7, 0.5)), ((5,) * 28, (0.9,) * 28), ((4,) * 100, (0.7,) * 100), ((30,) * 81, (0.97,) * 81)],
    ids=["uneven", "28 of 5", "100 of 4", "81 of 30"],
)
def test_the_interval_of_balanced_accuracy_covers_its_truth(sizes, recalls):
    """95% intervals hold the mean of the true recalls about 95% of the time, also for many small classes."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    truth = float(np.mean(recalls))
    held = 0
    for _ in range(200):
        right = np.concatenate([rng.random(size) < recall for size, recall in zip(sizes, recalls, strict=True)])
        interval = metrics.balanced_accuracy(labels, np.where(right, labels, (labels + 1) % len(sizes)))
        held += interval.low <= truth <= interval.high
    assert 0.90 <= held / 200 <= 1.0


def test_a_perfectly_calibrated_model_has_a_small_calibration_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 20_000)
    right = rng.random(20_000) < confidence
    assert metrics.calibration_error(metrics.reliability(right, confidence)) < 0.015
    assert metrics.calibration_error(metrics.reliability(right, np.minimum(confidence + 0.2, 1))) > 0.15


def test_a_probability_of_zero_does_not_make_the_loss_infinite():
    assert np.isfinite(metrics.log_loss(np.array([0], np.int32), np.array([[0.0, 1.0]])))


@settings(max_examples=60, deadline=None)
@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=40), seed=st.integers(0, 9))
def test_any_labels_give_an_evaluation_that_adds_up(labels, seed):
    truth = np.array(labels, np.int32)
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), len(truth))
    evaluation = evaluate_probabilities("x", probabilities, truth, ("a", "b", "c"), [str(i) for i in labels])
    assert sum(count for _, _, count in evaluation.confusion) == evaluation.samples == len(labels)
    assert sum(score.support for score in evaluation.per_class) == len(labels)
    assert len(evaluation.mistakes) == round((1 - evaluation.accuracy.value) * len(labels))
    for interval in (evaluation.accuracy, evaluation.balanced_accuracy):
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert 0 <= evaluation.calibration_error <= 1


def test_the_most_confident_mistake_comes_first():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]])
    evaluation = evaluate_probabilities("x", probabilities, np.array([1, 1, 1], np.int32), ("a", "b"), ["p", "q", "r"])
    assert [mistake.source for mistake in evaluation.mistakes] == ["q", "p"]


def test_a_class_that_was_not_measured_is_named():
    evaluation = evaluate_probabilities("x", np.eye(3)[[0, 1]], np.array([0, 1], np.int32), ("a", "b", "c"), ["p", "q"])
    assert any("Nothing is known of 1 class without a picture here: c." in note for note in evaluation.notes)

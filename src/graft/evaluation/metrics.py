"""Figures of merit of probabilities against labels, as plain functions."""

import numpy as np
from numpy.typing import NDArray

from graft.evaluation.intervals import Units, mean_share, share, units_of
from graft.records import ClassScore, Interval

MOST_BINS = 15
LEAST_PROBABILITY = 1e-15  # a probability of exactly zero would make the log-loss infinite


def accuracy(labels: NDArray[np.int32], predicted: NDArray[np.intp], units: Units | None = None) -> Interval:
    """Share of right answers with the Wilson score interval at 95%, by group where `units` are groups."""
    return share(labels == predicted, units or units_of(None, len(labels)))


def balanced_accuracy(labels: NDArray[np.int32], predicted: NDArray[np.intp], units: Units | None = None) -> Interval:
    """Mean recall over the classes that occur, with a 95% interval that is the accuracy's on classes of equal size.

    See `intervals.mean_share` for the formula; a class of three counts as uncertain as it is.
    """
    return mean_share(labels == predicted, labels, units or units_of(None, len(labels)))


def log_loss(labels: NDArray[np.int32], probabilities: NDArray[np.float64]) -> float:
    """Mean negative log-probability of the true class, in nats."""
    true = np.clip(probabilities[np.arange(len(labels)), labels], LEAST_PROBABILITY, 1)
    return float(np.abs(np.log(true)).mean())  # abs, so that certainty costs 0 and not -0


def brier(labels: NDArray[np.int32], probabilities: NDArray[np.float64]) -> float:
    """Mean squared distance between probabilities and the one-hot truth, 0 to 2 (Brier 1950)."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(((probabilities**2).sum(axis=1) - 2 * true + 1).mean())


def reliability(right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> tuple[tuple[float, float, int], ...]:
    """(mean confidence, accuracy, samples) in bins that hold equally many samples, about 20 or more."""
    bins = int(np.clip(len(right) // 20, 1, MOST_BINS))
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple((float(confidence[part].mean()), float(right[part].mean()), len(part)) for part in parts)


def calibration_error(bins: tuple[tuple[float, float, int], ...]) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over bins of equal mass."""
    total = sum(count for _, _, count in bins)
    return sum(abs(confidence - share) * count for confidence, share, count in bins) / total


def per_class(
    labels: NDArray[np.int32], predicted: NDArray[np.intp], classes: tuple[str, ...]
) -> tuple[ClassScore, ...]:
    """Precision, recall, F1 and support of every class; 0 where a ratio has no denominator."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(labels, predicted, labels=np.arange(len(classes)), zero_division=0)
    return tuple(
        ClassScore(name, float(precision), float(recall), float(f1), int(support))
        for name, precision, recall, f1, support in zip(classes, *columns, strict=True)
    )


def confusion(labels: NDArray[np.int32], predicted: NDArray[np.intp]) -> tuple[tuple[int, int, int], ...]:
    """(true class, predicted class, count) for every pair that occurs."""
    pairs, counts = np.unique(np.stack([labels, predicted], axis=1), axis=0, return_counts=True)
    return tuple((int(true), int(guess), int(count)) for (true, guess), count in zip(pairs, counts, strict=True))

"""Model x Dataset -> Evaluation: from probabilities and labels to figures with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.errors import listing, plural
from graft.evaluation import metrics
from graft.evaluation.exhibit import excerpt
from graft.evaluation.intervals import units_of
from graft.records import Evaluation, Mistake

FEW = 50  # below this an interval says more than the number


def evaluate_probabilities(
    part: str,
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int32],
    classes: tuple[str, ...],
    sources: Sequence[str],
    notes: Sequence[str] = (),
    root: str = "",
    noun: str = "picture",
    texts: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> Evaluation:
    """All figures for (samples, classes) probabilities of labelled samples; the most confident mistakes come first.

    `texts` are shown with the mistakes, where the samples are texts of a table. `groups` name what belongs together
    (empty where nothing does): intervals are then by group.
    """
    units = units_of(groups, len(labels))
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = predicted == labels
    bins = metrics.reliability(right, confidence)
    wrong = [int(row) for row in np.argsort(-confidence, kind="stable") if not right[row]]
    few = [f"Only {len(labels)} samples: the interval is wide, and small differences mean nothing."]
    counts = np.bincount(labels, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    unseen = [f"Nothing is known of {plural(len(absent), 'class')} without a {noun} here: {listing(absent)}."]
    return Evaluation(
        part=part,
        samples=len(labels),
        accuracy=metrics.accuracy(labels, predicted, units),
        balanced_accuracy=metrics.balanced_accuracy(labels, predicted, units),
        log_loss=metrics.log_loss(labels, probabilities),
        brier=metrics.brier(labels, probabilities),
        calibration_error=metrics.calibration_error(bins),
        per_class=metrics.per_class(labels, predicted, classes),
        confusion=metrics.confusion(labels, predicted),
        reliability=bins,
        mistakes=tuple(
            Mistake(
                sources[row],
                classes[labels[row]],
                classes[predicted[row]],
                float(confidence[row]),
                "" if texts is None else excerpt(texts[row]),
            )
            for row in wrong
        ),
        notes=(
            *notes,
            *(unseen if absent else []),
            *(few if len(labels) < FEW else []),
            *([units.note] if units.note else []),
        ),
        root=root,
        noun=noun,
    )


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one class was taken for another, of all samples of that class."""

    truth: str
    predicted: str
    count: int
    of: int


def confusions(evaluation: Evaluation, most: int) -> list[Confusion]:
    """The commonest confusions, most frequent first."""
    wrong = sorted((cell for cell in evaluation.confusion if cell[0] != cell[1]), key=lambda cell: -cell[2])
    scores = evaluation.per_class
    return [
        Confusion(scores[true].name, scores[guess].name, count, scores[true].support)
        for true, guess, count in wrong[:most]
    ]

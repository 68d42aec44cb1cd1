"""Two sets of probabilities on the same files: how far apart they are, and whether that is held against an artifact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import listing, plural
from graft.evaluation import metrics
from graft.evaluation.intervals import share, units_of
from graft.export.target import Variant
from graft.records import Interval

LEAST_AGREEMENT: dict[Variant, float] = {"fp32": 0.995, "fp16": 0.995, "int8": 0.985}
MOST_APART: dict[Variant, float] = {"fp32": 0.005, "fp16": 0.005, "int8": 0.05}  # mean total variation distance
GROSS = 10  # times that: how much surer the model is of its own answer where no rounding explains another one
ENOUGH = 20  # files, of which an interval of the agreement may speak for an artifact
MOST_LOST = 0.01  # accuracy, at the end of the interval that favours the artifact
RESAMPLES = 200

Rows = NDArray[np.float64]  # (samples, classes)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A file to which model and artifact give different answers."""

    source: str
    model: str
    artifact: str
    model_probability: float
    artifact_probability: float


def judge(
    reference: Rows,
    found: Rows,
    labels: NDArray[np.int32] | None,
    sources: Sequence[str],
    classes: Sequence[str],
    variant: Variant,
) -> dict[str, Any]:
    """The figures of a `Parity` that follow from probabilities alone, and what is at fault."""
    finite = bool(np.isfinite(found).all())
    found = found if finite else np.where(np.isfinite(found), found, 0)
    ours, theirs = reference.argmax(axis=1), found.argmax(axis=1)
    kinds = _disagreements(reference, theirs, labels, variant)
    apart = float(np.abs(reference - found).sum(axis=1).mean() / 2)
    told = tuple(_told(row, reference, found, sources, classes) for row in map(int, np.flatnonzero(ours != theirs)))
    result: dict[str, Any] = {
        "agreement": float((ours == theirs).mean()),
        "agreement_interval": share(~kinds.held, units_of(None, len(found))),
        "ties": int(kinds.ties.sum()),
        "largest_difference": float(np.abs(reference - found).max()),
        "mean_distance": apart,
        "disagreements": told,
        **dict.fromkeys(("accuracy", "model_accuracy", "accuracy_difference", "calibration_difference")),
    }
    faults = [] if finite else ["It gives values that are no numbers."]
    faults += _too_many(kinds, result["agreement_interval"], variant, sources)
    if apart > MOST_APART[variant]:
        faults.append(
            f"Its probabilities are {apart:.3f} from the model's (mean total variation distance), and "
            f"{MOST_APART[variant]} is allowed for {variant}. A changed temperature or another way to resize does that."
        )
    if labels is not None:
        accuracy = _difference(ours == labels, theirs == labels)
        result |= {
            "accuracy": metrics.accuracy(labels, theirs),
            "model_accuracy": metrics.accuracy(labels, ours),
            "accuracy_difference": accuracy,
            "calibration_difference": _calibration_difference(reference, found, labels),
        }
        if accuracy.high < -MOST_LOST:
            faults.append(
                f"It loses {-100 * accuracy.value:.1f} points of accuracy ({-100 * accuracy.high:.1f} at the least)."
            )
    return {**result, "faults": tuple(faults)}


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Which files get another answer, by what that says; (files,) each."""

    ties: NDArray[np.bool_]  # the model itself could hardly choose between the two answers
    gross: NDArray[np.bool_]  # the model was far surer of its own answer than a faithful artifact can undo
    held: NDArray[np.bool_]  # against the artifact: no tie, and not one where the label says that it is right


def _disagreements(
    reference: Rows, theirs: NDArray[np.intp], labels: NDArray[np.int32] | None, variant: Variant
) -> _Kinds:
    """Sort the disagreements by how much more probable the model finds its own answer than the artifact's."""
    rows = np.arange(len(reference))
    lead = reference.max(axis=1) - reference[rows, theirs]
    different = theirs != reference.argmax(axis=1)
    ties, gross = different & (lead < MOST_APART[variant]), different & (lead > GROSS * MOST_APART[variant])
    righted = np.zeros(len(reference), np.bool_) if labels is None else theirs == labels
    return _Kinds(ties, gross, different & ~ties & (gross | ~righted))


def _too_many(kinds: _Kinds, interval: Interval, variant: Variant, sources: Sequence[str]) -> list[str]:
    """Whether the disagreements that are held against an artifact are more than chance would explain.

    Gross ones, and any where the files are few, are simply counted; of others the interval must exclude what is asked.
    """
    least, count = LEAST_AGREEMENT[variant], len(sources)
    counted = kinds.held if count < ENOUGH else kinds.gross
    if 1 - counted.mean() >= least and interval.high >= least:
        return []
    held = kinds.held.sum()
    ties = f" {plural(int(kinds.ties.sum()), 'tie')} not counted." if kinds.ties.any() else ""
    return [
        f"It agrees with the model on {100 * (1 - held / count):.1f}% of {count:,} files (95% interval "
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f}); {100 * least:.1f}% are asked of {variant}.{ties} It "
        f"disagrees on: {listing([sources[row] for row in map(int, np.flatnonzero(kinds.held))])}."
    ]


def _told(row: int, reference: Rows, found: Rows, sources: Sequence[str], classes: Sequence[str]) -> Disagreement:
    ours, theirs = int(reference[row].argmax()), int(found[row].argmax())
    return Disagreement(
        sources[row], classes[ours], classes[theirs], float(reference[row].max()), float(found[row].max())
    )


def _difference(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Interval:
    """Second minus first share of right answers, with a 95% interval that has a width where the two never differ.

    The adjusted Wald interval for paired proportions (Bonett and Price 2012): one is added to each kind of
    disagreement.
    """
    gained, lost, count = int((second & ~first).sum()), int((first & ~second).sum()), len(first)
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    half = 1.96 * float(np.sqrt((up + down - (up - down) ** 2) / (count + 2)))
    value = (gained - lost) / count
    return Interval(value, min(value, max(-1.0, up - down - half)), max(value, min(1.0, up - down + half)))


def _calibration_difference(reference: Rows, found: Rows, labels: NDArray[np.int32]) -> Interval:
    """How much larger the calibration error is, with the 95% interval of a paired bootstrap."""

    def error(probabilities: Rows, rows: NDArray[np.intp]) -> float:
        right = probabilities[rows].argmax(axis=1) == labels[rows]
        return metrics.calibration_error(metrics.reliability(right, probabilities[rows].max(axis=1)))

    everything = np.arange(len(labels))
    value = error(found, everything) - error(reference, everything)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(labels), size=len(labels)) for _ in range(RESAMPLES)]
    low, high = np.quantile([error(found, rows) - error(reference, rows) for rows in drawn], [0.025, 0.975])
    return Interval(value, float(low), float(high))

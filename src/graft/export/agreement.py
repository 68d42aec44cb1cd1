"""Two sets of probabilities on the same files: how far apart they are, and whether that is held against an artifact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.dataset.task import Compared, Task, Tolerance
from graft.errors import listing, plural
from graft.evaluation import metrics
from graft.evaluation.intervals import share, units_of
from graft.export.target import Variant
from graft.heads.ridge import Targets
from graft.records import Interval, Json

LEAST_AGREEMENT: dict[Variant, float] = {"fp32": 0.995, "fp16": 0.995, "int8": 0.985}
MOST_APART: dict[Variant, float] = {"fp32": 0.005, "fp16": 0.005, "int8": 0.05}  # mean total variation distance
GROSS = 10  # times that: how much surer the model is of its own answer where no rounding explains another one
ENOUGH = 20  # files, of which an interval of the agreement may speak for an artifact
MOST_LOST = 0.01  # accuracy, at the end of the interval that favours the artifact
RESAMPLES = 200

Rows = NDArray[np.float64]  # (samples, outputs)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A file to which model and artifact give different answers."""

    source: str
    model: str
    artifact: str
    model_probability: float
    artifact_probability: float


class Answering(Protocol):
    """A model, as far as its answers can be judged."""

    @property
    def task(self) -> Task:
        """What is predicted."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the answers."""

    @property
    def details(self) -> Json:
        """What else its task needs to answer."""


def judge(
    model: Answering,
    reference: Rows,
    found: Rows,
    targets: Targets | None,
    sources: Sequence[str],
    variant: Variant,
) -> dict[str, Any]:
    """The figures of a `Parity` that follow from answers alone, and what is at fault."""
    finite = bool(np.isfinite(found).all())
    found = found if finite else np.where(np.isfinite(found), found, 0)
    tolerance = Tolerance(MOST_APART[variant], GROSS * MOST_APART[variant], model.details)
    compared = model.task.compare(reference, found, targets, model.classes, tolerance)
    held = compared.different & ~compared.ties & (compared.gross | ~compared.righted)
    apart = float(compared.distance.mean())
    different = [int(row) for row in np.flatnonzero(compared.different)]
    result: dict[str, Any] = {
        "agreement": float((~compared.different).mean()),
        "agreement_interval": share(~held, units_of(None, len(found))),
        "ties": int(compared.ties.sum()),
        "largest_difference": float(np.abs(reference - found).max()),
        "mean_distance": apart,
        "disagreements": tuple(Disagreement(sources[row], *compared.told(row)) for row in different),
        **dict.fromkeys(("accuracy", "model_accuracy", "accuracy_difference", "calibration_difference")),
    }
    faults = [] if finite else ["It gives values that are no numbers."]
    faults += _too_many(compared, held, result["agreement_interval"], variant, sources)
    if apart > MOST_APART[variant]:
        faults.append(
            f"Its {model.task.output} are {apart:.3f} from the model's (mean total variation distance), and "
            f"{MOST_APART[variant]} is allowed for {variant}. A changed temperature or another way to resize does that."
        )
    if compared.right is not None:
        units, (ours, theirs) = units_of(None, len(found)), compared.right
        accuracy = _difference(ours, theirs)
        result |= {
            "accuracy": share(theirs, units),
            "model_accuracy": share(ours, units),
            "accuracy_difference": accuracy,
        }
        if targets is not None and targets.ndim == 1:
            result["calibration_difference"] = _calibration_difference(reference, found, targets)
        if accuracy.high < -MOST_LOST:
            faults.append(
                f"It loses {-100 * accuracy.value:.1f} points of accuracy ({-100 * accuracy.high:.1f} at the least)."
            )
    return {**result, "faults": tuple(faults)}


def _too_many(
    compared: Compared, held: NDArray[np.bool_], interval: Interval, variant: Variant, sources: Sequence[str]
) -> list[str]:
    """Whether the disagreements that are held against an artifact are more than chance would explain.

    Gross ones, and any where the files are few, are simply counted; of others the interval must exclude what is asked.
    """
    least, count = LEAST_AGREEMENT[variant], len(sources)
    counted = held if count < ENOUGH else compared.gross
    if 1 - counted.mean() >= least and interval.high >= least:
        return []
    ties = f" {plural(int(compared.ties.sum()), 'tie')} not counted." if compared.ties.any() else ""
    return [
        f"It agrees with the model on {100 * (1 - held.sum() / count):.1f}% of {count:,} files (95% interval "
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f}); {100 * least:.1f}% are asked of {variant}.{ties} It "
        f"disagrees on: {listing([sources[row] for row in map(int, np.flatnonzero(held))])}."
    ]


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

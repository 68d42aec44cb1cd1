"""Figures of several labels for each sample: from probabilities and a yes or no for each to figures with intervals."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.evaluation.evaluate import FEW
from graft.evaluation.exhibit import excerpt
from graft.evaluation.intervals import units_of
from graft.evaluation.metrics import calibration_error, reliability
from graft.evaluation.resampled import draws_of, interval
from graft.heads.sigmoid import weighted_average_precision
from graft.records import Interval

FEW_YES = 5  # held-out samples of a label below which its threshold stays at one half
LEAST_PROBABILITY = 1e-15
MOST_KEPT = 200  # mistakes
Yes = NDArray[np.bool_]  # (samples, labels)


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How one label fares: it is given from `threshold` on; `support` samples have it, of `known`."""

    name: str
    threshold: float
    precision: float
    recall: float
    f1: float
    average_precision: Interval | None  # None where no sample has it
    support: int
    known: int


@dataclass(frozen=True, slots=True)
class WrongLabels:
    """One sample with labels that it should not have, or lacks, and how sure the model was of the worst of them."""

    source: str
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    truth: str
    confidence: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class MultilabelEvaluation:
    """How good a model is at giving several labels, and how sure one can be; all intervals are of 95%."""

    part: str
    samples: int
    mean_average_precision: Interval
    micro_f1: Interval
    macro_f1: Interval
    hamming_loss: Interval  # share of wrong yes and no
    exact_match: Interval  # share of samples with all labels right
    log_loss: float  # of a label, in nats
    calibration_error: float
    per_label: tuple[LabelScore, ...]
    cooccurrence: tuple[tuple[int, int, int], ...]  # (label, label, samples that have both), zeros left out
    confused: tuple[tuple[str, str, int], ...]  # (label that was due, label that was given instead, samples)
    mistakes: tuple[WrongLabels, ...]
    notes: tuple[str, ...] = ()
    root: str = ""
    noun: str = "picture"


def best_thresholds(probabilities: NDArray[np.float64], targets: NDArray[np.int8]) -> NDArray[np.float64]:
    """From which probability on a label is given: where its F1 on these held-out samples is best, (labels,).

    A label that fewer than five of them have keeps one half: they say too little.
    """
    found = np.full(probabilities.shape[1], 0.5)
    for label in range(probabilities.shape[1]):
        rows = np.flatnonzero(targets[:, label] >= 0)
        yes = targets[rows, label] == 1
        if yes.sum() < FEW_YES or yes.all():
            continue
        order = np.argsort(-probabilities[rows, label], kind="stable")
        sorted_ones = probabilities[rows, label][order]
        hits = np.cumsum(yes[order])
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + yes.sum())
        best = int(f1.argmax())
        below = sorted_ones[best + 1] if best + 1 < len(order) else 0.0
        found[label] = (sorted_ones[best] + below) / 2
    return np.clip(found, 1e-6, 1 - 1e-6)


def evaluate_labels(
    part: str,
    probabilities: NDArray[np.float64],
    targets: NDArray[np.int8],
    thresholds: NDArray[np.float64],
    names: tuple[str, ...],
    sources: Sequence[str],
    notes: Sequence[str] = (),
    root: str = "",
    noun: str = "picture",
    texts: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> MultilabelEvaluation:
    """All figures for (samples, labels) probabilities; targets are 1 yes, 0 no, -1 not known, which counts nowhere.

    Intervals are percentiles over samples, or groups, drawn anew.
    """
    units = units_of(groups, len(targets))
    known, yes = targets >= 0, targets == 1
    given = (probabilities >= thresholds) & known
    wrong = (given != yes) & known
    weights = draws_of(units, probabilities.shape[1])
    hits, extra, missed = (given & yes).astype(float), (given & ~yes).astype(float), (yes & ~given).astype(float)

    def micro(w: NDArray[np.float64]) -> NDArray[np.float64]:
        tp, fp, fn = (w @ one.sum(axis=1) for one in (hits, extra, missed))
        return 2 * tp / np.maximum(2 * tp + fp + fn, 1e-12)

    def by_label(w: NDArray[np.float64]) -> NDArray[np.float64]:
        tp, fp, fn = w @ hits, w @ extra, w @ missed
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan)

    def mean_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
        there = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return np.where(there, values, 0).sum(axis=-1) / there.sum(axis=-1)

    def share(above: NDArray[np.float64], below: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
        return (w @ above) / np.maximum(w @ below, 1e-12)

    both = np.concatenate([np.ones((1, len(targets))), weights])
    precisions = np.full((len(both), probabilities.shape[1]), np.nan)
    for label in np.flatnonzero(yes.any(axis=0)):
        rows = known[:, label]
        precisions[:, label] = weighted_average_precision(probabilities[rows, label], yes[rows, label], both[:, rows])
    counted, ones = known.sum(axis=1).astype(float), np.ones(len(targets))
    exact = (~wrong.any(axis=1)).astype(float)
    clipped = np.clip(np.where(yes, probabilities, 1 - probabilities), LEAST_PROBABILITY, 1)
    confidence = np.maximum(probabilities, 1 - probabilities)
    bins = reliability(((probabilities > 0.5) == yes)[known], confidence[known])
    few = [f"Only {len(targets)} samples: the intervals are wide, and small differences mean nothing."]
    absent = [name for name, there in zip(names, yes.any(axis=0), strict=True) if not there]
    told = [f"No {noun} here has these labels, so nothing is known of finding them: {', '.join(absent[:10])}."]
    f1 = by_label(np.ones((1, len(targets))))[0]
    return MultilabelEvaluation(
        part=part,
        samples=len(targets),
        mean_average_precision=interval(_looked_up(mean_of(precisions)), weights, units, (0, 1)),
        micro_f1=interval(micro, weights, units, (0, 1)),
        macro_f1=interval(lambda w: mean_of(by_label(w)), weights, units, (0, 1)),
        hamming_loss=interval(lambda w: share(wrong.sum(axis=1).astype(float), counted, w), weights, units, (0, 1)),
        exact_match=interval(lambda w: share(exact, ones, w), weights, units, (0, 1)),
        log_loss=float(np.abs(np.log(clipped[known])).mean()),
        calibration_error=calibration_error(bins),
        per_label=tuple(
            LabelScore(
                name=name,
                threshold=float(thresholds[label]),
                precision=_ratio(hits[:, label], extra[:, label]),
                recall=_ratio(hits[:, label], missed[:, label]),
                f1=float(np.nan_to_num(f1[label])),
                average_precision=interval(_looked_up(precisions[:, label]), weights, units, (0, 1))
                if yes[:, label].any()
                else None,
                support=int(yes[:, label].sum()),
                known=int(known[:, label].sum()),
            )
            for label, name in enumerate(names)
        ),
        cooccurrence=_together(yes),
        confused=_confused(missed.astype(bool), extra.astype(bool), names),
        mistakes=_mistakes(probabilities, thresholds, missed > 0, extra > 0, yes, names, sources, texts),
        notes=(*notes, *(told if absent else []), *(few if len(targets) < FEW else []), *filter(None, [units.note])),
        root=root,
        noun=noun,
    )


def _looked_up(values: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """A figure that was computed for all draws at once: the first value is that of the samples as they are."""
    return lambda w: values[:1] if len(w) == 1 else values[1:]


def _ratio(hits: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    whole = float(hits.sum() + others.sum())
    return float(hits.sum()) / whole if whole else 0.0


def _together(yes: Yes) -> tuple[tuple[int, int, int], ...]:
    counts = yes.T.astype(np.int64) @ yes.astype(np.int64)
    return tuple((int(a), int(b), int(counts[a, b])) for a, b in zip(*np.nonzero(counts), strict=True))


def _confused(missed: Yes, extra: Yes, names: tuple[str, ...]) -> tuple[tuple[str, str, int], ...]:
    """Which label was given where another was due, most often first."""
    pairs: Counter[tuple[int, int]] = Counter()
    for row in np.flatnonzero(missed.any(axis=1) & extra.any(axis=1)):
        pairs.update((int(due), int(got)) for due in np.flatnonzero(missed[row]) for got in np.flatnonzero(extra[row]))
    return tuple((names[due], names[got], count) for (due, got), count in pairs.most_common(50))


def _mistakes(
    probabilities: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    missed: Yes,
    extra: Yes,
    yes: Yes,
    names: tuple[str, ...],
    sources: Sequence[str],
    texts: Sequence[str] | None,
) -> tuple[WrongLabels, ...]:
    sure = np.where(extra, probabilities, np.where(missed, 1 - probabilities, 0)).max(axis=1)
    wrong = [int(row) for row in np.argsort(-sure, kind="stable") if missed[row].any() or extra[row].any()]

    def named(row: int, which: Yes) -> tuple[str, ...]:
        return tuple(names[label] for label in np.flatnonzero(which[row]))

    return tuple(
        WrongLabels(
            sources[row],
            named(row, missed),
            named(row, extra),
            "|".join(named(row, yes)),
            float(sure[row]),
            "" if texts is None else excerpt(texts[row]),
        )
        for row in wrong[:MOST_KEPT]
    )

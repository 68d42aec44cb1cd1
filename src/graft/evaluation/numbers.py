"""Figures of predicted numbers: errors, what is explained, and whether the stated intervals hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.evaluation.evaluate import FEW
from graft.evaluation.exhibit import excerpt
from graft.evaluation.intervals import share, units_of
from graft.evaluation.resampled import draws_of, interval
from graft.records import Interval

COVERAGE = 0.9  # of the prediction intervals
MOST_KEPT, MOST_POINTS = 200, 400  # worst samples, and dots of the scatter


@dataclass(frozen=True, slots=True)
class NumberScore:
    """How one number fares, in its own units; `one_answer` is the mean absolute error of saying the mean for all."""

    name: str
    mae: Interval
    rmse: Interval
    r2: Interval
    spearman: Interval
    one_answer: float
    half_width: float  # of the prediction interval
    covered: Interval  # share of samples whose number lies inside of it
    known: int


@dataclass(frozen=True, slots=True)
class WrongNumber:
    """One sample whose number the model missed by much."""

    source: str
    name: str
    truth: float
    answer: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class RegressionEvaluation:
    """How good a model is at numbers, and how sure one can be; intervals are of 95%.

    `r2` is the mean over the numbers. `coverage` is what the prediction intervals promise.
    """

    part: str
    samples: int
    r2: Interval
    coverage: float
    per_number: tuple[NumberScore, ...]
    points: tuple[tuple[int, float, float], ...]  # (number, truth, answer) of some samples
    mistakes: tuple[WrongNumber, ...]  # the worst first
    notes: tuple[str, ...] = ()
    root: str = ""
    noun: str = "picture"


def conformal_half_widths(
    residuals: NDArray[np.float64], coverage: float = COVERAGE
) -> tuple[NDArray[np.float64], float]:
    """Half the width of an interval around each answer that holds the truth with this probability, (outputs,).

    From absolute errors of held-out samples, (samples, outputs), NaN where not known: the ceil((n + 1) coverage)-th of
    them (split conformal prediction, Vovk et al. 2005; Lei et al. 2018). Fewer than nine samples cannot promise 90%:
    then it is the largest error, which promises n / (n + 1); what is promised is given too.
    """
    widths, promised = [], coverage
    for column in residuals.T:
        errors = np.sort(column[np.isfinite(column)])
        count = len(errors)
        if not count:
            widths.append(float("nan"))
            continue
        place = int(np.ceil((count + 1) * coverage))
        if place > count:
            place, promised = count, min(promised, count / (count + 1))
        widths.append(float(errors[place - 1]))
    return np.array(widths), promised


def spread_of(targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard deviation of what is known of each number, 0 where nothing is: (outputs,)."""
    known = [column[np.isfinite(column)] for column in targets.T]
    return np.array([float(one.std()) if len(one) else 0.0 for one in known])


def evaluate_numbers(
    part: str,
    answers: NDArray[np.float64],
    targets: NDArray[np.float64],
    means: NDArray[np.float64],
    half_widths: NDArray[np.float64],
    coverage: float,
    names: tuple[str, ...],
    sources: Sequence[str],
    notes: Sequence[str] = (),
    root: str = "",
    noun: str = "picture",
    texts: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> RegressionEvaluation:
    """All figures for (samples, outputs) answers; NaN targets are not known and count nowhere.

    `means` are those of the training samples: what one answer for all would be.
    """
    units = units_of(groups, len(targets))
    weights = draws_of(units, targets.shape[1])
    names_of_units = [f"{number}" if units.by_group else "" for number in units.numbers]
    scored, explained = [], []
    unknown = [name for name, column in zip(names, targets.T, strict=True) if not np.isfinite(column).any()]
    for number, name in enumerate(names):
        rows = np.isfinite(targets[:, number])
        if not rows.any():
            continue
        truth, answer = targets[rows, number], answers[rows, number]
        errors = np.abs(truth - answer)
        own = units_of([names_of_units[row] for row in np.flatnonzero(rows)], len(truth))
        figures = _Figures(truth, answer)
        w = weights[:, rows]
        r2 = interval(figures.r2, w, units, (-np.inf, 1))
        explained.append(figures.r2(np.concatenate([np.ones((1, len(truth))), w])))
        scored.append(
            NumberScore(
                name=name,
                mae=interval(figures.mae, w, units, (0, np.inf)),
                rmse=interval(figures.rmse, w, units, (0, np.inf)),
                r2=r2,
                spearman=interval(figures.spearman, w, units, (-1, 1)),
                one_answer=float(np.abs(truth - means[number]).mean()),
                half_width=float(half_widths[number]),
                covered=share(errors <= half_widths[number], own),
                known=int(rows.sum()),
            )
        )
    whole = np.mean(explained, axis=0)
    few = [f"Only {len(targets)} samples: the intervals are wide, and small differences mean nothing."]
    return RegressionEvaluation(
        part=part,
        samples=len(targets),
        r2=interval(lambda w: whole[:1] if len(w) == 1 else whole[1:], weights, units, (-np.inf, 1)),
        coverage=coverage,
        per_number=tuple(scored),
        points=_points(targets, answers),
        mistakes=_worst(targets, answers, names, sources, texts),
        notes=(
            *notes,
            *([f"Nothing is known here of: {', '.join(unknown)}."] if unknown else []),
            *(few if len(targets) < FEW else []),
            *filter(None, [units.note]),
        ),
        root=root,
        noun=noun,
    )


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures of one number under weights of its samples: (draws, samples) -> (draws,)."""

    truth: NDArray[np.float64]
    answer: NDArray[np.float64]

    def mae(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        return _mean(np.abs(self.truth - self.answer), w)

    def rmse(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sqrt(_mean((self.truth - self.answer) ** 2, w))

    def r2(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        middle = _mean(self.truth, w)
        whole = np.maximum(_mean(self.truth**2, w) - middle**2, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(whole > 0, 1 - _mean((self.truth - self.answer) ** 2, w) / whole, np.nan)

    def spearman(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of ranks among all samples, which a resample repeats."""
        from scipy.stats import rankdata

        a, b = rankdata(self.truth), rankdata(self.answer)
        ma, mb = _mean(a, w), _mean(b, w)
        spread = np.sqrt(np.maximum(_mean(a**2, w) - ma**2, 0) * np.maximum(_mean(b**2, w) - mb**2, 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(spread > 0, (_mean(a * b, w) - ma * mb) / spread, np.nan)


def _mean(values: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((w @ values) / w.sum(axis=1))


def _points(targets: NDArray[np.float64], answers: NDArray[np.float64]) -> tuple[tuple[int, float, float], ...]:
    found = []
    for number in range(targets.shape[1]):
        rows = np.flatnonzero(np.isfinite(targets[:, number]))
        kept = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).astype(int)]
        found += [(number, float(targets[row, number]), float(answers[row, number])) for row in kept]
    return tuple(found)


def _worst(
    targets: NDArray[np.float64],
    answers: NDArray[np.float64],
    names: tuple[str, ...],
    sources: Sequence[str],
    texts: Sequence[str] | None,
) -> tuple[WrongNumber, ...]:
    """The samples that were missed most, each by the number that it was missed most in, by that number's spread."""
    spread = spread_of(targets)
    missed = np.nan_to_num(np.abs(targets - answers) / np.where(spread > 0, spread, 1))
    most = missed.argmax(axis=1)
    order = np.argsort(-missed.max(axis=1), kind="stable")[:MOST_KEPT]
    return tuple(
        WrongNumber(
            sources[row],
            names[most[row]],
            float(targets[row, most[row]]),
            float(answers[row, most[row]]),
            "" if texts is None else excerpt(texts[row]),
        )
        for row in map(int, order)
        if np.isfinite(targets[row, most[row]])
    )

"""How sure a share is: Wilson's interval on as many samples as the data are worth, by group where there are groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.errors import plural
from graft.records import Interval

CONFIDENCE = 0.975  # of one side, for an interval of 95%
NORMAL = 1.959964  # standard errors that its ends are away from the middle, where the spread is known
USUAL_CORRELATION = 0.1  # within groups, while few mistakes tell how they cluster; see its test for the coverage
WORTH = 3.0  # mistakes: as many must speak before the data weigh as much as USUAL_CORRELATION


@dataclass(frozen=True, slots=True)
class Units:
    """What is independent of what: the number of the unit of each sample, and how that is told.

    A unit is a group, or one sample where there are no groups. `note` is empty where there is nothing to tell.
    """

    numbers: NDArray[np.intp]  # (samples,)
    by_group: bool
    note: str = ""

    @property
    def count(self) -> int:
        return int(self.numbers.max()) + 1


def units_of(groups: Sequence[str] | None, samples: int) -> Units:
    """The units of samples whose groups have these names; a sample with an empty name is a group of its own."""
    alone = np.arange(samples)
    if groups is None or not any(groups):
        return Units(alone, by_group=False)
    names = [group or f"\0{number}" for number, group in enumerate(groups)]
    numbers: NDArray[np.intp] = np.unique(np.array(names), return_inverse=True)[1]
    count = int(numbers.max()) + 1
    if count == samples:
        return Units(alone, by_group=False)
    if count == 1:
        note = "All samples are of 1 group: the intervals tell of other samples of it, and not of other groups."
        return Units(alone, by_group=False, note=note)
    few = " So few say little of others, and the intervals are as wide as that." if count < 10 else ""
    return Units(numbers, by_group=True, note=f"Intervals by group: {plural(count, 'group')}, each as a whole.{few}")


def quantile(units: Units) -> float:
    """How many standard errors an interval reaches: Student's t of the groups, the normal one without groups."""
    from scipy.stats import norm, t

    return float(t.ppf(CONFIDENCE, units.count - 1) if units.by_group else norm.ppf(CONFIDENCE))


def widening(units: Units) -> float:
    """How many times farther out the percentiles of a bootstrap of groups belong.

    They lie too close by the root of (n - 1) / n, and by the normal quantile instead of Student's t.
    """
    return quantile(units) / NORMAL * float(np.sqrt(units.count / (units.count - 1))) if units.by_group else 1.0


def wilson(value: float, samples: float, deviations: float) -> Interval:
    """Wilson's score interval (1927) of a share that was seen on so many samples, which may be a broken number."""
    square = deviations**2 / samples
    centre = (value + square / 2) / (1 + square)
    half = deviations / (1 + square) * np.sqrt(value * (1 - value) / samples + square / (4 * samples))
    low, high = max(0.0, float(centre - half)), min(1.0, float(centre + half))
    return Interval(value, min(low, value), max(high, value))


def share(right: NDArray[np.bool_], units: Units) -> Interval:
    """The share of right answers; without groups this is Wilson's interval and nothing else."""
    count = len(right)
    value = int(right.sum()) / count
    weights = np.full(count, 1 / count)
    return wilson(value, count / _design_effect(right, right - value, weights, units), quantile(units))


def mean_share(right: NDArray[np.bool_], strata: NDArray[np.int32], units: Units) -> Interval:
    """The mean over strata (classes) of the share of right answers in each.

    Wilson's interval on the effective number of samples: m (1 - m) / V, where V = sum of r (1 - r) / n over the strata,
    by the square of their number, is the variance of a mean of independent shares r, each smoothed to
    (right + 1) / (n + 2), and m is their mean (effective sample size: Kish 1965; in Wilson's interval: Franco, Little,
    Louis and Slud 2019). It is never more than the samples: on strata of equal size this is the interval of `share`.
    """
    numbers = np.unique(strata, return_inverse=True)[1]
    sizes = np.bincount(numbers)
    hits = np.bincount(numbers, right)
    shares, smoothed = hits / sizes, (hits + 1) / (sizes + 2)
    middle = float(smoothed.mean())
    variance = float((smoothed * (1 - smoothed) / sizes).sum()) / len(sizes) ** 2
    effective = min(float(len(right)), middle * (1 - middle) / variance)
    weights = 1 / (len(sizes) * sizes[numbers])
    design = _design_effect(right, right - shares[numbers], weights, units)
    return wilson(float(shares.mean()), effective / design, quantile(units))


def _design_effect(
    right: NDArray[np.bool_], residuals: NDArray[np.floating], weights: NDArray[np.float64], units: Units
) -> float:
    """How many times the variance of a weighted mean is that of independent samples (Kish 1965); at least 1.

    The variance by groups is that of the sums of their residuals. Where mistakes, or right answers, are few they hardly
    tell how they cluster: then it leans to 1 + (size - 1) x USUAL_CORRELATION.
    """
    if not units.by_group:
        return 1.0
    parts = weights * residuals
    alone = float((parts**2).sum())
    together = float((np.bincount(units.numbers, parts) ** 2).sum()) * units.count / (units.count - 1)
    size = float((np.bincount(units.numbers, weights) ** 2).sum() / (weights**2).sum())
    usual = 1 + (size - 1) * USUAL_CORRELATION
    fewer = min(int(right.sum()), int((~right).sum())) if alone > 0 else 0
    seen = together / alone if alone > 0 else 1.0
    return max(1.0, (fewer * seen + WORTH * usual) / (fewer + WORTH))

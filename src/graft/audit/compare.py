"""Two models on the same samples: the difference in accuracy, how sure it is, and what may be said of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graft.evaluation.intervals import Units, widening
from graft.ranking.rank_estimate import POWERFUL, SURE, needed_samples

Finding = Literal["POSITIVE", "NEGATIVE", "EQUIVALENT", "NOT HARMFUL", "INCONCLUSIVE"]
DRAWS = 10_000
LEAST_SAMPLES = 50  # below which no verdict is given
LEAST_DISCORDANT = 5  # pairs below which no probability is given
MARGIN = 0.01  # of accuracy: a difference that does not matter


@dataclass(frozen=True, slots=True)
class Comparison:
    """The accuracy of one arm minus that of another, with its 95% interval."""

    difference: float
    low: float
    high: float
    p: float | None  # mid-p McNemar, on the median seed; None where there are too few discordant pairs
    discordant: int
    samples: int
    finding: Finding | None  # None where there are too few samples
    needed: int | None  # samples that would settle an inconclusive one


def compare(
    first: NDArray[Any],
    second: NDArray[Any],
    strata: NDArray[np.int32],
    groups: NDArray[np.intp] | None = None,
    margin: float = MARGIN,
    seed: int = 0,
) -> Comparison:
    """Compare how right answers are, (seeds, samples) each, by a paired bootstrap.

    Groups are drawn anew where there are any, else samples within their stratum (class); and seeds of each arm.
    Percentiles of 10,000 draws give the interval; those of few groups are moved out as far as Student's t asks.
    """
    difference = first.mean(axis=0) - second.mean(axis=0)
    ends = np.quantile(_draws(first, second, strata, groups, seed), [0.025, 0.975])
    if groups is not None:
        numbers = np.unique(groups, return_inverse=True)[1]
        ends = difference.mean() + widening(Units(numbers, by_group=True)) * (ends - difference.mean())
    counted = first.dtype == bool and second.dtype == bool  # right or wrong, as McNemar's test needs it
    low, high = np.clip(ends, -1, 1) if counted else np.round(ends, 4) + 0.0  # rounding is no difference
    gained, lost = _discordant(_median_seed(first), _median_seed(second))
    count = len(strata)
    enough = count >= LEAST_SAMPLES
    finding = verdict_of(float(low), float(high), margin) if enough else None
    value = float(difference.mean())
    share = (gained + lost) / count
    open_ended = finding == "INCONCLUSIVE" and share > 0
    return Comparison(
        difference=value,
        low=float(low),
        high=float(high),
        p=mid_p(gained, lost) if counted and enough and gained + lost >= LEAST_DISCORDANT else None,
        discordant=gained + lost,
        samples=count,
        finding=finding,
        needed=_needed(difference, share if counted else None, max(abs(value), margin)) if open_ended else None,
    )


def compare_by_folds(
    first: NDArray[Any], second: NDArray[Any], folds: NDArray[np.int32], margin: float = MARGIN
) -> Comparison:
    """Compare right answers, (seeds, samples) each, that were cross-validated: each sample by a fold that lacked it."""
    from scipy.stats import t

    difference = first.mean(axis=0) - second.mean(axis=0)
    numbers = np.unique(folds)
    means = np.array([difference[folds == number].mean() for number in numbers])
    mean, low, high = resampled_t(means, 1 / (len(numbers) - 1))
    gained, lost = _discordant(_median_seed(first), _median_seed(second))
    enough = len(folds) >= LEAST_SAMPLES
    finding = verdict_of(low, high, margin) if enough else None
    error = (high - low) / 2 / float(t.ppf(0.975, len(numbers) - 1))
    p = float(2 * t.sf(abs(mean) / error, len(numbers) - 1)) if error > 0 and enough else None
    share = (gained + lost) / len(folds)
    open_ended = finding == "INCONCLUSIVE" and share > 0
    counted = first.dtype == bool and second.dtype == bool
    needed = _needed(difference, share if counted else None, max(abs(mean), margin)) if open_ended else None
    return Comparison(mean, low, high, p, gained + lost, len(folds), finding, needed)


def verdict_of(low: float, high: float, margin: float = MARGIN) -> Finding:
    """What an interval of a difference allows to say (science, section 4)."""
    if low > 0:
        return "POSITIVE"
    if high < 0:
        return "NEGATIVE"
    if low >= -margin and high <= margin:
        return "EQUIVALENT"
    if low > -margin:
        return "NOT HARMFUL"
    return "INCONCLUSIVE"


def mid_p(gained: int, lost: int) -> float:
    """McNemar's exact test with the mid-p correction (Fagerland et al. 2013), two-sided."""
    from scipy.stats import binom

    if gained == lost:
        return 1.0
    fewer, count = min(gained, lost), gained + lost
    return float(2 * binom.cdf(fewer, count, 0.5) - binom.pmf(fewer, count, 0.5))


def holm(probabilities: Sequence[float | None]) -> list[float | None]:
    """Probabilities adjusted for how many were looked at (Holm 1979); what is None stays so and does not count."""
    known = sorted((p, number) for number, p in enumerate(probabilities) if p is not None)
    adjusted: list[float | None] = [None] * len(probabilities)
    largest = 0.0
    for rank, (p, number) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[number] = largest
    return adjusted


def resampled_t(differences: NDArray[np.float64], test_share: float) -> tuple[float, float, float]:
    """The mean of differences over repeated splits and its 95% interval (Nadeau and Bengio 2003).

    `differences` are one per split, `test_share` is the size of a split's test part over that of its train part. The
    plain t-test is wrong in more than 40% of the cases here, because the splits share their samples.
    """
    from scipy.stats import t

    count = len(differences)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) * np.sqrt(1 / count + test_share)
    half = float(t.ppf(0.975, count - 1)) * float(error)
    return mean, mean - half, mean + half


def _draws(
    first: NDArray[Any],
    second: NDArray[Any],
    strata: NDArray[np.int32],
    groups: NDArray[np.intp] | None,
    seed: int,
) -> NDArray[np.float64]:
    """Differences of the means over samples and seeds drawn anew: (draws,)."""
    rng = np.random.default_rng(seed)
    mixes = [_seed_mixes(rng, len(arm)) for arm in (first, second)]
    result = np.empty(DRAWS)
    for start in range(0, DRAWS, 500):
        part = slice(start, start + 500)
        weights = _weights(rng, strata, groups, 500)  # (draws, samples)
        sums = [
            np.einsum("ds,ds->d", mix[part], weights @ arm.T.astype(float))
            for mix, arm in zip(mixes, (first, second), strict=True)
        ]
        result[part] = (sums[0] - sums[1]) / weights.sum(axis=1)
    return result


def _seed_mixes(rng: np.random.Generator, seeds: int) -> NDArray[np.float64]:
    """The share of each seed in each draw: (draws, seeds)."""
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS) / seeds


def _weights(
    rng: np.random.Generator, strata: NDArray[np.int32], groups: NDArray[np.intp] | None, draws: int
) -> NDArray[np.float64]:
    """How often each sample is drawn: whole groups, or samples within their class. (draws, samples)."""
    if groups is not None:
        numbers = np.unique(groups, return_inverse=True)[1]
        count = int(numbers.max()) + 1
        return rng.multinomial(count, np.full(count, 1 / count), size=draws)[:, numbers].astype(float)
    weights = np.empty((draws, len(strata)))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        weights[:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws)
    return weights


def _median_seed(right: NDArray[Any]) -> NDArray[Any]:
    order = np.argsort(right.mean(axis=1), kind="stable")
    median: NDArray[Any] = right[order[len(order) // 2]]
    return median


def _discordant(first: NDArray[Any], second: NDArray[Any]) -> tuple[int, int]:
    """How often the first, and the second, was more right."""
    return int((first > second).sum()), int((second > first).sum())


def _needed(difference: NDArray[np.float64], discordance: float | None, gap: float) -> int:
    """Samples with which such a gap is found with 80% power at 5%, also where answers are more or less right."""
    if discordance is not None:
        return needed_samples(discordance, gap)
    return math.ceil(float(difference.var()) * ((SURE + POWERFUL) / gap) ** 2)

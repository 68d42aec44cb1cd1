"""Evidence -> standing: what each candidate will reach once trained, who leads, and who cannot be told from it.

In logits of accuracy, with flat knowledge of how hard the task is, what is expected of the candidates meets what their
frozen probes said. The probes were judged on the same samples, so they err together; and they are as far from the
trained accuracy as the gain of fine-tuning is uncertain. All of it is normal: the posterior is one linear system.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.ranking.evidence import Evidence
from graft.ranking.expectation import NORMAL_90, Outlook, Spread
from graft.ranking.history import logit
from graft.records import Estimate

FLAT = 10.0  # standard deviation of how hard a task may be: as good as unknown
PRACTICALLY = 0.01  # of accuracy: a difference that does not matter
ONE_SIDED = 1.645  # standard errors within which a candidate cannot be told from the leader
LEAST_ERROR = 0.7  # over the number of samples: no difference is known better than that
DRAWS = 4000  # of the posterior
SURE, POWERFUL = 1.959964, 0.841621  # normal quantiles of 5% two-sided, and of 80% power
WEIGHTS = {"probe": 0.45, "knn": 0.20, "h_score": 0.10, "log_evidence": 0.10, "nce": 0.15}  # an assumption: R4


@dataclass(frozen=True, slots=True)
class RankEstimate:
    """Where one candidate stands."""

    posterior: float  # accuracy to expect once fine-tuned, on new samples
    frozen: Estimate  # accuracy of the probe on new samples
    fine_tuned: Estimate
    best: float  # probability that it is the best of the pool once fine-tuned
    level: bool  # cannot be told from the leader
    risk: float  # probability of losing more than a point by taking it instead of the leader
    score: float | None  # weighted mean of standardised scores: orders what is equal, and nothing else
    prior_weight: float  # of all but its own probe


def estimate_ranks(
    pool: Sequence[Evidence], outlook: Outlook, groups: NDArray[np.intp] | None, seed: int, folds: int = 1
) -> list[RankEstimate]:
    """Weigh the evidence of a pool, judged on the same samples; `groups` number those that belong together.

    `folds` is 1 where a val part judged. Heads of a cross-validation are fitted on much the same samples, so the error
    of their mean accuracy is larger than that of as many answers by one head, by 1 + folds / (folds - 1) in variance
    (Nadeau and Bengio 2003).
    """
    right = np.stack([one.right for one in pool])  # (candidates, judged)
    samples = right.shape[1]
    measured = np.array([logit(one.accuracy, samples) for one in pool])
    error = _covariance(pool, groups, 1 + folds / (folds - 1) if folds > 1 else 1.0)
    middle, covariance, own = _posterior(measured, error, outlook)
    deviation = np.sqrt(np.diag(covariance))
    expected = [_expected(one, spread, outlook) for one, spread in zip(middle, deviation, strict=True)]
    leader = int(np.argmax(expected))
    apart = np.sqrt(np.maximum(np.diag(covariance) + covariance[leader, leader] - 2 * covariance[leader], 0))
    best, risk = _chances(middle, covariance, outlook, leader, seed)
    scores = _scores(pool)
    return [
        RankEstimate(
            posterior=expected[number],
            frozen=_frozen(one, measured[number], error[number, number], outlook, number),
            fine_tuned=_interval(middle[number], deviation[number], outlook),
            best=float(best[number]),
            level=bool(middle[leader] - middle[number] <= ONE_SIDED * apart[number]),
            risk=float(risk[number]),
            score=None if scores is None else float(scores[number]),
            prior_weight=float(1 - own[number]),
        )
        for number, one in enumerate(pool)
    ]


def order(estimates: Sequence[RankEstimate]) -> list[int]:
    """Candidates from first to last: by the accuracy to expect, and those equal in it by the weighted scores."""
    return sorted(
        range(len(estimates)), key=lambda number: (-estimates[number].posterior, -(estimates[number].score or 0.0))
    )


def needed_samples(discordance: float, gap: float) -> int:
    """Samples with which a difference in accuracy is found with 80% power at 5% (McNemar; Connor 1987)."""
    inside = max(discordance - gap**2, 0.0)
    return math.ceil(((SURE * math.sqrt(discordance) + POWERFUL * math.sqrt(inside)) / gap) ** 2)


def clustered_error(values: NDArray[np.float64], groups: NDArray[np.intp] | None) -> float:
    """The standard error of a mean of values, of which those of one group count as one: (samples,)."""
    sums, sizes = _clusters(values[None], groups)
    centred = sums[0] - values.mean() * sizes
    correction = len(sizes) / max(1, len(sizes) - 1)
    return max(math.sqrt(float((centred**2).sum()) * correction), LEAST_ERROR) / len(values)


def _clusters(
    right: NDArray[np.float64], groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over groups, (candidates, groups), and how many samples each group has."""
    if groups is None:
        return right, np.ones(right.shape[1])
    numbers = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    return np.stack([np.bincount(numbers, weights=row) for row in right]), sizes


def _covariance(pool: Sequence[Evidence], groups: NDArray[np.intp] | None, inflation: float) -> NDArray[np.float64]:
    """Of the logits of the measured accuracies: (candidates, candidates).

    What candidates are right on together moves them together. A candidate alone is known no better than as many tosses
    of a coin, groups widen that as far as their samples agree, and repeats as far as they differ.
    """
    right = np.stack([one.right for one in pool])
    means, samples = right.mean(axis=1), right.shape[1]
    sums, sizes = _clusters(right, groups)
    centred = sums - means[:, None] * sizes
    count = len(sizes)
    joint = centred @ centred.T * count / max(1, count - 1) / samples**2
    spread = np.sqrt(np.diag(joint))
    alike = joint / np.maximum(np.outer(spread, spread), 1e-12)
    smoothed = (means * samples + 0.5) / (samples + 1)
    slope = 1 / (smoothed * (1 - smoothed))  # of the logit
    coin = np.sqrt(smoothed * (1 - smoothed) / samples)
    deviation = slope * (np.maximum(coin, spread) if count < samples else coin)
    np.fill_diagonal(alike, 1.0)
    between = np.array([one.accuracy_by_repeat.var() for one in pool])
    covariance: NDArray[np.float64] = inflation * alike * np.outer(deviation, deviation) + np.diag(slope**2 * between)
    return covariance


def _posterior(
    measured: NDArray[np.float64], error: NDArray[np.float64], outlook: Outlook
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of the logits once fine-tuned: means, covariance, and how much of each mean its own probe said."""
    told = outlook.candidates
    offset, gain = np.array([one.offset for one in told]), np.array([one.gain - one.fall for one in told])
    before = _spread([one.offset_spread for one in told]) + FLAT**2
    noise = error + _spread([one.gain_spread for one in told]) + np.diag([one.fall_own**2 for one in told])
    weight = np.linalg.solve(before + noise, before).T  # before (before + noise)^-1
    covariance = before - weight @ before
    return offset + weight @ (measured + gain - offset), (covariance + covariance.T) / 2, np.diag(weight)


def _spread(spreads: Sequence[Spread]) -> NDArray[np.float64]:
    """Their covariance: (candidates, candidates)."""
    shared = np.array([one.shared for one in spreads])
    return np.diag([one.own**2 for one in spreads]) + np.outer(shared, shared)


def _chances(
    middle: NDArray[np.float64], covariance: NDArray[np.float64], outlook: Outlook, leader: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """In draws from the posterior: how often each comes out first, and how often it loses too much to the leader."""
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(middle, covariance, DRAWS, method="eigh")
    fall = outlook.fall_spread * rng.standard_normal(DRAWS)
    shares = 1 / (1 + np.exp((fall if outlook.fall_runs else abs(fall))[:, None] - drawn))
    lost = shares[:, [leader]] - shares > PRACTICALLY
    return np.bincount(drawn.argmax(axis=1), minlength=len(middle)) / DRAWS, lost.mean(axis=0)


def _scores(pool: Sequence[Evidence]) -> NDArray[np.float64] | None:
    """The weighted mean of standardised scores; a score that one candidate lacks counts for none."""
    columns: dict[str, list[float | None]] = {
        "probe": [logit(one.accuracy, len(one.right)) for one in pool],
        "knn": [one.knn for one in pool],
        "h_score": [one.h_score for one in pool],
        "log_evidence": [one.log_evidence for one in pool],
        "nce": [one.nce for one in pool],
    }
    total, weight = np.zeros(len(pool)), 0.0
    for name, column in columns.items():
        values = np.array([np.nan if value is None else value for value in column])
        if np.isfinite(values).all() and values.std() > 1e-12:
            total += WEIGHTS[name] * (values - values.mean()) / values.std()
            weight += WEIGHTS[name]
    return total / weight if weight else None


def _frozen(one: Evidence, measured: float, variance: float, outlook: Outlook, number: int) -> Estimate:
    """The accuracy of its probe: what was measured, and on new samples an interval around where it will have fallen."""
    told = outlook.candidates[number]
    around = _interval(measured - told.fall, math.hypot(math.sqrt(variance), told.fall_own), outlook)
    return Estimate(one.accuracy, min(around.low, one.accuracy), max(around.high, one.accuracy))


def _interval(middle: float, deviation: float, outlook: Outlook) -> Estimate:
    """The accuracy on new samples, with its 90% interval; an assumed fall widens it downwards only."""
    wide = math.hypot(deviation, outlook.fall_spread)
    above = wide if outlook.fall_runs else deviation
    return Estimate(_share(middle), _share(middle - NORMAL_90 * wide), _share(middle + NORMAL_90 * above))


def _expected(middle: float, deviation: float, outlook: Outlook) -> float:
    """The mean accuracy on new samples over all that the logit may be, by Gauss and Hermite's quadrature.

    It is below the accuracy at the mean where that is high: who is less sure has more to lose than to win.
    """
    fall, spread = 0.0, outlook.fall_spread
    if not outlook.fall_runs:
        fall, spread = spread * math.sqrt(2 / math.pi), spread * math.sqrt(1 - 2 / math.pi)
    nodes, weights = np.polynomial.hermite_e.hermegauss(32)
    shares = 1 / (1 + np.exp(fall - middle - math.hypot(deviation, spread) * nodes))
    return float(shares @ weights / weights.sum())


def _share(middle: float) -> float:
    return 1 / (1 + math.exp(-middle))

"""Evidence -> standing: who leads, who cannot be told from the leader, and what each will reach, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.ranking.evidence import Evidence
from graft.ranking.history import Gain, logit
from graft.records import Estimate

SPREAD = 0.03  # standard deviation of accuracies in a pool, where nothing better is known (science, R4)
PRIOR_CORRELATION = 0.6  # of a prior with the accuracies, where all candidates learnt from the same source
MIXED_CORRELATION = 0.3  # where they did not
ONE_SIDED = 1.645  # standard errors within which a candidate cannot be told from the leader
LEAST_ERROR = 0.7  # over the number of samples: no difference is known better than that
DRAWS = 2000  # of the Bayesian bootstrap
SURE, POWERFUL = 1.959964, 0.841621  # normal quantiles of 5% two-sided, and of 80% power
WEIGHTS = {"probe": 0.45, "knn": 0.20, "h_score": 0.10, "log_evidence": 0.10, "nce": 0.15}  # an assumption: R4


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one candidate stands."""

    posterior: float  # accuracy on this task, the prior weighed in
    frozen: Estimate  # accuracy of the probe on new samples
    fine_tuned: Estimate
    best: float  # probability that it is the best of the pool
    level: bool  # cannot be told from the leader
    score: float | None  # weighted mean of standardised scores: orders what is level, and nothing else
    prior_weight: float


def stand(
    pool: Sequence[Evidence],
    priors: Sequence[float | None],
    same_source: bool,
    gain: Gain,
    groups: NDArray[np.intp] | None,
    seed: int,
) -> list[Standing]:
    """Weigh the evidence of a pool, judged on the same samples; `groups` number those that belong together."""
    right = np.stack([one.right for one in pool])  # (candidates, judged)
    means = right.mean(axis=1)
    clusters = _clusters(right, groups)  # (candidates, clusters), (clusters,) samples in each
    errors = _standard_errors(clusters, means)
    posterior, weight = _with_prior(means, errors, priors, same_source)
    leader = int(posterior.argmax())
    best = _probability_of_best(clusters, means, posterior, seed)
    scores = _scores(pool)
    return [
        Standing(
            posterior=float(posterior[number]),
            frozen=_frozen(one, clusters[0][number], clusters[1]),
            fine_tuned=gain.apply(one.accuracy, len(one.right)),
            best=float(best[number]),
            level=number == leader or _is_level(right[leader] - right[number], groups),
            score=None if scores is None else float(scores[number]),
            prior_weight=float(weight[number]),
        )
        for number, one in enumerate(pool)
    ]


def order(standings: Sequence[Standing]) -> list[int]:
    """Candidates from first to last: by posterior, and those level with the leader by the weighted scores."""

    def key(number: int) -> tuple[bool, float, float]:
        one = standings[number]
        told = one.score if one.level and one.score is not None else 0.0
        return (not one.level, -told, -one.posterior)

    return sorted(range(len(standings)), key=key)


def needed_samples(discordance: float, gap: float) -> int:
    """Samples with which a difference in accuracy is found with 80% power at 5% (McNemar; Connor 1987)."""
    inside = max(discordance - gap**2, 0.0)
    return math.ceil(((SURE * math.sqrt(discordance) + POWERFUL * math.sqrt(inside)) / gap) ** 2)


def clustered_error(values: NDArray[np.float64], groups: NDArray[np.intp] | None) -> float:
    """The standard error of a mean of values, of which those of one group count as one: (samples,)."""
    sums, sizes = _clusters(values[None], groups)
    return float(_standard_errors((sums, sizes), values.mean(keepdims=True), against=False)[0])


def _is_level(difference: NDArray[np.float64], groups: NDArray[np.intp] | None) -> bool:
    error = max(clustered_error(difference, groups), LEAST_ERROR / len(difference))
    return bool(difference.mean() <= ONE_SIDED * error)


def _clusters(
    right: NDArray[np.float64], groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums over groups, (candidates, groups), and how many samples each group has."""
    if groups is None:
        return right, np.ones(right.shape[1])
    numbers = np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(numbers).astype(float)
    return np.stack([np.bincount(numbers, weights=row) for row in right]), sizes


def _standard_errors(
    clusters: tuple[NDArray[np.float64], NDArray[np.float64]], means: NDArray[np.float64], against: bool = True
) -> NDArray[np.float64]:
    """Of each candidate's mean, as a paired difference to the mean of the pool: (candidates,)."""
    sums, sizes = clusters
    centred = sums - means[:, None] * sizes
    if against and len(means) > 1:
        centred = centred - centred.mean(axis=0)
    count = centred.shape[1]
    samples = sizes.sum()
    correction = count / max(1, count - 1)
    return np.maximum(np.sqrt((centred**2).sum(axis=1) * correction) / samples, LEAST_ERROR / samples)


def _with_prior(
    means: NDArray[np.float64], errors: NDArray[np.float64], priors: Sequence[float | None], same_source: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision-weighted means of what was measured and what the prior expects, and the weight of the prior."""
    known = np.array([np.nan if prior is None else prior for prior in priors])
    spread = np.nanstd(known) if np.isfinite(known).sum() > 1 else 0.0
    correlation = PRIOR_CORRELATION if same_source else MIXED_CORRELATION
    standard = np.nan_to_num((known - np.nanmean(known)) / spread) if spread > 0 else np.zeros(len(means))
    told = np.isfinite(known) & (spread > 0)
    expected = means.mean() + correlation * standard * SPREAD
    variance = np.where(told, (1 - correlation**2) * SPREAD**2, np.inf)  # nothing known pulls towards nothing
    weight = errors**2 / (errors**2 + variance)
    return (1 - weight) * means + weight * expected, weight


def _probability_of_best(
    clusters: tuple[NDArray[np.float64], NDArray[np.float64]],
    means: NDArray[np.float64],
    posterior: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """How often each comes out first when samples are weighed anew (Bayesian bootstrap), around the posterior."""
    sums, sizes = clusters
    rng = np.random.default_rng(seed)
    wins = np.zeros(len(means))
    for _ in range(DRAWS // 100):
        weights = rng.exponential(size=(len(sizes), 100))
        drawn = (sums @ weights) / (sizes @ weights) - means[:, None] + posterior[:, None]
        top = drawn >= drawn.max(axis=0) - 1e-12
        wins += (top / top.sum(axis=0)).sum(axis=1)
    return wins / DRAWS


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


def _frozen(one: Evidence, sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> Estimate:
    """A logit-normal interval; groups widen it as far as their samples agree, repeats as far as they differ."""
    samples = sizes.sum()
    plain = one.accuracy * (1 - one.accuracy) / samples
    count = len(sizes)
    grouped = ((sums - one.accuracy * sizes) ** 2).sum() / samples**2 * count / max(1, count - 1)
    between = float(one.accuracy_by_repeat.var())
    return logit_interval(one.accuracy, max(plain, grouped if count < samples else 0.0) + between, int(samples))


def logit_interval(share: float, variance: float, samples: int) -> Estimate:
    """A 90% interval of a share with this variance, on the logit scale so that it stays between 0 and 1."""
    centre = _smoothed(share, samples)
    half = 1.645 * math.sqrt(max(variance, centre * (1 - centre) / samples)) / (centre * (1 - centre))
    middle = math.log(centre / (1 - centre))
    low, high = (1 / (1 + math.exp(-(middle + sign * half))) for sign in (-1, 1))
    return Estimate(share, min(low, share), max(high, share))


def _smoothed(share: float, samples: int) -> float:
    """A share away from 0 and 1, where its logit is infinite."""
    return (share * samples + 0.5) / (samples + 1)

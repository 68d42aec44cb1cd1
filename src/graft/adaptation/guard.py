"""Never worse than the probe on the samples that decide: which blend is delivered, if any."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.heads.judgement import Judgement
from graft.heads.ridge import Scores

FEW = 100  # deciding samples below which a gain must be shown, not only a loss ruled out
DRAWS = 20_000
TOLERATED_LOSS = 0.01  # of accuracy
TOLERATED_RISK = 0.10


@dataclass(frozen=True, slots=True)
class Blend:
    """Scores of one interpolation between probe and trained weights, on the deciding samples."""

    share: float
    scores: Scores  # (samples, outputs)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one blend did on the deciding samples."""

    share: float
    brier: float
    log_loss: float
    accuracy: float
    told: Mapping[str, float] = field(default_factory=dict)  # to a person


@dataclass(frozen=True, slots=True)
class Decision:
    """Which share is delivered, at which temperature, and why. A share of 0 is what stood before."""

    share: float
    temperature: float
    figures: tuple[Figures, ...]  # of every blend
    risk: float  # posterior probability of what must not happen: losing more than a point, or not gaining
    why: str


def decide(
    blends: Sequence[Blend], judge: Callable[[Scores], Judgement], own: NDArray[np.bool_] | None = None
) -> Decision:
    """Keep what stands (share 0) unless another blend is surely better: of the safe ones, that of least Brier score.

    Safe is what is better than what stands by more than one standard error of the Brier score, has no higher
    log-loss, and a small risk. From 100 deciding samples on, the probability of losing more than one point of
    accuracy must be at most 10%; below, the probability of not gaining must be, checked by McNemar's mid-p value
    (science, section 3.4). On the user's `own` val samples, where others decide with them, neither accuracy nor Brier
    score may be worse at all. Probabilities are those of the Dirichlet(1/2, 1/2, 1/2) posterior over gained, lost and
    equal samples.
    """
    judged = {blend.share: judge(blend.scores) for blend in blends}
    standing = judged.pop(0.0)
    figures = tuple(
        Figures(share, one.brier, one.log_loss, one.accuracy, dict(one.figures))
        for share, one in [(0.0, standing), *judged.items()]
    )

    def decided(share: float, temperature: float, risk: float, why: str) -> Decision:
        return Decision(share, temperature, figures, risk, why)

    better = {
        share: one
        for share, one in judged.items()
        if one.log_loss <= standing.log_loss
        and not standing.within_one_error_of(one)
        and (own is None or one.is_no_worse_on(own, standing))
    }
    if not better:
        why = "not better by more than one standard error of the Brier score, or more log-loss"
        return decided(0.0, standing.temperature, 1.0, why)
    strict = len(standing.right) < FEW
    what = "of not gaining" if strict else f"of losing more than {100 * TOLERATED_LOSS:.0f} point of"
    risks = {
        share: _risk(standing.right, one.right, 0.0 if strict else -TOLERATED_LOSS) for share, one in better.items()
    }
    safe = [share for share in better if risks[share] <= TOLERATED_RISK]
    if not safe:
        least = min(risks.values())
        why = f"a better Brier score, but the risk {what} accuracy is {least:.0%}"
        return decided(0.0, standing.temperature, least, why)
    share = min(safe, key=lambda share: better[share].brier)
    why = f"a better Brier score, and the risk {what} accuracy is {risks[share]:.0%}"
    return decided(share, better[share].temperature, risks[share], why)


def _risk(before: NDArray[Any], after: NDArray[Any], least: float) -> float:
    """Posterior probability that accuracy changes by less than `least` (at most `least` where that is 0)."""
    gained, lost = int((after > before).sum()), int((before > after).sum())
    counts = np.array([gained, lost, len(before) - gained - lost]) + 0.5
    draws = np.random.default_rng(0).dirichlet(counts, DRAWS)
    posterior = float((draws[:, 0] - draws[:, 1] <= least).mean())
    return max(posterior, _mid_p(gained, lost)) if least == 0 else posterior


def _mid_p(gained: int, lost: int) -> float:
    """One-sided mid-p value of McNemar's test: how often chance alone gains as many of the changed samples."""
    from scipy.stats import binom

    changed = gained + lost
    return float(binom.sf(gained, changed, 0.5) + 0.5 * binom.pmf(gained, changed, 0.5))

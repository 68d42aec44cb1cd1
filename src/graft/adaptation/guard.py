"""Never worse than the probe on the samples that decide: which blend is delivered, if any."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.ranking.temperature import fit_temperature, softmax

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trained weights; 0 is the probe itself
FEW = 100  # deciding samples below which a gain must be shown, not only a loss ruled out
DRAWS = 20_000
TOLERATED_LOSS = 0.01  # of accuracy
TOLERATED_RISK = 0.10


@dataclass(frozen=True, slots=True)
class Blend:
    """Scores of one interpolation between probe and trained weights, on the deciding samples."""

    share: float
    scores: NDArray[np.float64]  # (samples, classes)


@dataclass(frozen=True, slots=True)
class Decision:
    """Which share is delivered, at which temperature, and why. A share of 0 is the probe."""

    share: float
    temperature: float
    log_loss: float
    accuracy: float
    figures: tuple[tuple[float, float, float], ...]  # (share, log-loss, accuracy) of every blend
    risk: float  # posterior probability of what must not happen: losing more than a point, or not gaining
    why: str


def decide(blends: Sequence[Blend], labels: NDArray[np.int32]) -> Decision:
    """Keep what stands (share 0) unless another blend is surely better: of the safe ones, that of least log-loss.

    Safe is what has less log-loss than what stands, by more than one standard error of the difference, at a small
    risk. From 100 deciding samples on, the probability of losing more than one point of accuracy must be at most
    10%; below, the probability of not gaining must be, checked by McNemar's mid-p value (science, section 3.4).
    Probabilities are those of the Dirichlet(1/2, 1/2, 1/2) posterior over gained, lost and equal samples.
    """
    judged = {blend.share: _Judged.of(blend, labels) for blend in blends}
    standing = judged[0.0]
    figures = tuple((share, one.log_loss, float(one.right.mean())) for share, one in judged.items())
    better = [one for one in judged.values() if one is not standing and not standing.within_one_error_of(one)]
    if not better:
        return standing.decision(figures, 1.0, "not better by more than one standard error of the log-loss")
    strict = len(labels) < FEW
    what = "of not gaining" if strict else f"of losing more than {100 * TOLERATED_LOSS:.0f} point"
    risks = {one.share: _risk(standing.right, one.right, 0.0 if strict else -TOLERATED_LOSS) for one in better}
    safe = [one for one in better if risks[one.share] <= TOLERATED_RISK]
    if not safe:
        least = min(risks.values())
        return standing.decision(figures, least, f"less log-loss, but the risk {what} of accuracy is {least:.0%}")
    chosen = min(safe, key=lambda one: one.log_loss)
    risk = risks[chosen.share]
    return chosen.decision(figures, risk, f"less log-loss, and the risk {what} of accuracy is {risk:.0%}")


@dataclass(frozen=True, slots=True)
class _Judged:
    share: float
    temperature: float
    log_loss: float
    losses: NDArray[np.float64]  # (samples,)
    right: NDArray[np.bool_]  # (samples,)

    @classmethod
    def of(cls, blend: Blend, labels: NDArray[np.int32]) -> "_Judged":
        temperature, loss = fit_temperature(blend.scores, labels)
        probabilities = softmax(blend.scores / temperature)[np.arange(len(labels)), labels]
        losses = -np.log(np.maximum(probabilities, 1e-15))
        return cls(blend.share, temperature, loss, losses, blend.scores.argmax(axis=1) == labels)

    def within_one_error_of(self, other: "_Judged") -> bool:
        """Whether another is better by no more than one standard error of the paired difference."""
        difference = self.losses - other.losses
        return float(difference.mean()) <= float(difference.std(ddof=1) / np.sqrt(len(difference)))

    def decision(self, figures: tuple[tuple[float, float, float], ...], risk: float, why: str) -> Decision:
        return Decision(self.share, self.temperature, self.log_loss, float(self.right.mean()), figures, risk, why)


def _risk(before: NDArray[np.bool_], after: NDArray[np.bool_], least: float) -> float:
    """Posterior probability that accuracy changes by less than `least` (at most `least` where that is 0)."""
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    counts = np.array([gained, lost, len(before) - gained - lost]) + 0.5
    draws = np.random.default_rng(0).dirichlet(counts, DRAWS)
    posterior = float((draws[:, 0] - draws[:, 1] <= least).mean())
    return max(posterior, _mid_p(gained, lost)) if least == 0 else posterior


def _mid_p(gained: int, lost: int) -> float:
    """One-sided mid-p value of McNemar's test: how often chance alone gains as many of the changed samples."""
    from scipy.stats import binom

    changed = gained + lost
    return float(binom.sf(gained, changed, 0.5) + 0.5 * binom.pmf(gained, changed, 0.5))

"""Several labels for each sample: a head with a yes or no for every label, on factorisations that all share.

Targets are (samples, labels): 1 yes, 0 no, -1 not known. What is not known teaches nothing and counts nowhere.
"""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis
from graft.heads.iterative_folds import iterative_folds
from graft.heads.judgement import Judgement
from graft.heads.logistic import PENALTY_PER_FEATURE, STEPS, TYPICAL_CURVATURE
from graft.heads.ridge import LinearHead, Scores, Targets, fit_ridge_to
from graft.heads.temperature import LOG_RANGE

LEAST_LOSS = 1e-15
PRIOR = 5.0  # labels' own samples that weigh as much as what all labels together say of calibration


class Sigmoid:
    """A yes or no for each label: ridge on -1 and 1, logistic regression per label, mean squared error per sample."""

    stepwise = "logistic"

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def encoded(self, targets: Targets) -> Scores:
        """-1 for no and 1 for yes; what is not known as its label's mean, which pulls to no side."""
        known = targets >= 0
        signs = np.where(known, 2.0 * targets - 1, 0.0)
        means = signs.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return np.where(known, signs, means)

    def ridge(self, basis: Basis, targets: Targets, penalty: float) -> LinearHead:
        return fit_ridge_to(basis, self.encoded(targets), penalty)

    def fit_stepwise(
        self, basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None
    ) -> LinearHead:
        return fit_sigmoid(basis, targets, rows, near)

    def judge(self, scores: Scores, targets: Targets) -> Judgement:
        known = targets >= 0
        temperature, loss = fit_shared_temperature(scores, targets)
        probabilities = sigmoid(scores / temperature)
        count = np.maximum(known.sum(axis=1), 1)
        squares = 2 * np.where(known, (probabilities - targets) ** 2, 0.0).sum(axis=1) / count
        right = np.where(known, (probabilities > 0.5) == (targets == 1), False).sum(axis=1) / count
        precision = average_precisions(scores, targets)
        told = float(np.nanmean(precision)) if np.isfinite(precision).any() else 0.0
        return Judgement(temperature, loss, squares, right, {"mean_average_precision": told, "log_loss": loss})

    def nothing(self, targets: Targets) -> NDArray[np.float64]:
        """The log-odds of each label, smoothed (Laplace)."""
        yes, no = (targets == 1).sum(axis=0) + 1.0, (targets == 0).sum(axis=0) + 1.0
        odds: NDArray[np.float64] = np.log(yes / no)
        return odds

    def strata(self, targets: Targets) -> NDArray[np.int32]:
        """The rarest label of each sample; those without any are one stratum more."""
        yes = targets == 1
        counts = yes.sum(axis=0)
        order = np.argsort(counts, kind="stable")
        first = yes[:, order].argmax(axis=1)
        return np.where(yes.any(axis=1), order[first], self.outputs).astype(np.int32)

    def folds(self, targets: Targets, groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
        return iterative_folds(targets == 1, groups, seed)


def sigmoid(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities of yes."""
    from scipy.special import expit

    return np.asarray(expit(np.asarray(scores, np.float64)))


def fit_sigmoid(basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None) -> LinearHead:
    """A head that minimises binary cross-entropy summed over `rows` and known labels, plus an L2 penalty."""
    from scipy.optimize import minimize

    penalty = PENALTY_PER_FEATURE * len(basis.mean)
    scale = 1 / np.sqrt(basis.squares * TYPICAL_CURVATURE + penalty)
    room = np.empty((len(rows), len(basis.squares)), np.float32)
    inputs = basis.project_into(basis.features[rows], room, scale)  # (rows, rank)
    chosen = targets[rows]
    known = (chosen >= 0).astype(np.float32)
    signs = np.where(chosen >= 0, 2 * chosen - 1, 0).astype(np.float32)
    decay = (penalty * scale**2).astype(np.float32)[:, None]
    shape = (inputs.shape[1] + 1, targets.shape[1])

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(shape).astype(np.float32)
        weight, bias = parameters[:-1], parameters[-1]
        margins = signs * (inputs @ weight + bias)
        falling = np.exp(-np.abs(margins))
        losses = known * (np.maximum(-margins, 0) + np.log1p(falling))
        errors = -signs * np.where(margins >= 0, falling, 1) / (1 + falling)
        loss = float(losses.sum(dtype=np.float64)) + 0.5 * float((decay * weight**2).sum(dtype=np.float64))
        gradient = np.concatenate([inputs.T @ errors + decay * weight, errors.sum(axis=0, keepdims=True)])
        return loss / len(rows), gradient.ravel().astype(np.float64) / len(rows)

    start = np.zeros(shape)
    if near is not None:
        start[:-1] = basis.right.T @ near.weight * basis.scale / scale[:, None]
        start[-1] = near.bias + basis.mean @ near.weight
    found = minimize(
        objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "gtol": 1e-4, "ftol": 1e-9}
    )
    parameters = found.x.reshape(shape)
    return LinearHead.on_basis(basis, scale[:, None] * parameters[:-1], parameters[-1])


def cross_entropies(scores: Scores, targets: Targets) -> NDArray[np.float64]:
    """The loss of each label of each sample, in nats; 0 where it is not known."""
    signs = np.where(targets >= 0, 2.0 * targets - 1, 0.0)
    return np.asarray(np.where(targets >= 0, np.logaddexp(0, -signs * scores), 0.0))


def fit_shared_temperature(scores: Scores, targets: Targets) -> tuple[float, float]:
    """One temperature for all labels, with the least mean cross-entropy of what is known, and that loss.

    Smoothed as that of classes is: 2 of (samples + 2) are taken to be undecided.
    """
    from scipy.optimize import minimize_scalar

    known = targets >= 0
    count = max(int(known.sum()), 1)
    smoothing = 2 / (len(targets) + 2)

    def loss(log: float) -> float:
        scaled = scores / np.exp(log)
        undecided = np.where(known, np.logaddexp(0, -np.abs(scaled)) + np.abs(scaled) / 2, 0.0)
        whole = (1 - smoothing) * cross_entropies(scaled, targets) + smoothing * undecided
        return float(whole.sum()) / count

    found = minimize_scalar(loss, bounds=LOG_RANGE, method="bounded")
    temperature = float(np.exp(found.x))
    return temperature, float(cross_entropies(scores / temperature, targets).sum()) / count


def platt(scores: Scores, targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and shift of each label's scores, (labels,) each, that make their sigmoid a probability (Platt 1999).

    All labels together are fitted first, and each label leans to that as if it had been seen on five samples.
    """
    from scipy.optimize import minimize

    signs = np.where(targets >= 0, 2.0 * targets - 1, 0.0)
    known = targets >= 0

    def pooled(both: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (both[0] * scores + both[1])
        errors = np.where(known, -signs * sigmoid(-margins), 0.0)
        gradient = np.array([(errors * scores).sum() + 1e-3 * (both[0] - 1), errors.sum() + 1e-3 * both[1]])
        pull = both - np.array([1.0, 0.0])
        return float(np.where(known, np.logaddexp(0, -margins), 0).sum()) + 5e-4 * float(pull @ pull), gradient

    middle = minimize(pooled, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B").x
    spread = float(np.sqrt((np.where(known, scores, 0) ** 2).sum() / max(known.sum(), 1))) or 1.0
    scale, shift = np.full(scores.shape[1], middle[0]), np.full(scores.shape[1], middle[1])
    for _ in range(25):  # Newton's method on two numbers for each label, all labels at once
        margins = signs * (scale * scores + shift)
        wrong = sigmoid(-margins)
        errors, bends = np.where(known, -signs * wrong, 0.0), np.where(known, wrong * (1 - wrong), 0.0)
        weight = PRIOR / 4
        first = (errors * scores).sum(axis=0) + weight * spread**2 * (scale - middle[0])
        second = errors.sum(axis=0) + weight * (shift - middle[1])
        aa = (bends * scores**2).sum(axis=0) + weight * spread**2
        ab, bb = (bends * scores).sum(axis=0), bends.sum(axis=0) + weight
        divisor = aa * bb - ab**2
        step = np.stack([bb * first - ab * second, aa * second - ab * first]) / np.maximum(divisor, 1e-12)
        step = np.clip(step, -2, 2)
        scale, shift = scale - step[0], shift - step[1]
        if np.abs(step).max() < 1e-8:
            break
    return np.maximum(scale, 1e-6), shift


def average_precisions(scores: Scores, targets: Targets) -> NDArray[np.float64]:
    """Average precision of each label over the samples of which it is known; NaN without any yes: (labels,)."""
    found = np.full(scores.shape[1], np.nan)
    for label in range(scores.shape[1]):
        rows = np.flatnonzero(targets[:, label] >= 0)
        yes = targets[rows, label] == 1
        if yes.any():
            found[label] = weighted_average_precision(scores[rows, label], yes, np.ones((1, len(rows))))[0]
    return found


def weighted_average_precision(
    scores: NDArray[np.floating], yes: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The mean, over what is yes, of the precision at its score, for each row of weights: (draws, samples) -> (draws,).

    Samples of equal score count together, as scikit-learn's average_precision_score has it. NaN where no yes is drawn.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    weights = weights[:, order]
    hits = np.cumsum(weights * yes[order], axis=1)[:, ends]
    seen = np.cumsum(weights, axis=1)[:, ends]
    gained = np.diff(hits, axis=1, prepend=0)
    total = hits[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, hits / seen, 0.0)
        return np.asarray((precision * gained).sum(axis=1) / total)

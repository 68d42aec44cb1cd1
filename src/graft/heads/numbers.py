"""Numbers for each sample: heads by least squares and by a robust loss, on targets in standard units.

Targets are (samples, outputs) with mean 0 and deviation 1; NaN is not known, teaches nothing and counts nowhere.
"""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis
from graft.heads.folds import make_folds
from graft.heads.judgement import Judgement
from graft.heads.ridge import PENALTIES, LinearHead, Scores, Targets, fit_ridge_to

MOST_STRATA, OF_A_STRATUM = 10, 10  # so many quantiles, of at least so many samples
HUBER = 1.345  # deviations of the noise from which on an error counts linearly: 95% as efficient where it is normal
STEPS, ROUNDS = 200, 6


class Numbers:
    """Ridge regression with Huber's robust loss beside it (Huber 1964), judged by the squared error."""

    stepwise = "huber"

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def encoded(self, targets: Targets) -> Scores:
        return np.nan_to_num(targets)  # what is not known as the mean, which pulls to no side

    def ridge(self, basis: Basis, targets: Targets, penalty: float) -> LinearHead:
        return fit_ridge_to(basis, self.encoded(targets), penalty)

    def fit_stepwise(
        self, basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None
    ) -> LinearHead:
        return fit_huber(basis, targets, rows, near)

    def judge(self, scores: Scores, targets: Targets) -> Judgement:
        known = np.isfinite(targets)
        errors = np.where(known, scores - np.nan_to_num(targets), 0.0)
        squares = (errors**2).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        mean = float(max(squares.mean(), 1e-12))
        figures = {"r2": explained(scores, targets), "spearman": rank_correlation(scores, targets)}
        return Judgement(1.0, 0.5 * float(np.log(2 * np.pi * np.e * mean)), squares, 1 / (1 + squares), figures)

    def nothing(self, targets: Targets) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(np.nanmean(targets, axis=0))

    def strata(self, targets: Targets) -> NDArray[np.int32]:
        """The quantile of the first number; what is not known is a stratum of its own."""
        first = targets[:, 0]
        known = np.isfinite(first)
        count = int(np.clip(known.sum() // OF_A_STRATUM, 1, MOST_STRATA))
        rank = np.argsort(np.argsort(first[known], kind="stable"), kind="stable")
        found = np.full(len(first), count, np.int32)
        found[known] = rank * count // max(1, int(known.sum()))
        return found

    def folds(self, targets: Targets, groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
        return make_folds(self.strata(targets), groups, seed)


def explained(scores: Scores, targets: Targets) -> float:
    """The share of the variance that is explained (R2), the mean over outputs; 0 for one that is constant."""
    found = []
    for answer, wanted in zip(scores.T, targets.T, strict=True):
        known = np.isfinite(wanted)
        whole = float(((wanted[known] - wanted[known].mean()) ** 2).sum()) if known.any() else 0.0
        found.append(1 - float(((answer[known] - wanted[known]) ** 2).sum()) / whole if whole > 0 else 0.0)
    return float(np.mean(found))


def rank_correlation(scores: Scores, targets: Targets) -> float:
    """Spearman's rank correlation, the mean over outputs; 0 for one that is constant."""
    from scipy.stats import rankdata

    found = []
    for answer, wanted in zip(scores.T, targets.T, strict=True):
        known = np.isfinite(wanted)
        ranks = [rankdata(one[known]) for one in (answer, wanted)]
        spread = ranks[0].std() * ranks[1].std() if known.sum() > 1 else 0.0
        together = float(((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())).mean()) if spread else 0.0
        found.append(together / float(spread) if spread else 0.0)
    return float(np.mean(found))


def fit_huber(basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None) -> LinearHead:
    """A head that minimises Huber's loss, summed over `rows`, plus an L2 penalty.

    Errors beyond 1.345 deviations of the noise, as their median has it, count linearly. The penalty is the best one for
    targets whose errors were cut there (pseudo-values, Cox 1983; Cantoni and Ronchetti 2001).
    """
    from scipy.optimize import minimize

    wanted = targets[rows]
    known = np.isfinite(wanted)
    wanted = np.nan_to_num(wanted)
    room = np.empty((len(rows), len(basis.squares)), np.float32)
    inputs = basis.project_into(basis.features[rows], room, 1 / np.sqrt(basis.squares))  # (rows, rank), columns of U
    moved = wanted
    for _ in range(ROUNDS):  # what lies far off is moved to the edge, so that it decides over the penalty no more
        penalty = float(_best_penalty(np.asarray(inputs, np.float64), basis.squares, moved) * basis.squares.mean())
        mean = moved.mean(axis=0)
        first = (basis.squares / (basis.squares + penalty))[:, None] * (inputs.T @ (moved - mean))  # along U
        residuals = wanted - mean - inputs @ first
        spread = 1.4826 * np.nanmedian(np.where(known, np.abs(residuals), np.nan), axis=0)
        edge = HUBER * np.maximum(spread, 1e-3)
        moved = wanted - residuals + np.clip(residuals, -edge, edge)
    edge = edge.astype(np.float32)
    decay = (penalty / basis.squares).astype(np.float32)[:, None]
    shape = (inputs.shape[1] + 1, targets.shape[1])

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(shape).astype(np.float32)
        weight, bias = parameters[:-1], parameters[-1]
        errors = np.where(known, inputs @ weight + bias - wanted, 0).astype(np.float32)
        near_ones = np.clip(errors, -edge, edge)
        losses = near_ones * (errors - near_ones / 2)
        loss = float(losses.sum(dtype=np.float64)) + 0.5 * float((decay * weight**2).sum(dtype=np.float64))
        gradient = np.concatenate([inputs.T @ near_ones + decay * weight, near_ones.sum(axis=0, keepdims=True)])
        return loss, gradient.ravel().astype(np.float64)

    start = np.concatenate([first, mean[None]])
    if near is not None:
        start[:-1] = np.sqrt(basis.squares)[:, None] * (basis.right.T @ near.weight) * basis.scale
        start[-1] = near.bias + basis.mean @ near.weight
    options = {"maxiter": STEPS, "gtol": 1e-4, "ftol": 1e-9}
    found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    parameters = found.x.reshape(shape)
    return LinearHead.on_basis(basis, parameters[:-1] / np.sqrt(basis.squares)[:, None], parameters[-1])


def _best_penalty(inputs: NDArray[np.float64], squares: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """The relative penalty of least error by generalised cross-validation (Golub, Heath and Wahba 1979)."""
    centred = wanted - wanted.mean(axis=0)
    moments = inputs.T @ centred
    errors = []
    for relative in PENALTIES:
        shrink = squares / (squares + relative * squares.mean())
        residuals = centred - inputs @ (shrink[:, None] * moments)
        freedom = max(1e-6, 1 - (shrink.sum() + 1) / (len(inputs) + 1))
        errors.append(float((residuals**2).mean()) / freedom**2)
    return float(PENALTIES[int(np.argmin(errors))])

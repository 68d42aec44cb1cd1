"""Ridge regression on one-hot labels for a whole grid of penalties, with exact cross-validation by the block formula.

For a fold b, the predictions of a model that never saw b follow from the one fitted on everything:
P_b = Y_b - (I - H_bb)^-1 R_b, where H is the hat matrix and R the residuals (the block form of the PRESS identity).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.ranking.basis import Basis

Scores = NDArray[np.float64]  # (samples, classes)
PENALTIES = 10.0 ** np.arange(-3, 4)  # in units of the mean squared singular value


@dataclass(frozen=True, slots=True)
class LinearHead:
    """A linear head on features as the network gives them: scores = features @ weight + bias."""

    weight: NDArray[np.float64]  # (width, classes)
    bias: NDArray[np.float64]  # (classes,)

    @classmethod
    def on_basis(cls, basis: Basis, coordinates: NDArray[np.float64], bias: NDArray[np.float64]) -> "LinearHead":
        """Fold centring, scale and basis into the weights; `coordinates` are (rank, classes)."""
        weight = basis.right @ coordinates / basis.scale
        return cls(weight, bias - basis.mean @ weight)

    def scores(self, features: NDArray[np.floating]) -> Scores:
        """Scores of any features: (samples, classes)."""
        result: Scores = np.asarray(features, np.float64) @ self.weight + self.bias
        return result


def one_hot(labels: NDArray[np.int32], classes: int) -> NDArray[np.float64]:
    """Labels as rows of zeros with a one: (samples, classes)."""
    targets = np.zeros((len(labels), classes))
    targets[np.arange(len(labels)), labels] = 1
    return targets


def fit_ridge(basis: Basis, labels: NDArray[np.int32], classes: int, penalty: float) -> LinearHead:
    """The head for one penalty (in units of squared singular values), with an unpenalised bias."""
    coordinates = basis.moments(labels, classes) / (basis.squares + penalty)[:, None]
    return LinearHead.on_basis(basis, coordinates, np.bincount(labels, minlength=classes) / len(labels))


def cross_validate(
    basis: Basis, targets: Scores, penalty: float, folds: NDArray[np.int32], moments: Scores | None = None
) -> Scores:
    """Out-of-fold scores averaged over repeats; NaN for samples that are in no fold.

    Equal to refitting without each fold, at the cost of one small linear system per fold. `moments` are U^T (Y - mean
    Y), (rank, classes), where the caller knows them.
    """
    from scipy.linalg import solve

    left = basis.left  # (samples, rank)
    shrink = basis.squares / (basis.squares + penalty)
    mean = targets.mean(axis=0)
    if moments is None:
        moments = left.T @ (targets - mean)
    residuals = targets - mean - left @ (shrink[:, None] * moments)
    total = np.zeros_like(targets)
    for repeat in folds:
        for fold in range(int(repeat.max()) + 1):
            rows = np.flatnonzero(repeat == fold)
            block = left[rows] * np.sqrt(shrink)
            apart = np.eye(len(rows)) - (block @ block.T + 1 / len(targets))  # symmetric and positive: half the work
            total[rows] += targets[rows] - solve(apart, residuals[rows], assume_a="pos", check_finite=False)
    scores = total / len(folds)
    scores[folds[0] < 0] = np.nan
    return scores

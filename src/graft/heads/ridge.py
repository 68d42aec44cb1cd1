"""Ridge regression on one-hot labels for a whole grid of penalties, with exact cross-validation by the block formula.

For a fold b, the predictions of a model that never saw b follow from the one fitted on everything:
P_b = Y_b - (I - H_bb)^-1 R_b, where H is the hat matrix and R the residuals (the block form of the PRESS identity).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis

Scores = NDArray[np.float64]  # (samples, outputs)
Targets = NDArray[Any]  # (samples,) numbers of classes, or (samples, outputs) numbers
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


def fit_ridge_to(basis: Basis, targets: Scores, penalty: float) -> LinearHead:
    """The head for one penalty, fitted to any numbers (samples, outputs), with an unpenalised bias."""
    mean = targets.mean(axis=0)
    coordinates = basis.moments_of(targets - mean) / (basis.squares + penalty)[:, None]
    return LinearHead.on_basis(basis, coordinates, mean)


def fit_ridge(basis: Basis, labels: NDArray[np.int32], classes: int, penalty: float) -> LinearHead:
    """The head for one penalty (in units of squared singular values), with an unpenalised bias."""
    coordinates = basis.moments(labels, classes) / (basis.squares + penalty)[:, None]
    return LinearHead.on_basis(basis, coordinates, np.bincount(labels, minlength=classes) / len(labels))


def cross_validate(
    basis: Basis, targets: Scores, penalties: Sequence[float], folds: NDArray[np.int32], moments: Scores | None = None
) -> NDArray[np.float64]:
    """Out-of-fold scores for each penalty and repeat, (penalties, repeats, samples, classes); NaN where in no fold.

    Equal to refitting without each fold, at the cost of one small linear system per fold and penalty. `moments` are
    U^T (Y - mean Y), (rank, classes), where the caller knows them.
    """
    left = basis.left  # (samples, rank)
    mean = targets.mean(axis=0)
    if moments is None:
        moments = left.T @ (targets - mean)
    shrinks = [basis.squares / (basis.squares + penalty) for penalty in penalties]
    scores = np.empty((len(shrinks), len(folds), *targets.shape))
    for one, shrink in enumerate(shrinks):
        scores[one] = targets - mean - left @ (shrink[:, None] * moments)  # residuals, until their fold comes
    for number, repeat in enumerate(folds):
        for fold in np.unique(repeat[repeat >= 0]):  # of a subset, some folds may be empty
            rows = np.flatnonzero(repeat == fold)
            block = np.column_stack([left[rows], np.full(len(rows), len(targets) ** -0.5)])  # the bias never shrinks
            gram = _square(block.T) if len(rows) > block.shape[1] else None
            for one, shrink in enumerate(shrinks):
                weights = np.sqrt(np.append(shrink, 1.0))
                scores[one, number, rows] = targets[rows] - _apart(block, weights, gram, scores[one, number, rows])
        scores[:, number, repeat < 0] = np.nan
    return scores


def _apart(
    block: NDArray[np.float64], weights: NDArray[np.float64], gram: NDArray[np.float64] | None, residuals: Scores
) -> Scores:
    """(I - B B^T)^-1 R for the weighted rows B of a fold, by the smaller of the two systems that give it.

    Both are symmetric and positive. With more rows than columns it is R + B (I - B^T B)^-1 B^T R (Woodbury's identity),
    and B^T B follows for every penalty from the same `gram`.
    """
    weighted = block * weights
    if gram is None:
        return _solved(_square(weighted), residuals)
    inner = _solved(gram * weights * weights[:, None], weighted.T @ residuals)
    return np.asarray(residuals + weighted @ inner)


def _square(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A A^T, its upper triangle alone."""
    from scipy.linalg.blas import dsyrk  # numpy has a BLAS of its own: its threads and these would wait for each other

    return np.asarray(dsyrk(1.0, rows) if rows.flags.f_contiguous else dsyrk(1.0, rows.T, trans=1))


def _solved(square: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """(I - S)^-1 R for a symmetric S below I, of which the upper triangle is given."""
    from scipy.linalg.lapack import dposv

    np.negative(square, out=square)
    square[np.diag_indices(len(square))] += 1
    _, result, failed = dposv(square, right, lower=0)
    if failed:
        raise np.linalg.LinAlgError("a fold whose rows alone span what is penalised")
    return np.asarray(result)

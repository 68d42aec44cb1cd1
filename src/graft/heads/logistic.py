"""Multinomial logistic regression on features in their singular basis, where a few dozen steps are enough."""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis
from graft.heads.ridge import LinearHead, one_hot

PENALTY_PER_FEATURE = 0.1  # the L2 penalty is this times the number of features, for features of unit mean square
TYPICAL_CURVATURE = 1 / 30  # of the loss along a direction, per unit of variance: it only sets the step sizes
STEPS = 300


def fit_logistic(
    basis: Basis, labels: NDArray[np.int32], classes: int, rows: NDArray[np.intp], near: LinearHead | None = None
) -> LinearHead:
    """A head that minimises cross-entropy summed over `rows` of the basis plus an L2 penalty, by L-BFGS.

    It begins at zero, or at a head that is known to lie `near`, from where fewer steps are left. Directions are
    rescaled by their expected curvature, so that strong and weak ones converge together.
    """
    from scipy.optimize import minimize

    penalty = PENALTY_PER_FEATURE * len(basis.mean)
    scale = 1 / np.sqrt(basis.squares * TYPICAL_CURVATURE + penalty)
    room = np.empty((len(rows), len(basis.squares)), np.float32)
    inputs = basis.project_into(basis.features[rows], room, scale)  # (rows, rank)
    wanted = one_hot(labels[rows], classes).astype(np.float32)  # (rows, classes)
    decay = (penalty * scale**2).astype(np.float32)[:, None]
    shape = (inputs.shape[1] + 1, classes)

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(shape).astype(np.float32)
        weight, bias = parameters[:-1], parameters[-1]
        logits = inputs @ weight + bias
        top = logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits - top)
        total = exponentials.sum(axis=1, keepdims=True)
        losses = np.log(total) + top - (logits * wanted).sum(axis=1, keepdims=True)
        errors = exponentials / total - wanted
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

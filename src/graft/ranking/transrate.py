"""TransRate: how many nats more all features together need to be coded than those of each class do."""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis

DISTORTION = 1e-4


def transrate(basis: Basis, labels: NDArray[np.int32], classes: int) -> float:
    """R(Z) - sum_c n_c/n R(Z_c), with R(Z) = 1/2 log det(I + Z^T Z / (n distortion)) (Huang et al. 2022); 0 or more.

    Classes weigh by their size; some implementations weigh them alike, which is the same only where they are.
    """
    count = len(labels)
    total = 0.5 * np.log1p(basis.squares / (count * DISTORTION)).sum()
    within = 0.0
    for label in range(classes):
        rows = basis.left[labels == label] * np.sqrt(basis.squares)
        if len(rows):
            within += len(rows) / count * _rate(rows)
    return float(total - within)


def _rate(rows: NDArray[np.float64]) -> float:
    """The coding rate of some rows, by the smaller of their two Gram matrices."""
    gram = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    sign, value = np.linalg.slogdet(np.eye(len(gram)) + gram / (len(rows) * DISTORTION))
    return 0.5 * float(sign * value)

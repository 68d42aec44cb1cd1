"""The H-score: how far apart the classes lie in units of the features' own spread, shrunk so that it cannot cheat."""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis


def h_score(basis: Basis, labels: NDArray[np.int32], classes: int, shrinkage: float = 0.0) -> float:
    """tr(cov_a^-1 (1 - a) cov(E[f|y])) with cov_a = (1 - a) cov + a mean(diag cov) I, from 0 to classes - 1.

    Without shrinkage it is the H-score (Bao et al. 2019), which equals Pillai's trace and reaches its upper bound for
    any features as soon as the width reaches the number of samples; with it, that of Ibrahim et al. (2021).
    """
    count, width = basis.features.shape
    variances = basis.squares / count
    shrunk = (1 - shrinkage) * variances + shrinkage * variances.sum() / width
    sums = basis.moments(labels, classes)  # (rank, classes)
    members = np.maximum(np.bincount(labels, minlength=classes), 1)
    between = (sums**2 / members).sum(axis=1) / count  # the diagonal of cov(E[f|y]) along the right vectors
    return float((1 - shrinkage) * (between / shrunk).sum())


def ledoit_wolf_shrinkage(basis: Basis) -> float:
    """The shrinkage of the covariance with the least expected error, from 0 to 1 (Ledoit and Wolf 2004)."""
    count, width = basis.features.shape
    variances = basis.squares / count
    fourth = float((basis.energy**2).sum()) / count  # the mean of |x|^4
    spread = float((variances**2).sum())
    target = float(variances.sum()) / width
    away = (spread - 2 * target * float(variances.sum()) + width * target**2) / width
    noise = min(away, (fourth - spread) / (width * count))
    return 0.0 if away <= 0 else max(0.0, noise / away)


def shrunk_h_score(basis: Basis, labels: NDArray[np.int32], classes: int) -> float:
    """The H-score under Ledoit and Wolf's shrinkage, over its upper bound: from 0 to 1."""
    return h_score(basis, labels, classes, ledoit_wolf_shrinkage(basis)) / max(1, classes - 1)

"""GBC: how much the classes overlap, each seen as a Gaussian cloud."""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis

DIRECTIONS = 64  # principal ones, as in the paper
LEAST_VARIANCE = 1e-6  # of a cloud along a direction, where that of all samples is 1


def gbc(basis: Basis, labels: NDArray[np.int32], classes: int) -> float:
    """Minus the sum over ordered pairs of classes of exp(-Bhattacharyya distance) (Pandy et al. 2022).

    From -classes (classes - 1), where all clouds are the same, to 0, where none touch; diagonal covariances. A class
    without samples has no cloud.
    """
    points = basis.left[:, :DIRECTIONS] * np.sqrt(len(labels))  # unit variance along each direction
    members = np.bincount(labels, minlength=classes)
    there = np.flatnonzero(members)
    means = np.stack([points[labels == label].mean(axis=0) for label in there])
    spreads = np.stack([points[labels == label].var(axis=0) for label in there]) + LEAST_VARIANCE
    total = 0.0
    for number in range(len(there)):
        both = (spreads + spreads[number]) / 2
        apart = ((means - means[number]) ** 2 / both).sum(axis=1) / 8
        unlike = (np.log(both) - (np.log(spreads) + np.log(spreads[number])) / 2).sum(axis=1) / 2
        overlap = np.exp(-(apart + unlike))
        total -= float(overlap.sum() - overlap[number])
    return total

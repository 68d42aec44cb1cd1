"""LogME: the evidence of a Bayesian linear model from features to each class (You et al. 2021), on centred features."""

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis

COARSE = np.linspace(-12, 14, 53)  # of the logarithm of alpha / beta, where the optimum is looked for first
GOLDEN = (5**0.5 - 1) / 2
ROUNDS = 60  # of golden section: the bracket shrinks below 1e-11


def log_evidence(basis: Basis, labels: NDArray[np.int32], classes: int) -> float:
    """The mean over classes of max over a, b of log N(y; 0, I / b + F F^T / a) / samples.

    For a given ratio a / b the best b is known in closed form, so one number per class is searched for, in all classes
    at once. Never compare it between data sets: it rises with the number of classes.
    """
    return float(np.mean(_best(basis, labels, classes)[0]))


def _best(basis: Basis, labels: NDArray[np.int32], classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The evidence of each class and the logarithm of its a / b: (classes,) each."""
    count = len(labels)
    squares = basis.squares[:, None]  # (rank, 1)
    projected = (basis.moments(labels, classes) ** 2) / squares  # (U^T y)^2: (rank, classes)
    power = np.bincount(labels, minlength=classes).astype(float)  # |y|^2 of a one-hot column
    outside = np.maximum(power - projected.sum(axis=0), 0)

    def evidence(log_ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = np.exp(log_ratio)  # (classes,)
        # |y - F m|^2 + ratio |m|^2 at the posterior mean m
        error = outside + (projected * ratio / (squares + ratio)).sum(axis=0)
        beta = count / np.maximum(error, 1e-300)
        volume = np.log1p(squares / ratio).sum(axis=0)
        result: NDArray[np.float64] = (np.log(beta) - np.log(2 * np.pi) - 1) / 2 - volume / (2 * count)
        return result

    coarse = COARSE[:, None] + np.log(basis.squares.mean())
    table = np.stack([evidence(np.broadcast_to(row, (classes,))) for row in coarse])
    middle = coarse[table.argmax(axis=0), 0]
    low, high = middle - 0.5, middle + 0.5
    inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_inner, at_outer = evidence(inner), evidence(outer)
    for _ in range(ROUNDS):
        left = at_inner > at_outer  # the optimum lies left of `outer`
        low, high = np.where(left, low, inner), np.where(left, outer, high)
        new_inner, new_outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        inner, outer = np.where(left, new_inner, outer), np.where(left, inner, new_outer)
        tried = evidence(np.where(left, inner, outer))
        at_inner, at_outer = np.where(left, tried, at_outer), np.where(left, at_inner, tried)
    return np.maximum(at_inner, at_outer), (low + high) / 2

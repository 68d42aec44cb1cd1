"""One number that turns scores into honest probabilities: softmax(scores / temperature)."""

import numpy as np
from numpy.typing import NDArray

LOG_RANGE = (-8.0, 8.0)


def softmax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    shifted = np.asarray(scores, np.float64) - scores.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def log_loss(scores: NDArray[np.floating], labels: NDArray[np.int32], temperature: float = 1.0) -> float:
    """Mean negative log-probability of the true class under softmax(scores / temperature)."""
    scaled = np.asarray(scores, np.float64) / temperature
    top = scaled.max(axis=1)
    total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((total - scaled[np.arange(len(labels)), labels]).mean())


def fit_temperature(scores: NDArray[np.floating], labels: NDArray[np.int32]) -> tuple[float, float]:
    """The temperature with the least log-loss, and that log-loss (Guo et al. 2017, one parameter)."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: log_loss(scores, labels, float(np.exp(log))), bounds=LOG_RANGE, method="bounded"
    )
    return float(np.exp(found.x)), float(found.fun)

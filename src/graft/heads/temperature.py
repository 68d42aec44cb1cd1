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
    """The temperature with the least log-loss, and that log-loss (Guo et al. 2017, one parameter).

    The targets are smoothed by 2 / (samples + 2), after Platt (1999): without it a few samples that are all right
    would make the model certain of everything.
    """
    from scipy.optimize import minimize_scalar

    smoothing = 2 / (len(labels) + 2)

    def objective(log: float) -> float:
        scaled = np.asarray(scores, np.float64) / np.exp(log)
        uniform = float((np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1))).mean())
        uniform += float((scaled.max(axis=1) - scaled.mean(axis=1)).mean())
        return (1 - smoothing) * log_loss(scaled, labels) + smoothing * uniform

    found = minimize_scalar(objective, bounds=LOG_RANGE, method="bounded")
    temperature = float(np.exp(found.x))
    return temperature, log_loss(scores, labels, temperature)

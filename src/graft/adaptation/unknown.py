"""When a model should say that it is not sure: the sample may be of none of its classes."""

import numpy as np
from numpy.typing import NDArray

DOUBTED = 0.05  # of the samples of known classes


def unknown_threshold(held_out: NDArray[np.float64]) -> float:
    """The unknown score that 5% of known samples exceed, from probabilities (samples, classes) of held-out ones.

    The score is 1 minus the highest probability (Hendrycks & Gimpel 2017).
    """
    return float(np.quantile(1 - held_out.max(axis=1), 1 - DOUBTED))

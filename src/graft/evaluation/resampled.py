"""Intervals of any figure by drawing units anew: samples, or whole groups of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graft.evaluation.intervals import Units, widening
from graft.records import Interval

MOST_DRAWS, LEAST_DRAWS = 1000, 100
WORK = 2e8  # draws x samples x outputs that take a few seconds


def draws_of(units: Units, outputs: int = 1) -> NDArray[np.float64]:
    """How often each sample is drawn: (draws, samples), the same every time; fewer draws where there is much."""
    count = int(np.clip(WORK / (len(units.numbers) * outputs), LEAST_DRAWS, MOST_DRAWS))
    drawn = np.random.default_rng(0).multinomial(units.count, np.full(units.count, 1 / units.count), count)
    weights: NDArray[np.float64] = drawn[:, units.numbers].astype(np.float64)
    return weights


def interval(
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    weights: NDArray[np.float64],
    units: Units,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """A figure, (draws, samples) weights -> (draws,), with the percentiles of its draws as a 95% interval.

    Percentiles of few groups are moved out, see `intervals.widening`. Draws where the figure has no value are left out;
    where it has none at all (the variance that is explained of a constant, say) it counts as 0, as scikit-learn has it.
    """
    value = float(figure(np.ones((1, weights.shape[1])))[0])
    drawn = figure(weights)
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Interval(0.0, 0.0, 0.0)
    low, high = value + widening(units) * (np.percentile(drawn, (2.5, 97.5)) - value)
    return Interval(value, max(bounds[0], min(float(low), value)), min(bounds[1], max(float(high), value)))

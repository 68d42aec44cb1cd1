"""Label efficiency: how many labels a pretrained network saves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.heads.folds import rank_in_class

SIZES = (5, 10, 20, 50, 100)  # samples a class; all of them come last
DRAWS = 5
RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class Curve:
    """Right answers of classifiers made from ever more labels: for each size, (draws, judged samples)."""

    sizes: tuple[int, ...]  # labels in all
    right: tuple[NDArray[Any], ...]

    @property
    def accuracies(self) -> tuple[float, ...]:
        return tuple(float(one.mean()) for one in self.right)


def subsets(labels: NDArray[np.int32], seed: int) -> list[list[NDArray[np.intp]]]:
    """Nested stratified draws: for each size the rows of each draw. Sizes that change nothing are left out."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(labels)) for _ in range(DRAWS)]
    ranks = [rank_in_class(labels, order) for order in orders]
    counts = np.bincount(labels)
    sizes = [size for size in SIZES if size < counts.max()]
    return [[np.flatnonzero(rank < size) for rank in ranks] for size in sizes] + [[np.arange(len(labels))]]


def curve(strata: NDArray[np.int32], answer: Callable[[NDArray[np.intp]], NDArray[Any]], seed: int) -> Curve:
    """`answer` makes a model from some rows and says how right it is on each judged sample."""
    drawn = subsets(strata, seed)
    right = tuple(np.stack([answer(rows) for rows in draws]) for draws in drawn)
    return Curve(tuple(round(float(np.mean([len(rows) for rows in draws]))) for draws in drawn), right)


def labels_to_reach(sizes: Sequence[int], accuracies: Sequence[float], wanted: float) -> float | None:
    """Where a curve first reaches an accuracy, between its sizes on a logarithmic scale; None where it does not.

    A curve that begins above it gives its first size: it may need fewer.
    """
    if accuracies[0] >= wanted:
        return float(sizes[0])
    for (below, low), (above, high) in zip(
        zip(sizes, accuracies, strict=True), zip(sizes[1:], accuracies[1:], strict=True), strict=False
    ):
        if high >= wanted > low:
            share = (wanted - low) / (high - low)
            return float(np.exp(np.log(below) + share * (np.log(above) - np.log(below))))
    return None


@dataclass(frozen=True, slots=True)
class Saved:
    """How many times fewer labels one way needs to be as good as another with all of them; 95% interval."""

    times: float
    low: float
    high: float
    at_least: bool  # the smallest size already was as good, so that it may be more


def saved(way: Curve, rival: NDArray[Any], labels: int, seed: int) -> Saved | None:
    """Compare a curve with a rival's right answers, (seeds, judged), from all labels; None where it never gets there.

    The interval comes from drawing judged samples and draws of labels anew; where more than one in forty of these
    never reach the rival, it has no upper or lower end worth telling, and there is no answer.
    """
    reached = labels_to_reach(way.sizes, way.accuracies, float(rival.mean()))
    if reached is None:
        return None
    rng = np.random.default_rng(seed)
    ratios = []
    for _ in range(RESAMPLED):
        rows = rng.integers(rival.shape[1], size=rival.shape[1])
        draws = [one[rng.integers(len(one), size=len(one))][:, rows].mean() for one in way.right]
        found = labels_to_reach(way.sizes, draws, float(rival[:, rows].mean()))
        ratios.append(labels / found if found else 0.0)
    low, high = np.quantile(ratios, [0.025, 0.975])
    if low == 0:
        return None
    return Saved(labels / reached, float(low), float(high), reached == way.sizes[0])

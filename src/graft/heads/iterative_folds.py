"""Dealing samples that have several labels each, so that every share gets its part of every label."""

import numpy as np
from numpy.typing import NDArray

MOST_FOLDS = 10


def deal(labels: NDArray[np.floating], shares: NDArray[np.float64], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The share of each unit, (units,), by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011).

    `labels` (units, labels) counts how often a unit has each label, `sizes` (units,) its samples, `shares` sum to 1.
    The label with fewest units left is dealt first, its units in their order: each to the share that wants most of
    that label, or else most samples.
    """
    found = np.full(len(labels), -1, np.intp)
    wanted = shares[:, None] * labels.sum(axis=0)  # (shares, labels)
    room = shares * sizes.sum()
    units_of = [np.flatnonzero(column) for column in labels.T]
    left = np.array([len(units) for units in units_of])
    while (left > 0).any():
        label = int(np.where(left > 0, left, np.iinfo(np.intp).max).argmin())
        for unit in units_of[label]:
            if found[unit] < 0:
                best = np.lexsort((-room, -wanted[:, label]))[0]
                found[unit] = best
                own = np.flatnonzero(labels[unit])
                wanted[best, own] -= labels[unit, own]
                room[best] -= sizes[unit]
                left[own] -= 1
        left[label] = 0
    for unit in np.flatnonzero(found < 0):  # those without any label
        best = int(room.argmax())
        found[unit] = best
        room[best] -= sizes[unit]
    return found


def in_units(
    labels: NDArray[np.floating], groups: NDArray[np.intp] | None
) -> tuple[NDArray[np.floating], NDArray[np.intp], NDArray[np.intp]]:
    """Labels and samples of each unit, and the unit of each sample: a group, or the sample itself."""
    if groups is None:
        return labels, np.ones(len(labels), np.intp), np.arange(len(labels))
    numbers = np.unique(groups, return_inverse=True)[1]
    summed = np.zeros((int(numbers.max()) + 1, labels.shape[1]))
    np.add.at(summed, numbers, labels)
    return summed, np.bincount(numbers), numbers


def iterative_folds(labels: NDArray[np.bool_], groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
    """Fold numbers for each repeat, (repeats, samples): as many repeats as `make_folds` gives, up to ten folds.

    -1 for all where there are fewer than two groups.
    """
    repeats = 3 if len(labels) < 500 else 2 if len(labels) < 2000 else 1
    summed, sizes, unit = in_units(labels.astype(float), groups)
    number = int(min(MOST_FOLDS, max(2, len(labels) // 10), len(sizes)))
    if number < 2:
        return np.full((repeats, len(labels)), -1, np.int32)
    folds = np.empty((repeats, len(labels)), np.int32)
    for repeat in range(repeats):
        order = np.random.default_rng((seed, repeat)).permutation(len(sizes))
        dealt = np.empty(len(sizes), np.int32)
        dealt[order] = deal(summed[order], np.full(number, 1 / number), sizes[order])
        folds[repeat] = dealt[unit]
    return folds

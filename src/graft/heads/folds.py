"""Cross-validation folds: stratified, grouped where samples belong together, the same for every candidate."""

import warnings

import numpy as np
from numpy.typing import NDArray

MOST_FOLDS = 10


def make_folds(labels: NDArray[np.int32], groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
    """Fold numbers for each repeat: (repeats, samples); -1 marks samples that are only ever trained on.

    As many folds as the smallest class has samples, at least 2 and at most 10, so that each fold takes the same
    number from each class; a class with one sample stays in training. Three repeats below 500 samples, two below
    2,000, one above.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = np.bincount(labels)
    single = counts[labels] < 2
    usable = np.flatnonzero(~single)
    repeats = 3 if len(labels) < 500 else 2 if len(labels) < 2000 else 1
    folds = np.full((repeats, len(labels)), -1, dtype=np.int32)
    if len(usable) == 0:
        return folds
    least = int(counts[counts >= 2].min())
    if groups is not None:
        least = min(least, len(np.unique(groups[usable])))
        if least < 2:
            return folds
    number = int(np.clip(least, 2, MOST_FOLDS))
    dealer = StratifiedKFold if groups is None else StratifiedGroupKFold
    for repeat in range(repeats):
        split = dealer(n_splits=number, shuffle=True, random_state=seed + repeat)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # groups may leave a class in fewer folds than asked for
            parts = split.split(usable, labels[usable], None if groups is None else groups[usable])
            for fold, (_, rows) in enumerate(parts):
                folds[repeat, usable[rows]] = fold
    return folds


def stratified_rank(labels: NDArray[np.int32], seed: int) -> NDArray[np.float64]:
    """A random place from 0 to 1 for each sample, evenly spread within its class: (samples,)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return rank_in_class(labels, order) / np.bincount(labels)[labels]


def rank_in_class(labels: NDArray[np.int32], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """The place of each sample among those of its class, in an order: (samples,), from 0."""
    rank = np.empty(len(labels), np.intp)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        rank[rows] = np.arange(len(rows))
    return rank

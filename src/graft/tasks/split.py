"""Dealing samples to train, val and test: stratified, the same for the same seed, groups kept together."""

import hashlib
import warnings

import numpy as np
from numpy.typing import NDArray

from graft.dataset.dataset import Dataset
from graft.errors import DataError, plural
from graft.records import PARTS

VAL_SHARE = 0.1
TEST_SHARE = 0.2


def make_split(dataset: Dataset, strata: NDArray[np.int32], seed: int) -> NDArray[np.uint8]:
    """Deal every sample to a part: about 70% train, 10% val and 20% test of each stratum, at least one in each.

    Without groups a sample's place depends on its content, so adding or renaming files leaves most others in place.
    """
    return _grouped(dataset, strata, seed) if dataset.has_groups else _stratified(dataset, strata, seed)


def _stratified(dataset: Dataset, strata: NDArray[np.int32], seed: int) -> NDArray[np.uint8]:
    parts = np.zeros(len(dataset), dtype=np.uint8)
    order = np.array([draw(seed, dataset.key(row)) for row in range(len(dataset))])
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        rows = rows[np.argsort(order[rows], kind="stable")]
        test = max(1, round(TEST_SHARE * len(rows)))
        val = max(1, round(VAL_SHARE * len(rows)))
        parts[rows[:test]] = PARTS.index("test")
        parts[rows[test : test + val]] = PARTS.index("val")
    return parts


def _grouped(dataset: Dataset, strata: NDArray[np.int32], seed: int) -> NDArray[np.uint8]:
    from sklearn.model_selection import StratifiedGroupKFold

    groups = enough_groups(dataset)
    folds = int(min(10, groups.max() + 1, np.bincount(strata).max()))
    parts = np.zeros(len(dataset), dtype=np.uint8)
    dealer = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a stratum may have fewer samples than there are folds
        dealt = list(dealer.split(parts, strata, groups))
    return parts_of_folds([rows for _, rows in dealt], parts)


def enough_groups(dataset: Dataset) -> NDArray[np.intp]:
    """The number of each sample's group; raises `DataError` where they are too few for three parts."""
    names, groups = np.unique(np.array(dataset.groups), return_inverse=True)
    if len(names) < 3:
        raise DataError(
            dataset.root, [f"--group finds {plural(len(names), 'group')}. Train, val and test need at least 3 groups."]
        )
    return groups


def parts_of_folds(folds: list[NDArray[np.intp]], parts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first folds become the test part, the next the val part, at least one each."""
    for fold, rows in enumerate(folds):
        if fold < max(1, round(TEST_SHARE * len(folds))):
            parts[rows] = PARTS.index("test")
        elif fold < max(2, round((TEST_SHARE + VAL_SHARE) * len(folds))):
            parts[rows] = PARTS.index("val")
    return parts


def draw(seed: int, key: bytes) -> int:
    """A number that follows from a seed and a content alone."""
    return int.from_bytes(hashlib.sha256(str(seed).encode() + key).digest()[:8], "big") >> 1

"""Dealing samples to train, val and test: stratified by class, the same for the same seed, groups kept together."""

import hashlib
import warnings

import numpy as np
from numpy.typing import NDArray

from graft.data.dataset import Dataset
from graft.errors import DataError, plural
from graft.records import PARTS

VAL_SHARE = 0.1
TEST_SHARE = 0.2


def make_split(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """Deal every sample to a part: about 70% train, 10% val and 20% test of each class, at least one in each.

    Without groups a sample's place depends on its content, so adding or renaming files leaves most others in place.
    """
    return _grouped(dataset, seed) if dataset.has_groups else _stratified(dataset, seed)


def _stratified(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    parts = np.zeros(len(dataset), dtype=np.uint8)
    order = np.array([_draw(seed, dataset.key(row)) for row in range(len(dataset))])
    for label in range(len(dataset.classes)):
        rows = np.flatnonzero(dataset.labels == label)
        rows = rows[np.argsort(order[rows], kind="stable")]
        test = max(1, round(TEST_SHARE * len(rows)))
        val = max(1, round(VAL_SHARE * len(rows)))
        parts[rows[:test]] = PARTS.index("test")
        parts[rows[test : test + val]] = PARTS.index("val")
    return parts


def _grouped(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    from sklearn.model_selection import StratifiedGroupKFold

    names, groups = np.unique(np.array(dataset.groups), return_inverse=True)
    if len(names) < 3:
        raise DataError(
            dataset.root, [f"--group finds {plural(len(names), 'group')}. Train, val and test need at least 3 groups."]
        )
    folds = int(min(10, len(names), np.bincount(dataset.labels).max()))
    parts = np.zeros(len(dataset), dtype=np.uint8)
    dealer = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class may have fewer samples than there are folds
        dealt = list(dealer.split(parts, dataset.labels, groups))
    for fold, (_, rows) in enumerate(dealt):
        if fold < max(1, round(TEST_SHARE * folds)):
            parts[rows] = PARTS.index("test")
        elif fold < max(2, round((TEST_SHARE + VAL_SHARE) * folds)):
            parts[rows] = PARTS.index("val")
    return parts


def _draw(seed: int, key: bytes) -> int:
    return int.from_bytes(hashlib.sha256(str(seed).encode() + key).digest()[:8], "big") >> 1

"""Nearest neighbours: what the features say with no head at all."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = (1, 5, 20)
CHUNK = 1024


def cosines(features: NDArray[np.floating], asked: NDArray[np.floating]) -> NDArray[np.float32]:
    """The cosine of each row that is asked about with every row of features: (asked, samples).

    `features` are (samples, width), which may lie on disk, and `asked` (asked, width).
    """
    wanted = _of_length_one(asked)
    found = np.empty((len(asked), len(features)), np.float32)
    for start in range(0, len(features), CHUNK):
        found[:, start : start + CHUNK] = wanted @ _of_length_one(features[start : start + CHUNK]).T
    return found


def _of_length_one(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    rows = np.asarray(rows, np.float32)
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def knn_accuracy(
    features: NDArray[np.floating], labels: NDArray[np.int32], classes: int, held_out: NDArray[np.intp] | None = None
) -> tuple[int, float]:
    """The best number of neighbours among 1, 5 and 20, with its accuracy, by cosine and weighted by closeness.

    Judged on the `held_out` samples with all others as neighbours; without them by leaving one out.
    """
    if held_out is None:
        apart = np.arange(len(labels))
    else:
        apart = np.full(len(labels), -1)
        apart[held_out] = 0
    right, asked = _right_answers(features, labels, classes, apart)
    best = max(right, key=lambda k: right[k])
    return best, right[best] / asked


def folded_knn_accuracy(
    features: NDArray[np.floating], labels: NDArray[np.int32], classes: int, folds: NDArray[np.int32]
) -> float:
    """The best accuracy among 1, 5 and 20 neighbours, each sample judged by those of other folds.

    Samples in no fold (-1) are neighbours only.
    """
    right, asked = _right_answers(features, labels, classes, folds)
    return max(right.values()) / asked


def _right_answers(
    features: NDArray[np.floating], labels: NDArray[np.int32], classes: int, apart: NDArray[np.integer]
) -> tuple[dict[int, int], int]:
    """Right answers for each number of neighbours, and how many samples were asked about.

    A sample's neighbours are those with another number in `apart`; those with -1 are not asked about.
    """
    rows = np.asarray(features, np.float32)
    rows = _of_length_one(rows - rows.mean(axis=0))
    asked = np.flatnonzero(apart >= 0)
    largest = int(np.bincount(apart[asked]).max())
    most = min(NEIGHBOURS[-1], len(rows) - largest)
    right = dict.fromkeys([k for k in NEIGHBOURS if k <= most] or [most], 0)
    for start in range(0, len(asked), CHUNK):
        part = asked[start : start + CHUNK]
        closeness = rows[part] @ rows.T
        closeness[apart[part][:, None] == apart[None, :]] = -np.inf
        nearest = np.argpartition(-closeness, most - 1, axis=1)[:, :most]
        near = np.take_along_axis(closeness, nearest, axis=1)
        order = np.argsort(-near, axis=1, kind="stable")
        nearest, near = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(near, order, axis=1)
        weights = np.maximum(near, 0) + 1e-6
        for k in right:
            votes = np.zeros((len(part), classes))
            np.add.at(votes, (np.arange(len(part))[:, None], labels[nearest[:, :k]]), weights[:, :k])
            right[k] += int((votes.argmax(axis=1) == labels[part]).sum())
    return right, len(asked)

"""Nearest neighbours: what the features say with no head at all."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = (1, 5, 20)
CHUNK = 1024


def knn_accuracy(
    features: NDArray[np.floating], labels: NDArray[np.int32], classes: int, held_out: NDArray[np.intp] | None = None
) -> tuple[int, float]:
    """The best number of neighbours among 1, 5 and 20, with its accuracy, by cosine and weighted by closeness.

    Judged on the `held_out` samples with all others as neighbours; without them by leaving one out.
    """
    rows = np.asarray(features, np.float32)
    rows = rows - rows.mean(axis=0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    asked = np.arange(len(rows)) if held_out is None else held_out
    known = np.arange(len(rows)) if held_out is None else np.setdiff1d(np.arange(len(rows)), held_out)
    most = min(NEIGHBOURS[-1], len(known) - (held_out is None))
    right = dict.fromkeys([k for k in NEIGHBOURS if k <= most] or [most], 0)
    for start in range(0, len(asked), CHUNK):
        part = asked[start : start + CHUNK]
        closeness = rows[part] @ rows[known].T
        if held_out is None:
            closeness[np.arange(len(part)), part] = -np.inf
        nearest = np.argsort(-closeness, axis=1, kind="stable")[:, :most]
        weights = np.maximum(np.take_along_axis(closeness, nearest, axis=1), 0) + 1e-6
        for k in right:
            votes = np.zeros((len(part), classes))
            np.add.at(votes, (np.arange(len(part))[:, None], labels[known[nearest[:, :k]]]), weights[:, :k])
            right[k] += int((votes.argmax(axis=1) == labels[part]).sum())
    best = max(right, key=lambda k: right[k])
    return best, right[best] / len(asked)

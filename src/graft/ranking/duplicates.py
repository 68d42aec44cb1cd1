"""Near duplicates: samples so alike that one tells the other's label, which must share a fold."""

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.98  # cosine between centred features
MOST_ALIKE = 10  # samples: more of them are not copies of one, but what a class looks like to this network
CHUNK = 1024


def merge_near_duplicates(features: NDArray[np.floating], groups: NDArray[np.intp] | None) -> NDArray[np.intp] | None:
    """Group numbers in which near duplicates, and what given groups hold together, are together: (samples,).

    None where nothing belongs together.
    """
    count = len(features)
    links = _alike(features)
    numbers = _components(links, count)
    links = links[:, np.bincount(numbers)[numbers[links[0]]] <= MOST_ALIKE]
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        same = groups[order][1:] == groups[order][:-1]
        links = np.concatenate([links, np.stack([order[:-1][same], order[1:][same]])], axis=1)
    return _components(links, count) if links.size else None


def _alike(features: NDArray[np.floating]) -> NDArray[np.intp]:
    """Pairs of near duplicates: (2, pairs)."""
    rows = np.asarray(features, np.float32)
    rows = rows - rows.mean(axis=0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    pairs = [np.zeros((2, 0), np.intp)]
    for start in range(0, len(rows), CHUNK):
        here, there = np.nonzero(rows[start : start + CHUNK] @ rows[start:].T > ALIKE)
        apart = there > here
        pairs.append(np.stack([here[apart], there[apart]]) + start)
    return np.concatenate(pairs, axis=1)


def _components(links: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """The number of the connected component of each sample: (samples,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    table = coo_array((np.ones(links.shape[1], np.bool_), (links[0], links[1])), shape=(count, count))
    numbers: NDArray[np.intp] = connected_components(table, directed=False)[1].astype(np.intp)
    return numbers

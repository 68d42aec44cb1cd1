"""Centred and scaled features in the basis of their singular vectors, computed once and used by every head."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096


@dataclass(frozen=True)
class Basis:
    """X = U S V^T for X = (features - mean) / scale, kept as its right vectors and squared singular values."""

    features: NDArray[np.floating]  # (samples, width), may be memory-mapped
    mean: NDArray[np.float64]  # (width,)
    scale: float
    squares: NDArray[np.float64]  # (rank,)
    right: NDArray[np.float64]  # (width, rank)
    energy: NDArray[np.float64]  # (samples,), the squared length of each row of X

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> "Basis":
        """Centre, divide by the global root mean square (not per feature, which is unstable when samples are few).

        The decomposition is that of the smaller Gram matrix, summed over chunks, so a large matrix stays on disk.
        """
        count, width = features.shape
        mean = sum((chunk.sum(axis=0) for chunk in _chunks(features)), np.zeros(width)) / count
        energy = np.concatenate([((chunk - mean) ** 2).sum(axis=1) for chunk in _chunks(features)])
        scale = float(np.sqrt(energy.sum() / features.size)) or 1.0
        if count <= width:
            centred = (np.asarray(features, np.float64) - mean) / scale
            squares, left = _eigen(centred @ centred.T)
            right = (centred.T @ left) / np.sqrt(squares)
        else:
            gram = np.zeros((width, width))
            for chunk in _chunks(features):
                centred = (chunk - mean) / scale
                gram += centred.T @ centred
            squares, right = _eigen(gram)
        return cls(features, mean, scale, squares, right, energy / scale**2)

    @cached_property
    def left(self) -> NDArray[np.float64]:
        """U: (samples, rank)."""
        return self.project(self.features) / np.sqrt(self.squares)

    def project(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Coordinates of any features along the right vectors: (samples, rank)."""
        return self.project_into(features, np.empty((len(features), len(self.squares))))

    def project_into(self, features: NDArray[np.floating], room: NDArray[Any], weights: Any = 1.0) -> NDArray[Any]:
        """The same, times `weights` along each vector, in room of any precision, a few rows at a time."""
        for number, chunk in enumerate(_chunks(features)):
            place = slice(number * CHUNK, number * CHUNK + len(chunk))
            room[place] = ((chunk - self.mean) / self.scale) @ self.right * weights
        return room

    def moments(self, labels: NDArray[np.int32], classes: int) -> NDArray[np.float64]:
        """S U^T (Y - mean Y) for one-hot labels Y: (rank, classes).

        The features are centred, so the mean of Y falls out and only their sum in each class is needed.
        """
        sums = np.zeros((classes, len(self.mean)))
        for number, chunk in enumerate(_chunks(self.features)):
            np.add.at(sums, labels[number * CHUNK : number * CHUNK + len(chunk)], (chunk - self.mean) / self.scale)
        moments: NDArray[np.float64] = self.right.T @ sums.T
        return moments

    def moments_of(self, centred: NDArray[np.float64]) -> NDArray[np.float64]:
        """S U^T Y for targets Y whose mean is zero, (samples, outputs): (rank, outputs)."""
        sums = np.zeros((len(self.mean), centred.shape[1]))
        for number, chunk in enumerate(_chunks(self.features)):
            place = slice(number * CHUNK, number * CHUNK + len(chunk))
            sums += ((chunk - self.mean) / self.scale).T @ centred[place]
        moments: NDArray[np.float64] = self.right.T @ sums
        return moments


def _chunks(features: NDArray[np.floating]) -> Iterator[NDArray[np.float64]]:
    """Rows a few thousand at a time, in double precision."""
    for start in range(0, len(features), CHUNK):
        yield np.asarray(features[start : start + CHUNK], np.float64)


def _eigen(gram: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues above rounding, largest first, with their vectors."""
    from scipy.linalg import eigh

    values, vectors = eigh(gram, driver="evd", check_finite=False, overwrite_a=True)
    keep = values > values[-1] * 1e-12
    if not keep.any():
        keep[-1] = True  # constant features: one direction of no use, so that every shape stays right
        values = np.maximum(values, 1e-12)
    return values[keep][::-1], vectors[:, keep][:, ::-1]

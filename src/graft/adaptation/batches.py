"""What a training is fed with: activations that lie on disk, or samples decoded and varied as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.data import Dataset
from graft.errors import WorkError
from graft.heads.ridge import Targets
from graft.machine import usable_cores
from graft.modalities.modality import Modality, Prepared, UnreadableError
from graft.modalities.samples import opened
from graft.records import Preprocess

if TYPE_CHECKING:
    from torch import Tensor


ALIKE = 20  # steps among whose samples those of like size are put together


@dataclass(frozen=True, slots=True)
class Order:
    """Which samples a step takes: every epoch shows each of them once, in an order that follows from the seed.

    Where `sizes` are given, samples of like size come together, so that little is filled up; which of them they are
    still changes from epoch to epoch.
    """

    count: int
    size: int
    seed: int
    sizes: NDArray[np.intp] | None = None  # (count,)

    @property
    def per_epoch(self) -> int:
        """Steps of almost equal size, so that no step rests on a small remainder."""
        return -(-self.count // self.size)

    def of(self, step: int) -> tuple[int, NDArray[np.intp]]:
        """The epoch of a step, and the positions of its samples."""
        epoch, place = divmod(step, self.per_epoch)
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(self.count)
        if self.sizes is None:
            return epoch, np.array_split(order, self.per_epoch)[place]
        pools = np.array_split(order, max(1, self.per_epoch // ALIKE))
        order = np.concatenate([pool[np.argsort(self.sizes[pool], kind="stable")] for pool in pools])
        return epoch, np.array_split(order, self.per_epoch)[rng.permutation(self.per_epoch)[place]]


@dataclass(frozen=True)
class CachedBatches:
    """Random samples in random views, drawn from activations that lie memory-mapped on disk."""

    views: tuple[NDArray[np.float16], ...]  # (samples, flattened activations) each
    labels: Targets
    rows: NDArray[np.intp]  # of views and labels: those that are trained on
    shape: tuple[int, ...]
    order: Order  # of the rows

    @property
    def per_epoch(self) -> int:
        return self.order.per_epoch

    def batch(self, step: int) -> "tuple[Tensor, Tensor]":
        import torch

        epoch, positions = self.order.of(step)
        chosen = np.random.default_rng((self.order.seed, epoch, 1)).integers(len(self.views), size=len(self.rows))[
            positions
        ]
        rows = self.rows[positions]
        inputs = np.stack([self.views[view][row] for view, row in zip(chosen, rows, strict=True)])
        inputs = inputs.reshape(len(rows), *self.shape)
        if self.order.sizes is not None:
            inputs = without_filling(inputs)
        return torch.from_numpy(inputs).float(), torch.from_numpy(as_targets(self.labels[rows]))


def as_targets(targets: Targets) -> NDArray[Any]:
    """Targets as a loss takes them: classes, and yes or no, as whole numbers, others in single precision."""
    return targets.astype(np.float32 if np.issubdtype(targets.dtype, np.floating) else np.int64)


def sizes_of(activations: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """How many places of each sample are more than filling: (samples, flattened) of this shape -> (samples,)."""
    places = activations.reshape(len(activations), *shape)[..., -1] != 0  # an encoder's last value is 1 where one is
    found: NDArray[np.intp] = places.sum(axis=1)
    return found


def lengths_of(dataset: Dataset, rows: NDArray[np.intp], preprocess: Preprocess) -> NDArray[np.intp] | None:
    """How long each prepared sample is, where they differ in length: (rows,)."""
    modality = dataset.modality
    if None not in modality.shape(preprocess):
        return None
    view = partial(clean_view, modality, preprocess)
    return np.array([len(decoded(dataset, int(row), view, preprocess)) for row in rows])


def without_filling(activations: NDArray[Any]) -> NDArray[Any]:
    """(batch, places, values), cut after the last place that any of the batch has."""
    return activations[:, : max(1, int(sizes_of(activations, activations.shape[1:]).max()))]


@dataclass
class LiveBatches:
    """Samples decoded and varied anew in every epoch, the next step's while the present one trains."""

    dataset: Dataset
    rows: NDArray[np.intp]  # of the data set: those that are trained on
    preprocess: Preprocess
    order: Order  # of the rows
    pool: ThreadPoolExecutor
    varied: bool = True
    _ahead: "dict[int, list[Future[Prepared]]]" = field(default_factory=dict)

    @property
    def per_epoch(self) -> int:
        return self.order.per_epoch

    def batch(self, step: int) -> "tuple[Tensor, Tensor]":
        import torch

        pending = self._ahead.pop(step, None) or self._begin(step)
        self._ahead = {step + 1: self._begin(step + 1)}
        samples = self.dataset.modality.stack([one.result() for one in pending], self.preprocess)
        _, positions = self.order.of(step)
        labels = as_targets(self.dataset.targets(self.rows[positions]))
        return as_input(samples, self.dataset.modality, self.preprocess), torch.from_numpy(labels)

    def _begin(self, step: int) -> "list[Future[Prepared]]":
        epoch, positions = self.order.of(step)
        return [self.pool.submit(self._sample, int(self.rows[position]), epoch) for position in positions]

    def _sample(self, row: int, epoch: int) -> Prepared:
        modality, preprocess = self.dataset.modality, self.preprocess
        rng = np.random.default_rng((self.order.seed, epoch, 2, row))
        take = (
            partial(varied_view, modality, preprocess, rng)
            if self.varied
            else partial(clean_view, modality, preprocess)
        )
        return decoded(self.dataset, row, take, preprocess)


def clean_inputs(
    dataset: Dataset, rows: Sequence[int] | NDArray[np.intp], preprocess: Preprocess, size: int
) -> "Iterator[Tensor]":
    """Samples as prediction sees them, a few at a time, as the network takes them."""
    with ThreadPoolExecutor(usable_cores()) as pool:

        def prepared(row: int) -> Prepared:
            return decoded(dataset, row, partial(clean_view, dataset.modality, preprocess), preprocess)

        for start in range(0, len(rows), size):
            part = [int(row) for row in rows[start : start + size]]
            samples = dataset.modality.stack([*pool.map(prepared, part)], preprocess)
            yield as_input(samples, dataset.modality, preprocess)


def decoded(dataset: Dataset, row: int, take: Callable[[Any], Prepared], preprocess: Preprocess) -> Prepared:
    """What `take` makes of a sample as it was when it was checked; raises `WorkError` where it is there no more."""
    try:
        prepared: Prepared = opened(
            dataset.modality, dataset.content(row), take, preprocess, dataset.expected_sha256(row)
        )
        return prepared
    except UnreadableError as error:
        raise WorkError(
            f"{dataset.sources[row]} changed while graft was working: {error}. Put it back, then go on with: graft fit "
            "--resume RUN"
        ) from error


def clean_view(modality: Modality, preprocess: Preprocess, sample: Any) -> Prepared:
    return modality.prepare(sample, preprocess)


def varied_view(modality: Modality, preprocess: Preprocess, rng: np.random.Generator, sample: Any) -> Prepared:
    return modality.augment(sample, preprocess, rng)


def as_input(samples: Prepared, modality: Modality, preprocess: Preprocess) -> "Tensor":
    """Prepared samples as the network takes them: behind the entry that stands in front of every engine."""
    import torch

    with torch.no_grad():
        inputs: Tensor = modality.entry(preprocess)(torch.from_numpy(samples))
    return inputs

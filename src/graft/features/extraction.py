"""Dataset x Backbone -> Features, once: decode and compute in the same threads, keep every finished chunk."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import WorkError, listing, plural
from graft.features.cache import DEFAULT_GB, FeatureStore, bound, open_store
from graft.features.engine import Engine, in_batches
from graft.features.trunk_cache import open_engine
from graft.modalities.modality import Modality, Prepared, UnreadableError
from graft.modalities.samples import opened, tried
from graft.progress import SILENT, Watch
from graft.records import Features, Preprocess

CHUNK_BYTES = 64_000_000  # of rows between two writes to the cache: what a crash can cost
MOST_ROWS = 512  # the same, counted in samples; for an engine that takes many at once, which is for short ones, more
MANY_ROWS = 4096
ATTEMPTS = 3  # at finding all rows while other processes may empty the cache; the last one keeps them in memory
ROUNDS = 8  # passes for which an engine that takes many at once gets samples, to find some of equal length
SAMPLE = 16  # samples on which an engine is compared with torch


@dataclass(frozen=True, slots=True)
class View:
    """How a sample is shown to the network: as it is, or varied by a generator of its own."""

    name: str = ""
    seed: int | None = None

    def of(self, modality: Modality, sample: Any, preprocess: Preprocess, key: bytes) -> Prepared:
        """The prepared array; a varied view depends on nothing but the sample's content, the name and the seed."""
        if self.seed is None:
            return modality.prepare(sample, preprocess)
        digest = hashlib.sha256(f"{self.name} {self.seed}".encode() + key).digest()
        return modality.augment(sample, preprocess, np.random.default_rng(np.frombuffer(digest, np.uint32)))


CLEAN = View()


def augmented_views(count: int, seed: int) -> tuple[View, ...]:
    """So many varied views, the same for the same seed."""
    return tuple(View(f"view{number}", seed) for number in range(count))


def extract(
    dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone, watch: Watch = SILENT, cache_gb: float = DEFAULT_GB
) -> Features:
    """What the frozen backbone sees in these rows of a data set; known rows come from the cache.

    The matrix has one row for each readable sample, in the order of `rows`; `unreadable` maps the others to reasons.
    """
    return extract_views(dataset, rows, backbone, (CLEAN,), watch, cache_gb)[0]


def extract_all(
    dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone, watch: Watch = SILENT, cache_gb: float = DEFAULT_GB
) -> NDArray[np.float16]:
    """The matrix of `extract`, one row for every one of these rows; raises `WorkError` where a sample is gone."""
    features = extract(dataset, rows, backbone, watch, cache_gb)
    refuse_gone(dataset, features)
    return features.matrix


def refuse_gone(dataset: Dataset, features: Features) -> None:
    """Raise `WorkError` where samples that were there a moment ago are gone: rows would stand for other samples."""
    gone = features.unreadable
    if gone:
        named = listing([f"{dataset.sources[row]}: {reason}" for row, reason in sorted(gone.items())], 3)
        raise WorkError(
            f"{plural(len(gone), dataset.modality.noun)} vanished or changed while graft was working ({named}). Put "
            "them back, then go on with: graft fit --resume RUN"
        )


def extract_views(
    dataset: Dataset,
    rows: NDArray[np.intp],
    backbone: Backbone,
    views: Sequence[View],
    watch: Watch = SILENT,
    cache_gb: float = DEFAULT_GB,
) -> list[Features]:
    """What the frozen backbone sees in several views of these rows, each decoded once: one `Features` per view."""
    engine = open_engine(backbone, "fast", sample_of(dataset, rows, backbone), watch)
    names = [_store_name(dataset.modality, engine, view) for view in views]
    stores = [open_store(backbone.card.id, backbone.fingerprint, name) for name in names]
    keys = [dataset.key(row) for row in rows]
    work = _Work(dataset, backbone, engine, tuple(views), stores, watch)
    for attempt in range(ATTEMPTS):
        work.on_disk = attempt < ATTEMPTS - 1
        readable = work.complete(rows, keys)
        try:
            matrices = [store.gather(readable, extra) for store, extra in zip(stores, work.extra, strict=True)]
        except (KeyError, OSError):  # another process emptied or bounded the cache just now
            continue
        break
    if work.computed:
        bound(cache_gb)  # last: what is mapped stays readable, even where it is too much to keep
    return [Features(matrix, engine.name, work.computed, work.unreadable) for matrix in matrices]


def _store_name(modality: Modality, engine: Engine, view: View) -> str:
    """Rows may stand together only where decoder, preparation, engine, precision and view are the same."""
    seen = f"prepare{modality.preparation}" if view.seed is None else f"{view.name}-{view.seed}-{modality.augmentation}"
    return f"{modality.version}-{engine.name}-{seen}"


def sample_of(dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone) -> list[Prepared]:
    """A few prepared samples spread over the data set."""
    found: list[Prepared] = []
    modality, preprocess = dataset.modality, backbone.card.preprocess
    for row in rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(int))]:
        sample = tried(modality, dataset.content(int(row)), lambda one: modality.prepare(one, preprocess), preprocess)
        if not isinstance(sample, UnreadableError):
            found.append(sample)
    return found or [modality.example(preprocess)]


class _Work:
    """One pass over the samples that are not in the cache yet."""

    def __init__(
        self,
        dataset: Dataset,
        backbone: Backbone,
        engine: Engine,
        views: tuple[View, ...],
        stores: Sequence[FeatureStore],
        watch: Watch,
    ) -> None:
        self.dataset = dataset
        self.backbone = backbone
        self.engine = engine
        self.views = views
        self.stores = stores
        self.watch = watch
        self.extra: list[dict[bytes, NDArray[np.float16]]] = [{} for _ in views]  # rows that the disk would not take
        self.unreadable: dict[int, str] = {}
        self.computed = 0
        self.damaged = 0  # files of the cache that were told
        self.on_disk = True

    def complete(self, rows: NDArray[np.intp], keys: Sequence[bytes]) -> list[bytes]:
        """Compute what the stores lack; returns the keys of the readable samples, in order."""
        known = [
            store.find(keys, store.segments()).keys() | extra.keys()
            for store, extra in zip(self.stores, self.extra, strict=True)
        ]
        pairs = [(int(row), key) for row, key in zip(rows, keys, strict=True) if int(row) not in self.unreadable]
        self.run([row for row, key in pairs if any(key not in found for found in known)])
        readable = [key for row, key in pairs if row not in self.unreadable]
        damaged = sum(store.damaged for store in self.stores)
        if damaged > self.damaged:
            self.watch.say(
                f"{plural(damaged - self.damaged, 'file')} of kept features damaged: computed again. They lie in "
                f"{self.stores[0].folder.parent}."
            )
            self.damaged = damaged
        if not readable:
            noun = self.dataset.modality.noun
            raise WorkError(f"None of the {len(rows):,} {noun}s could be read. Was the folder moved?")
        return readable

    def run(self, missing: Sequence[int]) -> None:
        """Compute and keep every view of these samples, a bounded number of rows at a time."""
        if not missing:
            return
        width = self.backbone.card.width
        most = MOST_ROWS if self.engine.batch_size == 1 else MANY_ROWS
        size = int(np.clip(CHUNK_BYTES // (2 * width * len(self.views)), 64, most))
        title, unit = f"Computing features with {self.backbone.card.id}", f"{self.dataset.modality.noun}s"
        missing = self._in_order(missing)
        with ThreadPoolExecutor(self.engine.workers) as pool, self.watch.task(title, len(missing), unit) as advance:
            for start in range(0, len(missing), size):
                chunk = missing[start : start + size]
                together = self.engine.batch_size if self.engine.batch_size == 1 else ROUNDS * self.engine.batch_size
                step = max(1, together // len(self.views))
                batches = [chunk[at : at + step] for at in range(0, len(chunk), step)]
                numbers: list[int] = []
                rows = np.empty((len(self.views), len(chunk), width), np.float16)
                try:
                    for results in pool.map(self._batch, batches):
                        for number, result in results:
                            if isinstance(result, str):
                                self.unreadable[number] = result
                            else:
                                rows[:, len(numbers)] = result
                                numbers.append(number)
                        advance(len(results))
                finally:  # what was computed before an interruption is kept too
                    self._keep(numbers, rows[:, : len(numbers)])

    def _in_order(self, missing: Sequence[int]) -> Sequence[int]:
        """Texts by their size, so that those of equal length come together; files as they are."""
        if self.dataset.texts is None:
            return missing
        texts = self.dataset.texts
        return sorted(missing, key=lambda number: len(texts[number]))

    def _batch(self, numbers: Sequence[int]) -> list[tuple[int, NDArray[np.float32] | str]]:
        """Features of a few samples, (views, width) each, or for each unreadable one the reason."""
        prepared: list[Prepared] = []
        decoded: list[int] = []
        results: list[tuple[int, NDArray[np.float32] | str]] = []
        for number in numbers:
            seen = self._seen(number)
            if isinstance(seen, str):
                results.append((number, seen))
                continue
            prepared += seen
            decoded.append(number)
        if decoded:
            features = np.zeros((len(prepared), self.backbone.card.width), np.float32)
            for places, batch in in_batches(prepared, self.engine.batch_size):
                computed = self.engine.run(batch)
                features[places, : computed.shape[1]] = computed  # activations of a short text are filled up
            if not np.isfinite(features.astype(np.float16)).all():
                source = self.dataset.sources[decoded[0]]
                raise WorkError(f"{self.backbone.card.id} gives features that are not finite for {source}.")
            results += zip(decoded, features.reshape(len(decoded), len(self.views), -1), strict=True)
        return results

    def _seen(self, number: int) -> list[Prepared] | str:
        """All views of a sample, if its content still has the hash that names the row; else why there are none."""
        modality, preprocess, key = self.dataset.modality, self.backbone.card.preprocess, self.dataset.key(number)
        views = self.views
        try:
            found: list[Prepared] = opened(
                modality,
                self.dataset.content(number),
                lambda sample: [view.of(modality, sample, preprocess, key) for view in views],
                preprocess,
                self.dataset.expected_sha256(number),
            )
        except UnreadableError as error:
            return str(error)
        return found

    def _keep(self, numbers: Sequence[int], rows: NDArray[np.float16]) -> None:
        self.computed += len(numbers)
        if not numbers:
            return
        for store, extra, matrix in zip(self.stores, self.extra, rows, strict=True):
            try:
                if self.on_disk:
                    store.append(self.dataset.hashes[list(numbers)], matrix)
                    continue
            except WorkError as error:
                if not any(self.extra):  # told once
                    self.watch.say(f"{error} The work goes on without keeping features; the next run computes them.")
            extra |= {self.dataset.key(number): row for number, row in zip(numbers, matrix, strict=True)}

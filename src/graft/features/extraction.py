"""Dataset x Backbone -> Features, once: decode and compute in the same threads, keep every finished chunk."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import WorkError
from graft.features.cache import DEFAULT_GB, FeatureStore, bound, open_store
from graft.features.engine import Engine
from graft.features.trunk_cache import open_engine
from graft.modality import UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Features

CHUNK = 4096  # rows between two writes to the cache: what a crash can cost
SAMPLE = 16  # pictures on which an engine is compared with torch


def extract(
    dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone, watch: Watch = SILENT, cache_gb: float = DEFAULT_GB
) -> Features:
    """What the frozen backbone sees in these rows of a data set; known rows come from the cache.

    The matrix has one row for each readable sample, in the order of `rows`; `unreadable` maps the others to reasons.
    """
    engine = open_engine(backbone, "fast", sample_pictures(dataset, rows, backbone), watch)
    store = open_store(backbone.card.id, backbone.fingerprint, engine.name)
    keys = [dataset.key(row) for row in rows]
    known = store.find(keys, store.segments())
    missing = [int(row) for row, key in zip(rows, keys, strict=True) if key not in known]
    extra, unreadable = _compute(dataset, missing, backbone, engine, store, watch)
    if missing:
        bound(cache_gb)
    readable = [key for row, key in zip(rows, keys, strict=True) if int(row) not in unreadable]
    if not readable:
        raise WorkError(f"None of the {len(rows):,} {dataset.modality.noun}s could be read. Was the folder moved?")
    return Features(
        matrix=store.gather(readable, extra),
        fingerprint=f"{backbone.fingerprint}/{engine.name}",
        engine=engine.name,
        computed=len(missing) - len(unreadable),
        unreadable=unreadable,
    )


def sample_pictures(dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone) -> NDArray[np.uint8]:
    """A few pictures spread over the data set: (samples, crop, crop, 3)."""
    pictures = []
    for row in rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(int))]:
        try:
            picture = dataset.modality.decode(dataset.path(int(row)))
        except UnreadableError:
            continue
        pictures.append(dataset.modality.prepare(picture, backbone.card.preprocess))
    side = backbone.card.preprocess.crop
    return np.stack(pictures) if pictures else np.zeros((1, side, side, 3), np.uint8)


def _compute(
    dataset: Dataset, missing: Sequence[int], backbone: Backbone, engine: Engine, store: FeatureStore, watch: Watch
) -> tuple[dict[bytes, NDArray[np.float16]], dict[int, str]]:
    """Compute and keep rows; returns those that the disk would not take, and the samples that cannot be read."""
    extra: dict[bytes, NDArray[np.float16]] = {}
    unreadable: dict[int, str] = {}
    if not missing:
        return extra, unreadable
    title, unit = f"Computing features with {backbone.card.id}", f"{dataset.modality.noun}s"
    with ThreadPoolExecutor(engine.workers) as pool, watch.task(title, len(missing), unit) as advance:
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            batches = [chunk[at : at + engine.batch_size] for at in range(0, len(chunk), engine.batch_size)]
            numbers: list[int] = []
            rows = np.empty((len(chunk), backbone.card.width), np.float16)
            for results in pool.map(lambda batch: _decode_and_run(dataset, batch, backbone, engine), batches):
                for number, result in results:
                    if isinstance(result, str):
                        unreadable[number] = result
                    else:
                        rows[len(numbers)] = result
                        numbers.append(number)
                advance(len(results))
            if numbers:
                _keep(dataset, numbers, rows[: len(numbers)], store, extra, watch)
    return extra, unreadable


def _decode_and_run(
    dataset: Dataset, numbers: Sequence[int], backbone: Backbone, engine: Engine
) -> list[tuple[int, NDArray[np.float32] | str]]:
    """Features of one batch, or for each unreadable sample the reason."""
    decoded: list[tuple[int, NDArray[np.uint8]]] = []
    results: list[tuple[int, NDArray[np.float32] | str]] = []
    for number in numbers:
        try:
            picture = dataset.modality.decode(dataset.path(number))
            decoded.append((number, dataset.modality.prepare(picture, backbone.card.preprocess)))
        except UnreadableError as error:
            results.append((number, str(error)))
    if decoded:
        features = engine.run(np.stack([picture for _, picture in decoded]))
        if not np.isfinite(features).all():
            raise WorkError(f"{backbone.card.id} gives features that are not finite for {dataset.sources[numbers[0]]}.")
        results += zip((number for number, _ in decoded), features, strict=True)
    return results


def _keep(
    dataset: Dataset,
    numbers: Sequence[int],
    rows: NDArray[np.float16],
    store: FeatureStore,
    extra: dict[bytes, NDArray[np.float16]],
    watch: Watch,
) -> None:
    try:
        store.append(dataset.hashes[list(numbers)], rows)
    except WorkError as error:
        if not extra:  # told once
            watch.say(f"{error} The work goes on without keeping the features; the next run computes them again.")
        extra |= {dataset.key(number): row for number, row in zip(numbers, rows, strict=True)}

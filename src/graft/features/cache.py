"""Features on disk: rows named by content hash, in segments that appear whole or not at all, bounded in size."""

import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graft.data.index import MOST_BYTES, bound_index, index_bytes
from graft.errors import WorkError
from graft.storage import atomic_file, cache_folder, write_json

DEFAULT_GB = 5.0
FEW = 8  # a request that gathers from more segments than this is worth merging them
MERGED_AT_ONCE = 256  # rows


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows written together: `rows` on disk as (n, width) float16, `keys` as (n, 32) content hashes."""

    rows: Path
    keys: NDArray[np.uint8]

    def open(self) -> NDArray[np.float16]:
        matrix: NDArray[np.float16] = np.load(self.rows, mmap_mode="r")
        return matrix


Places = dict[bytes, tuple[int, int]]  # key -> (segment number, row)


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of the cache's listing."""

    backbone: str
    engine: str
    rows: int
    bytes: int


class FeatureStore:
    """The rows of one backbone computed by one engine. Several processes may read and write at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def segments(self) -> list[Segment]:
        """All segments that are whole; the keys are written last, so a segment with keys has its rows."""
        found = []
        for file in sorted(self.folder.glob("*.keys.npy")):
            rows = file.with_name(file.name.replace(".keys.npy", ".rows.npy"))
            try:
                keys = np.load(file)
                if np.load(rows, mmap_mode="r").shape[0] == len(keys):
                    found.append(Segment(rows, keys))
            except (OSError, ValueError, EOFError):  # damaged, or emptied by another process just now
                continue
        return found

    def find(self, keys: Sequence[bytes], segments: Sequence[Segment]) -> Places:
        """Where the rows of these keys lie."""
        wanted = set(keys)
        hits = [
            {name: (number, row) for row, key in enumerate(segment.keys) if (name := key.tobytes()) in wanted}
            for number, segment in enumerate(segments)
        ]
        places: Places = {}
        for rows in sorted(hits, key=len):  # a key that lies in several segments is read from the one with most
            places |= rows
        return places

    def append(self, keys: NDArray[np.uint8], rows: NDArray[np.float16]) -> Segment:
        """Write a segment; raises `WorkError` where the disk is full."""
        name = uuid.uuid4().hex
        segment = Segment(self.folder / f"{name}.rows.npy", keys)
        with atomic_file(segment.rows) as file:
            np.save(file, rows)
        with atomic_file(self.folder / f"{name}.keys.npy") as file:
            np.save(file, keys)
        return segment

    def remove(self, segment: Segment) -> None:
        """Forget a segment: its keys first, so that nobody finds rows that are about to go."""
        segment.rows.with_name(segment.rows.name.replace(".rows.npy", ".keys.npy")).unlink(missing_ok=True)
        segment.rows.unlink(missing_ok=True)

    def gather(self, keys: Sequence[bytes], extra: dict[bytes, NDArray[np.float16]]) -> NDArray[np.float16]:
        """The rows of these keys in this order: memory-mapped where they lie so on disk, else collected.

        `extra` holds rows that could not be written. Raises `KeyError` or `OSError` where another process has removed
        rows since they were found.
        """
        segments = self.segments()
        places = self.find(keys, segments)
        if any(key not in places and key not in extra for key in keys):
            raise KeyError("rows that were there are gone")
        used = sorted({number for number, _ in places.values()})
        for number in used:
            with suppress(OSError):
                os.utime(segments[number].rows)  # what was used last is evicted last
        if not extra and len(used) == 1:
            rows = np.array([places[key][1] for key in keys])
            if np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
                return segments[used[0]].open()[rows[0] : rows[0] + len(rows)]
        merged = self._merge(keys, segments, places, used) if not extra and len(used) > 1 else None
        return merged.open() if merged else self._collect(keys, segments, places, extra)

    def _collect(
        self,
        keys: Sequence[bytes],
        segments: Sequence[Segment],
        places: Places,
        extra: dict[bytes, NDArray[np.float16]],
    ) -> NDArray[np.float16]:
        opened = {number: segments[number].open() for number in {number for number, _ in places.values()}}
        width = next(iter(opened.values())).shape[1] if opened else next(iter(extra.values())).shape[0]
        matrix = np.empty((len(keys), width), np.float16)
        for number, key in enumerate(keys):
            if key in places:
                segment, row = places[key]
                matrix[number] = opened[segment][row]
            else:
                matrix[number] = extra[key]
        return matrix

    def _merge(
        self, keys: Sequence[bytes], segments: Sequence[Segment], places: Places, used: Sequence[int]
    ) -> Segment | None:
        """Copy a request's rows into one segment, a few at a time, and drop the segments that it covers whole."""
        wanted = set(keys)
        covered = [segments[number] for number in used if all(key.tobytes() in wanted for key in segments[number].keys)]
        if len(set(keys)) < len(keys) or (len(covered) < len(used) and len(used) <= FEW):
            return None
        name = uuid.uuid4().hex
        names = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)
        try:
            with atomic_file(self.folder / f"{name}.rows.npy") as file:
                shape = (len(keys), segments[used[0]].open().shape[1])
                header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for start in range(0, len(keys), MERGED_AT_ONCE):
                    part = keys[start : start + MERGED_AT_ONCE]
                    file.write(self._collect(part, segments, {key: places[key] for key in part}, {}).tobytes())
            with atomic_file(self.folder / f"{name}.keys.npy") as file:
                np.save(file, names)
        except WorkError:  # a full disk: the segments still hold every row
            return None
        for segment in covered:
            self.remove(segment)
        return Segment(self.folder / f"{name}.rows.npy", names)


def open_store(backbone_id: str, fingerprint: str, engine: str) -> FeatureStore:
    """The store for one trunk and engine; the folder's description is for people and for the listing."""
    store = FeatureStore(_root() / f"{fingerprint[:32]}-{engine}")
    with suppress(Exception):  # without a description the listing shows the folder's name
        if not (store.folder / "about.json").exists():
            write_json(store.folder / "about.json", {"backbone": backbone_id, "engine": engine})
    return store


def bound(limit_gb: float) -> int:
    """Remove what was used longest ago, features and trunks alike, until the rest fits; returns the bytes freed."""
    freed = bound_index(min(MOST_BYTES, int(limit_gb * 1e9) // 10))
    items = [*_root().glob("*/*.rows.npy"), *(path for path in (cache_folder() / "trunks").glob("*") if path.is_dir())]
    known = sorted((_time_and_size(item), item) for item in items)
    excess = freed + index_bytes() + sum(size for (_, size), _ in known) - int(limit_gb * 1e9)
    for (_, size), item in known:
        if freed >= excess:
            break
        if item.is_dir():
            shutil.rmtree(item, ignore_errors=True)
        else:
            FeatureStore(item.parent).remove(Segment(item, np.empty((0, 32), np.uint8)))
        freed += size
    return freed


def _time_and_size(item: Path) -> tuple[float, int]:
    """When something was last used and how large it is; nothing where another process has just removed it."""
    try:
        size = item.stat().st_size if item.is_file() else sum(file.stat().st_size for file in item.iterdir())
        return item.stat().st_mtime, size
    except OSError:
        return 0.0, 0


def kept() -> list[Kept]:
    """What the cache holds, one line per backbone and engine."""
    import json

    lines = []
    for folder in sorted(path for path in _root().glob("*") if path.is_dir()):
        try:
            about = json.loads((folder / "about.json").read_text())
        except (OSError, ValueError):
            about = {"backbone": folder.name, "engine": "?"}
        rows = sum(len(segment.keys) for segment in FeatureStore(folder).segments())
        size = _time_and_size(folder)[1]
        lines.append(Kept(about["backbone"], about["engine"], rows, size))
    if index_bytes():
        lines.append(Kept("files that were looked at", "-", 0, index_bytes()))
    return lines


def clear() -> int:
    """Empty graft's whole cache (features, trunks, index) and return the bytes freed; runs are not touched."""
    folder = cache_folder()
    files = [*(folder / "features").rglob("*"), *(folder / "trunks").rglob("*"), folder / "index.sqlite"]
    size = sum(file.stat().st_size for file in files if file.is_file())
    for name in ("features", "trunks"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "index.sqlite").unlink(missing_ok=True)
    return size - sum(file.stat().st_size for file in files if file.is_file())


def _root() -> Path:
    return cache_folder() / "features"

"""Features on disk: rows named by content hash, in segments that appear whole or not at all, bounded in size."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from graft.data.index import MOST_BYTES, bound_index, index_bytes
from graft.errors import WorkError
from graft.storage import atomic_file, cache_folder, write_json

if TYPE_CHECKING:
    from hashlib import _Hash

DEFAULT_GB = 5.0
FEW = 8  # a request that gathers from more segments than this is worth merging them
MERGED_AT_ONCE = 256  # rows
CHECKED_AT_ONCE = 4096  # rows
INFINITE = 0x7C00  # the bits of a half-precision number that are all set where it is infinite or none

_whole: dict[Path, tuple[int, int, int]] = {}  # segments that this process found whole, as they were then


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows written together: `rows` on disk as (n, width) float16, `keys` as (n, 32) content hashes.

    On disk a last row of the keys is the SHA-256 of the others and of the file of rows.
    """

    rows: Path
    keys: NDArray[np.uint8]
    sha256: bytes = b""

    def open(self) -> NDArray[np.float16]:
        matrix: NDArray[np.float16] = np.load(self.rows, mmap_mode="r")
        return matrix

    def is_whole(self) -> bool:
        """Whether the rows are those that were written, and all finite; looked at once, while the file stays as it is.

        Raises `OSError` where the file is gone.
        """
        status = self.rows.stat()
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if _whole.get(self.rows) == stamp:
            return True
        with self.rows.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.sha256(self.keys.tobytes())).digest()
        if digest != self.sha256 or not _all_finite(self.open()):
            return False
        _whole[self.rows] = stamp
        return True


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
        self.damaged = 0  # segments that were dropped because they were not what was written

    def segments(self) -> list[Segment]:
        """All segments that are whole; the keys are written last, so a segment with keys has its rows."""
        found = []
        for file in sorted(self.folder.glob("*.keys.npy")):
            rows = file.with_name(file.name.replace(".keys.npy", ".rows.npy"))
            try:
                keys = np.load(file)
                if np.load(rows, mmap_mode="r").shape[0] == len(keys) - 1:
                    found.append(Segment(rows, keys[:-1], keys[-1].tobytes()))
            except OSError:  # emptied by another process just now
                continue
            except (ValueError, EOFError):  # cut short, or no array at all
                self._drop(rows)
        return found

    def find(self, keys: Sequence[bytes], segments: Sequence[Segment]) -> Places:
        """Where the rows of these keys lie; a segment that is not what was written is removed."""
        wanted = set(keys)
        hits = [
            {name: (number, row) for row, key in enumerate(segment.keys) if (name := key.tobytes()) in wanted}
            for number, segment in enumerate(segments)
        ]
        hits = [rows if rows and self._is_whole(segments[number]) else {} for number, rows in enumerate(hits)]
        places: Places = {}
        for rows in sorted(hits, key=len):  # a key that lies in several segments is read from the one with most
            places |= rows
        return places

    def _is_whole(self, segment: Segment) -> bool:
        try:
            if segment.is_whole():
                return True
        except OSError:  # emptied by another process just now
            return False
        self._drop(segment.rows)
        return False

    def _drop(self, rows: Path) -> None:
        """Remove a segment that is not what was written, and count it."""
        self.damaged += 1
        with suppress(OSError):
            self.remove(Segment(rows, np.empty((0, 32), np.uint8)))

    def append(self, keys: NDArray[np.uint8], rows: NDArray[np.float16]) -> Segment:
        """Write a segment; raises `WorkError` where the disk is full."""
        name = uuid.uuid4().hex
        segment = Segment(self.folder / f"{name}.rows.npy", keys)
        digest = hashlib.sha256(np.ascontiguousarray(keys).tobytes())
        with atomic_file(segment.rows) as file:
            np.save(_Hashed(file, digest), rows)
        _save_keys(self.folder, name, keys, digest.digest())
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
        digest = hashlib.sha256(names.tobytes())
        try:
            with atomic_file(self.folder / f"{name}.rows.npy") as opened:
                file = _Hashed(opened, digest)
                shape = (len(keys), segments[used[0]].open().shape[1])
                header = {"descr": "<f2", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for start in range(0, len(keys), MERGED_AT_ONCE):
                    part = keys[start : start + MERGED_AT_ONCE]
                    file.write(self._collect(part, segments, {key: places[key] for key in part}, {}).tobytes())
            _save_keys(self.folder, name, names, digest.digest())
        except WorkError:  # a full disk: the segments still hold every row
            return None
        for segment in covered:
            self.remove(segment)
        return Segment(self.folder / f"{name}.rows.npy", names)


class _Hashed:
    """A file that is hashed while it is written, so that what counts is what was meant."""

    def __init__(self, file: BinaryIO, digest: "_Hash") -> None:
        self.file, self.digest = file, digest

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self.file.write(content)


def _save_keys(folder: Path, name: str, keys: NDArray[np.uint8], sha256: bytes) -> None:
    with atomic_file(folder / f"{name}.keys.npy") as file:
        np.save(file, np.concatenate([keys, np.frombuffer(sha256, np.uint8)[None]]))


def _all_finite(matrix: NDArray[np.float16]) -> bool:
    """Whether all are numbers, by their bits: several times as fast as asking each."""
    if matrix.dtype != np.float16:
        return False
    return all(
        int((np.asarray(matrix[at : at + CHECKED_AT_ONCE]).view(np.uint16) & 0x7FFF).max(initial=0)) < INFINITE
        for at in range(0, len(matrix), CHECKED_AT_ONCE)
    )


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
    """Empty graft's whole cache (features, trunks, index, data from memory) but no run; returns the bytes freed."""
    folder = cache_folder()
    names = ("features", "trunks", "data")
    files = [*(file for name in names for file in (folder / name).rglob("*")), folder / "index.sqlite"]
    size = sum(file.stat().st_size for file in files if file.is_file())
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "index.sqlite").unlink(missing_ok=True)
    return size - sum(file.stat().st_size for file in files if file.is_file())


def _root() -> Path:
    return cache_folder() / "features"

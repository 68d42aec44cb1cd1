"""Content hash and readability of every file, computed once: unchanged files are known by their size and time."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from graft.machine import usable_cores
from graft.modalities.modality import Modality, Pair
from graft.modalities.pair import PAIR
from graft.modalities.samples import Checked, checked
from graft.modalities.text import bytes_of
from graft.progress import Watch
from graft.storage import cache_folder
from graft.workers import workers

VERSION = 2  # of the readability check: raise it when the same bytes may be judged differently
CHUNK = 256  # files between two progress reports
NAME = "index.sqlite"
MOST_BYTES = 200_000_000  # of the table: some 700,000 files


Stamp = tuple[int, int]  # size in bytes, time of the last change to content or name in nanoseconds


def check_files(paths: Sequence[Path], modality: Modality, watch: Watch) -> list[Checked]:
    """Hash and test-decode every file in parallel; what is known of unchanged files is not computed again."""
    memory = Memory(cache_folder() / NAME, f"{modality.name}-{VERSION}")
    stamps = [_stamp(path) for path in paths]
    known = memory.look_up(paths, stamps)
    missing = [number for number, path in enumerate(paths) if path not in known]
    if missing:
        title = f"Checking {modality.noun}s"
        with (
            workers(usable_cores()) as pool,
            watch.task(title, len(missing), f"{modality.noun}s") as advance,
        ):
            for start in range(0, len(missing), CHUNK):
                chunk = missing[start : start + CHUNK]
                results = list(pool.map(lambda number: checked(modality, paths[number]), chunk))
                fresh = {paths[number]: result for number, result in zip(chunk, results, strict=True)}
                memory.remember(fresh, [stamps[number] for number in chunk])
                known |= fresh
                advance(len(chunk))
        bound_index()
    return [known[path] for path in paths]


def check_texts(texts: Sequence[str], modality: Modality) -> list[Checked]:
    """The same for texts that lie in memory; a byte that was no UTF-8 is still in them."""
    return [checked(modality, bytes_of(text)) for text in texts]


def check_pairs(pairs: Sequence[Pair], watch: Watch) -> list[Checked]:
    """The same for pictures with a text each; they are hashed together."""
    with (
        workers(usable_cores()) as pool,
        watch.task("Checking pairs", len(pairs), "pairs") as advance,
    ):
        results = []
        for result in pool.map(partial(checked, PAIR), pairs):
            results.append(result)
            advance(1)
    return results


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
        str(path).encode()  # the table holds no other names
    except (OSError, ValueError):
        return None
    return status.st_size, max(status.st_mtime_ns, status.st_ctime_ns)


def index_bytes() -> int:
    """The size of the table on disk."""
    try:
        return (cache_folder() / NAME).stat().st_size
    except OSError:
        return 0


def bound_index(most: int = MOST_BYTES) -> int:
    """Forget the files that were looked at longest ago until the table takes no more; returns the bytes freed."""
    before = index_bytes()
    if before > most:
        Memory(cache_folder() / NAME, "").bound(most)
    return before - index_bytes()


class Memory:
    """A small table on disk: path, size and time of a file -> what its check said. Losing it costs only time."""

    def __init__(self, file: Path, version: str) -> None:
        self.file = file
        self.version = version

    def look_up(self, paths: Sequence[Path], stamps: Sequence[Stamp | None]) -> dict[Path, Checked]:
        """What is known of those files that have not changed since."""
        if not self.file.exists():
            return {}
        known = {}
        query = "SELECT sha256, error, remark FROM files WHERE path = ? AND size = ? AND time = ? AND version = ?"
        try:
            with closing(sqlite3.connect(self.file, timeout=5)) as table:
                for path, stamp in zip(paths, stamps, strict=True):
                    row = (
                        table.execute(query, (str(path.absolute()), *stamp, self.version)).fetchone() if stamp else None
                    )
                    if row is not None:
                        known[path] = Checked(*row)
        except sqlite3.Error:  # a damaged or locked table: everything is checked again
            return {}
        return known

    def remember(self, fresh: dict[Path, Checked], stamps: Sequence[Stamp | None]) -> None:
        """Keep the results of files that could be read; a failing disk costs only the time of the next check."""
        rows = [
            (str(path.absolute()), *stamp, self.version, result.sha256, result.error, result.remark)
            for (path, result), stamp in zip(fresh.items(), stamps, strict=True)
            if stamp is not None and result.sha256 is not None
        ]
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.file, timeout=5)) as table, table:
                table.execute(
                    "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, time INTEGER, "
                    "version TEXT, sha256 BLOB, error TEXT, remark TEXT)"
                )
                table.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # damaged, not only busy: begin a new one next time
                self.file.unlink(missing_ok=True)
        except OSError:
            return

    def bound(self, most: int) -> None:
        """Remove the oldest rows until the table takes no more than so many bytes, and give them back to the disk."""
        try:
            with closing(sqlite3.connect(self.file, timeout=5)) as table:
                size, rows = self.file.stat().st_size, table.execute("SELECT COUNT(*) FROM files").fetchone()[0]
                spare = max(0, size - int(0.9 * most))  # a little more, so that this is rare
                oldest = "SELECT rowid FROM files ORDER BY rowid LIMIT ?"
                with table:
                    table.execute(f"DELETE FROM files WHERE rowid IN ({oldest})", (-(-rows * spare // size),))
                table.execute("VACUUM")
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                self.file.unlink(missing_ok=True)
        except OSError:
            return

"""Where a run may lie, who works on it, and how a folder of graft's own is told from others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from graft.errors import RequestError, WorkError
from graft.storage import explain, is_utf8

SETTINGS, WORK_LOCK, LOCK = "run.json", ".work.lock", ".lock"
LOCK_SECONDS = 60  # how long another process may hold the files of a run
MANIFEST_KEYS = {"format", "target", "variant", "classes", "sha256"}  # what no other tool's manifest.json has together


def place_for(path: Path, replace: bool) -> Path:
    """Where a run may begin; raises `RequestError` where it may not, so that no work is done in vain."""
    if not is_utf8(str(path)):
        raise RequestError(f"--out {str(path).encode('ascii', 'replace').decode()} is not valid UTF-8. Choose another.")
    path = path if path.name else path.absolute()
    if path.exists() and (not path.is_dir() or any(one.name not in (WORK_LOCK, LOCK) for one in path.iterdir())):
        if not (path / SETTINGS).is_file():
            raise RequestError(f"{path} exists and is not a run of graft. Choose another --out.")
        if not replace:
            raise RequestError(
                f"{path} already holds a run. Choose another --out, or add --replace to move the old run aside."
            )
        with held(path):  # told before the work, and asked again when the run is moved
            pass
    return path


def is_run(folder: Path) -> bool:
    """Whether a folder is a run of graft, by what its run.json holds."""
    return {"format", "test_readings"} <= _keys_of(folder / SETTINGS)


def is_made_by_graft(folder: Path) -> bool:
    """Whether a folder is a run, an artifact or the page of one: their files are no samples."""
    manifests = (folder / "manifest.json", folder / "model" / "manifest.json")
    return is_run(folder) or any(_keys_of(one) >= MANIFEST_KEYS for one in manifests)


def _keys_of(file: Path) -> set[str]:
    try:
        content = json.loads(file.read_bytes()) if file.is_file() else None
    except (OSError, ValueError, RecursionError):
        return set()
    return set(content) if isinstance(content, dict) else set()


@contextmanager
def held(folder: Path) -> Iterator[FileLock]:
    """Entered while a fit writes the run in a folder, or moves it; raises `RequestError` where another process does."""
    lock = FileLock(folder / WORK_LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise RequestError(
            f"Another process is at work on {folder}. Wait for it, stop it first, or choose another --out."
        ) from error
    except OSError as error:
        raise WorkError(f"Could not write {folder}: {explain(error)}") from error
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def lock_of(folder: Path) -> Iterator[None]:
    """Entered while the files of a run are read and written again; may be nested. Raises `WorkError` after a minute."""
    try:
        lock = FileLock(folder / LOCK, timeout=LOCK_SECONDS, is_singleton=True)
        lock.acquire()
    except Timeout as error:
        raise WorkError(f"Another process has been writing to {folder} for a minute. Try again.") from error
    except OSError as error:
        raise WorkError(f"Could not write {folder}: {explain(error)}") from error
    try:
        yield
    finally:
        lock.release()

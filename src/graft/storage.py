"""Where graft keeps what can be computed again, and how it writes files so that none is ever half there."""

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import platformdirs

from graft.errors import RequestError, WorkError

Record = TypeVar("Record")


def cache_folder() -> Path:
    """The folder of the cache: `graft-cache` in $GRAFT_CACHE, or the platform's folder for caches.

    It is a folder of graft's own even where $GRAFT_CACHE holds other things, because emptying the cache removes it.
    Raises `RequestError` where there is no such folder and none can be made.
    """
    chosen = os.environ.get("GRAFT_CACHE")
    if chosen:
        return Path(chosen) / "graft-cache"
    return _of_this_user(platformdirs.user_cache_dir, "its cache", "GRAFT_CACHE=FOLDER")


def data_folder() -> Path:
    """The platform's folder for what graft keeps and cannot compute again; raises as `cache_folder` does."""
    return _of_this_user(platformdirs.user_data_dir, "the history of its runs", "GRAFT_HISTORY=FILE")


def _of_this_user(find: Callable[[str], str], what: str, way_out: str) -> Path:
    """A folder below the user's home; in a container there may be no home, or one that nobody may write into."""
    try:
        folder = Path(find("graft"))
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():
        raise RequestError(
            f"graft has no place for {what}: HOME is not set, and this user has no home folder. Set {way_out} in the "
            "environment."
        )
    above = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if above != folder and not (above.is_dir() and os.access(above, os.W_OK)):
        raise RequestError(
            f"graft has no place for {what}: {folder} does not exist, and {above} cannot be written to. Set {way_out} "
            "in the environment."
        )
    return folder


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all; `WorkError` says so where the disk is full or closed."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file.file  # type: ignore[misc]  # typeshed calls the wrapped file generic
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise WorkError(f"Could not write {path}: {explain(error)}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename inside a folder last through a power cut, where the system lets folders be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise WorkError(f"Could not write {folder}: {explain(error)}") from error
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def explain(error: OSError) -> str:
    """Say what an error of the operating system means for a person, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space (graft cache --clear empties graft's own cache), then try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "permission denied. Choose another place, or change its permissions."
    return error.strerror or str(error)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_file(path) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON atomically: UTF-8, two spaces, one trailing newline."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def free_name(path: Path) -> Path:
    """The path itself, or the first of path-2, path-3 and so on that is free."""
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal; raises `OSError` for a pipe, which would never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(path: Path, kind: type[Record]) -> Record:
    """A JSON file as a record (a dataclass, a typed dictionary, a list of them), every field of its declared type.

    Raises `WorkError` that names the field where the file is missing, damaged or was changed.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise WorkError(f"{path} cannot be read: {explain(error)} Run graft fit again.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WorkError(f"{path} was changed or damaged: {where}: {first['msg']}. Run graft fit again.") from error


def is_utf8(name: str) -> bool:
    """Whether a name can be written down everywhere."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

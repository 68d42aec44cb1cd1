"""Where graft keeps what can be computed again, and how it writes files so that none is ever half there."""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import platformdirs

from graft.errors import WorkError


def cache_folder() -> Path:
    """The folder of the cache: `graft-cache` in $GRAFT_CACHE, or the platform's folder for caches.

    It is a folder of graft's own even where $GRAFT_CACHE holds other things, because emptying the cache removes it.
    """
    chosen = os.environ.get("GRAFT_CACHE")
    return Path(chosen) / "graft-cache" if chosen else Path(platformdirs.user_cache_dir("graft"))


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


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def explain(error: OSError) -> str:
    """Say what an error of the operating system means for a person, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Free some space (graft cache --clear empties graft's own cache), then try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "writing is not allowed there. Choose another folder, or change its permissions."
    return error.strerror or str(error)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_file(path) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON atomically: UTF-8, two spaces, one trailing newline."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

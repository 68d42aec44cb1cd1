"""Where graft keeps what can be computed again, and how it writes files so that none is ever half there."""

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import platformdirs

from graft.errors import RequestError, WorkError, listing

Record = TypeVar("Record")
MOST_JSON = 500_000_000  # bytes: split and evaluation of a million samples take less
DESKTOP = {".DS_Store", "Thumbs.db", "desktop.ini"}


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
def atomic_file(path: Path, private: bool = False) -> Iterator[BinaryIO]:
    """Write a file that appears whole or not at all; `WorkError` says so where the disk is full or closed.

    A `private` one is readable by its owner alone, from the moment that it is there.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file.file  # type: ignore[misc]  # typeshed calls the wrapped file generic
            file.flush()
            os.fsync(file.fileno())
        if not private:  # temporary files begin with the mode 600
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


def put_in_place(staged: Path, folder: Path) -> None:
    """Move all that lies in `staged` into `folder`, over what bears the same name there, and remove `staged`.

    Whoever finds `staged` after a crash calls this again: every step may be repeated, so in the end all has moved or,
    where `staged` never came to be, nothing. A folder that is replaced lies beside as `.NAME.replaced` meanwhile.
    """
    for item in sorted(staged.iterdir()):
        place = folder / item.name
        if item.is_dir() and place.exists():
            old = folder / f".{item.name}.replaced"
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
        item.replace(place)
    sync_folder(folder)
    for old in folder.glob(".*.replaced"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(staged, ignore_errors=True)


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
    """Write readable JSON atomically."""
    write_bytes(path, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """Readable JSON: UTF-8, two spaces, one trailing newline."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def free_name(path: Path) -> Path:
    """The path itself, or the first of path-2, path-3 and so on that is free."""
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal; raises `OSError` for a pipe or a device, which may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_closed(folder: Path, sums: Mapping[str, str], list_of: str, without: Collection[str] = ()) -> None:
    """Raise `WorkError` unless a folder holds exactly the files of a list, as they were written.

    `sums` maps names with forward slashes to SHA-256; `list_of` is the file that holds them, which like the names in
    `without` is not in the list. Links are no files: what they lead to can change without a trace. Files by which a
    system remembers how it shows a folder are passed over, for nothing reads them.
    """
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not _is_folder(path)}
    known = {list_of, *without}
    strange = sorted(name for name, path in present.items() if name not in {*sums, *known} and path.name not in DESKTOP)
    links = sorted(name for name, path in present.items() if path.is_symlink())
    missing = sorted(name for name in sums if name not in present)
    there = [name for name in sums if name in present and name not in links]
    changed = sorted(name for name in there if _sum_or_none(present[name]) != sums[name])
    problems = [
        f"{told}: {listing(names)}"
        for names, told in (
            (missing, "missing"),
            (changed, f"not as it was written (its SHA-256 differs from {list_of})"),
            (strange, f"not listed in {list_of}"),
            (links, "a link and no file"),
        )
        if names
    ]
    if problems:
        raise WorkError(
            f"The files in {folder} are not those that graft wrote. {'; '.join(problems)}. They were damaged or "
            "changed: copy the folder again from where it was made, or make it anew."
        )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _sum_or_none(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def read_record(path: Path, kind: type[Record]) -> Record:
    """A JSON file as a record (a dataclass, a typed dictionary, a list of them), every field of its declared type.

    Raises `WorkError` that names the field where the file is missing, damaged or was changed.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WorkError(f"{path} is no regular file. Run graft fit again.")
        if path.stat().st_size > MOST_JSON:
            raise WorkError(f"{path} is larger than {MOST_JSON // 10**6} MB, which graft never writes. Do not use it.")
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise WorkError(f"{path} cannot be read: {explain(error)} Run graft fit again.") from error
    except ValidationError as error:
        found = error.errors()
        first = next((one for one in found if one["type"] != "missing"), found[0])  # of several kinds, the one it is
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WorkError(f"{path} was changed or damaged: {where}: {first['msg']}. Run graft fit again.") from error


def named_path(path: str | Path) -> Path:
    """The path that a person named; raises `RequestError` for an empty name, which would be the current folder."""
    if path == "":
        raise RequestError("A path is empty. Was a variable of a script not set? For the current folder write a point.")
    return Path(path)


def is_utf8(name: str) -> bool:
    """Whether a name can be written down everywhere."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

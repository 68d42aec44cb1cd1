"""From what a table writes about files to the files: as written, else by the end of the path, else by name."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from graft.data.columns import ENDINGS, is_address
from graft.data.walk import Walk
from graft.errors import RequestError, listing

DRIVE = re.compile(r"^(?:file://+)?[A-Za-z]:[\\/]")
MOST_INDEXED = 300_000  # files below the root that are known by their names
MOST_BESIDE = 200  # folders beside the table's own that are tried
TRIED = 20  # rows that say whether files lie in such a folder


@dataclass(frozen=True, slots=True)
class Located:
    """Where the files of rows lie: paths from `root` with forward slashes, also of those that were not found.

    `faults` says of rows why what they write is the path of no file; `remarks` how files were found that do not lie
    where the table says; `looked_in` where they were looked for. `found` counts rows whose file is there.
    """

    root: Path
    sources: list[str]
    faults: dict[int, str]
    remarks: list[str]
    found: int
    looked_in: tuple[Path, ...]


def locate(folder: Path, written: Sequence[str], asked: str | None = None) -> Located:
    """Find the files that rows name, from the table's folder or from the root that was asked for.

    Where none is there, the folder above and those beside the table's are tried. Raises `RequestError` for a root that
    is no folder.
    """
    root = folder.absolute() if asked is None else Path(asked).absolute()
    if not root.is_dir():
        raise RequestError(f"--root {asked} is no folder. Expected the folder that the paths in the table begin from.")
    faults = {row: reason for row, text in enumerate(written) if (reason := _no_path(text))}
    search = _Search(root)
    paths = [None if row in faults else search.find(text) for row, text in enumerate(written)]
    looked_in = [root]
    if asked is None and not any(paths):
        usable = [text for row, text in enumerate(written) if row not in faults]
        beside = _beside(root, usable)
        looked_in += [root.parent]
        if beside is not None:
            search = _Search(beside)
            paths = [None if row in faults else search.find(text) for row, text in enumerate(written)]
    return _from(root, search, written, paths, faults, tuple(looked_in))


def _from(
    root: Path,
    search: "_Search",
    written: Sequence[str],
    paths: Sequence[Path | None],
    faults: dict[int, str],
    looked_in: tuple[Path, ...],
) -> Located:
    base = search.root
    folders = {path.parent for path in paths if path is not None}
    if folders and not all(folder.is_relative_to(base) for folder in folders):
        base = Path(os.path.commonpath([str(folder) for folder in folders]))
    sources = []
    for text, path in zip(written, paths, strict=True):
        if path is None:
            path = _joined(search.root, text.replace("\\", "/"))
        sources.append(Path(os.path.relpath(path, base)).as_posix())
    remarks = search.remarks
    if search.root != root:
        remarks = [f"The files lie in {search.root}, and not beside the table.", *remarks]
    return Located(base, sources, faults, remarks, sum(path is not None for path in paths), looked_in)


class _Search:
    """Looks for files below one folder, and remembers how it found those that do not lie where the table says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.elsewhere: list[str] = []
        self.several = 0

    def find(self, text: str) -> Path | None:
        """The file that a cell means, or None."""
        direct = _joined(self.root, text)
        if _is_file(direct):
            return direct
        for tail in _tails(text):
            path = _joined(self.root, tail)
            if _is_file(path):
                self._told(text, path)
                return path
        named = self._by_name(text)
        if named is not None:
            self._told(text, named)
        return named

    @property
    def remarks(self) -> list[str]:
        """How files were found elsewhere, in words."""
        told = []
        if self.elsewhere:
            count = len(self.elsewhere)
            told.append(
                f"{count:,} of the files do not lie where the table says; they were found by the ends of their paths "
                f"or by their names: {listing(self.elsewhere, 3)}."
            )
        if self.several:
            rows = "1 row names a file" if self.several == 1 else f"{self.several:,} rows name files"
            told.append(f"{rows} of which several of the same name lie below {self.root}.")
        return told

    def _told(self, text: str, path: Path) -> None:
        self.elsewhere.append(f"{text} is {path.relative_to(self.root).as_posix()}")

    def _by_name(self, text: str) -> Path | None:
        """The one file below the root whose name, or name without its ending, is that of a path, in any case."""
        parts = [part.casefold() for part in _parts(text)]
        candidates = self._names.get(parts[-1], []) if parts else []
        agreeing = [(_agreement(path, self.root, parts), path) for path in candidates]
        most = max((count for count, _ in agreeing), default=0)
        best = [path for count, path in agreeing if count == most]
        if len(best) > 1:
            self.several += 1
        return best[0] if len(best) == 1 else None

    @cached_property
    def _names(self) -> dict[str, list[Path]]:
        names: dict[str, list[Path]] = defaultdict(list)
        for path in islice(Walk().files(self.root), MOST_INDEXED):
            if path.suffix.lower() in ENDINGS:
                names[path.name.casefold()].append(path)
                names[path.stem.casefold()].append(path)
        return dict(names)


def _beside(root: Path, written: Sequence[str]) -> Path | None:
    """The folder above, or one beside the table's, in which most of some rows' files lie."""
    try:
        inside = sorted(one for one in islice(root.parent.iterdir(), 10 * MOST_BESIDE) if one.is_dir() and one != root)
    except OSError:
        return None
    best, most = None, 0
    for folder in [root.parent, *inside[:MOST_BESIDE]]:
        found = sum(_is_file(_joined(folder, text)) for text in written[:TRIED])
        if found > most:
            best, most = folder, found
    return best


def _no_path(text: str) -> str:
    if not text:
        return "names no file"
    if is_address(text):
        return "an address on the web; graft fetches nothing"
    if "\0" in text or "\n" in text or len(text.encode()) > 4000 or any(len(p.encode()) > 255 for p in _parts(text)):
        return "no path of a file"
    return ""


def _joined(root: Path, text: str) -> Path:
    """The path from a root, without the steps . and .. in it."""
    return Path(os.path.normpath(root / text.removeprefix("file://")))


def _parts(text: str) -> list[str]:
    """The folders and the name of a path of any system."""
    bare = DRIVE.sub("", text).removeprefix("file://").replace("\\", "/")
    return [part for part in bare.split("/") if part not in ("", ".", "..")]


def _tails(text: str) -> Iterator[str]:
    """The path with forward slashes, without its drive, then without its first folders, one by one."""
    parts = _parts(text)
    for start in range(min(len(parts), 40)):
        yield "/".join(parts[start:])


def _agreement(path: Path, root: Path, parts: Sequence[str]) -> int:
    """How many folders above a file are called as in a written path, from its end."""
    own = [part.casefold() for part in path.relative_to(root).parts[:-1]]
    count = 0
    while count < min(len(own), len(parts) - 1) and own[-1 - count] == parts[-2 - count]:
        count += 1
    return count


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False

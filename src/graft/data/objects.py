"""What lies in memory, written once to a folder that is read like any other data: a table, and files beside it."""

import csv
import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from graft.data.column_names import FILES, TEXTS, simple
from graft.data.columns import ENDINGS, MOST, first_known, is_address, named_columns
from graft.data.in_memory import PAIR_NAMES, SAMPLE, Data, Held, Unread, held
from graft.data.located import DRIVE
from graft.data.written import Kind, cell_text, encoded, is_missing_value, kind_of, label_text, path_in
from graft.dataset.options import LoadOptions
from graft.errors import RequestError, WorkError, listing, plural
from graft.modalities.modality import UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Finding
from graft.storage import cache_folder, explain, json_bytes, named_path, read_record, sync_folder

TABLE = "labels.csv"
SAMPLES = "samples"
LEFT_OUT = "left-out.json"
IN_MEMORY: tuple[Kind, ...] = ("picture", "sound")
NOUNS = {"file": "path of a file"}


def is_path(data: Data) -> bool:
    """Whether data lie on disk already."""
    return isinstance(data, str | os.PathLike)


def beside(run: Path) -> Path:
    """Where the data of a run are written that lay in memory."""
    run = run if run.name else run.absolute()
    return run.with_name(f"{run.name}-data")


def as_path(data: Data, into: Path | None = None, options: LoadOptions | None = None, watch: Watch = SILENT) -> Path:
    """The path that reads these data: their own, or that of a table written into a folder.

    Without `into` the folder lies in the cache, named by its content. A folder that is there and holds the same is
    taken as it is; beside one that holds anything else the first free name is. Samples that cannot be written are left
    out, told, and listed in the folder. Raises `RequestError` for data of no use, and writes nothing then.
    """
    if is_path(data):
        return named_path(data)
    rows = held(data)
    parent = cache_folder() / "data" if into is None else into.parent
    try:
        with _staging(parent) as stage:
            sheet = _Sheet(rows, stage, options or LoadOptions())
            sheet.fill(watch)
            content = sheet.table()
            (stage / TABLE).write_bytes(content)
            if sheet.findings:
                (stage / LEFT_OUT).write_bytes(json_bytes([vars_of(one) for one in sheet.findings]))
            name = hashlib.sha256(content + b"".join(one.message.encode() for one in sheet.findings)).hexdigest()[:32]
            place = _published(stage, parent / name if into is None else into)
    except OSError as error:
        raise WorkError(f"Could not write the samples into {parent}: {explain(error)}") from error
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    watch.say(f"{plural(len(sheet.lines), 'sample')} written to {place} ({size / 1e6:,.1f} MB).")
    for finding in sheet.findings:
        watch.say(finding.message)
    return place / TABLE


def left_out(table: Path) -> list[Finding]:
    """What was left out when this table was written from memory, if it was."""
    listed = table.parent / LEFT_OUT
    return read_record(listed, list[Finding]) if table.name == TABLE and listed.is_file() else []


def vars_of(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON."""
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": finding.message,
        "sources": list(finding.sources),
    }


class _Sheet:
    """Rows as lines of text, with the samples that were written as files on the way."""

    def __init__(self, rows: Held, folder: Path, options: LoadOptions) -> None:
        self.rows = rows
        self.folder = folder
        self.options = options
        self.lines: list[list[str]] = []
        self.unreadable: list[str] = []
        self.unlabelled: list[str] = []
        named = named_columns(rows.names, options).label
        self.pairs = rows.names == PAIR_NAMES  # called as is asked for, since nobody gave them names
        self.label = 1 if self.pairs else rows.names.index(named) if named in rows.names else None
        self.sample: int | None = None  # the column that holds what no cell can
        self.begun = False
        self.first: tuple[Kind, int] | None = None  # the kind of that column, and the first sample that has it
        self.paths = 0  # of that column's texts, those that end as files do

    def fill(self, watch: Watch) -> None:
        """Take all rows, one at a time."""
        count = self.rows.count
        showing = nullcontext(lambda number: None) if count is None else watch.task("Writing samples", count, "samples")
        number = -1
        with showing as advance:
            for number, row in enumerate(self.rows.rows):
                try:
                    self._take(number, [row] if isinstance(row, Unread) else row)
                except UnreadableError as error:
                    self.unreadable.append(f"sample {number:,}: {error}")
                advance(1)
        if not self.lines:
            left = [*self.unreadable, *self.unlabelled]
            raise RequestError(
                f"None of the {number + 1:,} samples can be used: {listing(left, 3)}."
                if left
                else f"The {self.rows.noun} is empty: there are no samples in it."
            )

    def _take(self, number: int, row: Sequence[Any]) -> None:
        if isinstance(row[0], Unread):
            raise UnreadableError(row[0].reason)
        if self.sample is None:
            self.sample = self._column_in_memory(row)
            self._refuse_mixed(number)
        if not self.begun:
            self.begun = True
            self._begin()
        label = ""
        if self.label is not None:
            written = label_text(row[self.label], self._classes(self.label))
            if written is None:
                self.unlabelled.append(f"sample {number:,}")
                return
            label = written
        kind = None if self.sample is None else self._kind(number, row[self.sample])
        self.lines.append(
            [label if place == self.label else self._cell(place, value, kind) for place, value in enumerate(row)]
        )

    def _cell(self, place: int, value: Any, kind: Kind | None) -> str:
        if place == self.sample and kind in IN_MEMORY:
            return self._filed(value)
        return path_in(value) or cell_text(value, self._classes(place))

    def _classes(self, place: int) -> tuple[str, ...]:
        return self.rows.classes.get(self.rows.names[place], ())

    def _column_in_memory(self, row: Sequence[Any]) -> int | None:
        """The column that holds pictures or sounds; raises `RequestError` where several could be meant."""
        found = [place for place, value in enumerate(row) if kind_of(value) in IN_MEMORY]
        names = [self.rows.names[place] for place in found]
        if len(found) < 2 or self.options.file in names:
            return found[names.index(self.options.file or "") if self.options.file in names else 0] if found else None
        known = first_known(names, FILES)
        if known is None:
            raise RequestError(
                f"Several columns hold pictures or sounds: {listing(names)}. Name one: LoadOptions(file={names[0]!r})"
            )
        return found[names.index(known)]

    def _refuse_mixed(self, number: int) -> None:
        """Raise `RequestError` where a column has pictures or sounds from here on, and had something else before."""
        if self.sample is None:
            return
        before = next((row for row, line in enumerate(self.lines) if line[self.sample]), None)
        if before is not None:
            raise RequestError(
                f"The column {self.rows.names[self.sample]!r} holds several kinds: {self.lines[before][self.sample]!r} "
                f"in row {before:,}, and what is no text in row {number:,}. Make one data set of each kind."
            )

    def _begin(self) -> None:
        """Find the samples by their names where they are not known by what they are; raises where there are none."""
        named = named_columns(self.rows.names, self.options)
        if self.sample is not None or named.text is not None or named.file is not None:
            return
        if SAMPLE in self.rows.names:
            self.sample = self.rows.names.index(SAMPLE)
        else:
            raise RequestError(
                f"No column of the {self.rows.noun} says what the samples are. Its columns are: "
                f"{listing(self.rows.names, 12)}. Expected one called {listing(TEXTS, 3)} or {listing(FILES, 3)}, one "
                "that holds pictures, or its name: LoadOptions(text=...) or LoadOptions(file=...)."
            )

    def _kind(self, number: int, value: Any) -> Kind | None:
        """The kind of a sample; raises `RequestError` where it is another than that of those before it."""
        if is_missing_value(value):
            raise UnreadableError("there is no sample")
        kind = kind_of(value)
        if kind is None:
            raise UnreadableError(f"{type(value).__name__} {str(value)[:40]!r} is no sample")
        if kind == "text" and Path(value).suffix.lower() in ENDINGS:
            self.paths += 1
            if not os.path.isfile(os.path.join(self.options.root or "", value)):
                return kind  # a path that is wrong, or a text that ends so: most of them decide
            kind = "file"
        self.first = self.first or (kind, number)
        if kind != self.first[0]:
            before, now = (NOUNS.get(one, one) for one in (self.first[0], kind))
            raise RequestError(
                f"The samples are of several kinds: sample {self.first[1]:,} is a {before}, and sample {number:,} is a "
                f"{now}. Make one data set of each kind."
            )
        return kind

    def _filed(self, value: Any) -> str:
        """Write a sample into a file that is called by its content, and return its path in the folder."""
        one = encoded(value)
        path = self.folder / SAMPLES / f"{hashlib.sha256(one.content).hexdigest()[:32]}{one.suffix}"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(one.content)
        return f"{SAMPLES}/{path.name}"

    @property
    def findings(self) -> list[Finding]:
        """What was left out, and why."""
        found = []
        if self.unreadable:
            message = f"{plural(len(self.unreadable), 'sample')} left out: {listing(self.unreadable, 3)}."
            found.append(Finding("unreadable", "warning", message, tuple(self.unreadable)))
        if self.unlabelled:
            message = f"{plural(len(self.unlabelled), 'sample')} without a label left out: {listing(self.unlabelled)}."
            found.append(Finding("unlabelled", "warning", message, tuple(self.unlabelled)))
        if self.rows.left_out:
            message = f"Not read: {listing(self.rows.left_out)}."
            found.append(Finding("beside-parts", "warning", message, self.rows.left_out))
        return found

    def table(self) -> bytes:
        """The lines under the names of their columns, as CSV."""
        filled = self.first is not None and self.first[0] in IN_MEMORY
        names = [*self.rows.names]
        if self.sample is not None and (filled or names[self.sample] == SAMPLE):
            files = filled or self.paths > MOST * len(self.lines) or (self.first or ("text",))[0] == "file"
            names[self.sample] = (self.options.file if files else self.options.text) or ("file" if files else "text")
        if self.pairs and self.options.label is not None and "," not in self.options.label:
            names[1] = self.options.label
        kept = [place for place in range(len(names)) if self._is_kept(place, names, filled)]
        paths = None if filled or self.options.root is not None else named_columns(names, self.options).file
        file = io.StringIO(newline="")
        rows = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")  # else a lone \\r would end a row
        rows.writerow([names[place] for place in kept])
        for line in self.lines:
            rows.writerow([_absolute(line[place]) if names[place] == paths else line[place] for place in kept])
        return file.getvalue().encode("utf-8", "surrogatepass")

    def _is_kept(self, place: int, names: Sequence[str], filled: bool) -> bool:
        """Whether a column goes into the table: one that says something, and could not be taken for the samples."""
        if place in (self.label, self.sample):
            return True
        if filled and simple(names[place]) in FILES:
            return False
        return any(line[place] for line in self.lines)


def _absolute(path: str) -> str:
    """A path that holds wherever the table lies."""
    if not path or is_address(path) or DRIVE.match(path) or "\0" in path:
        return path
    return os.path.abspath(path.removeprefix("file://"))


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """A folder to write into, which is gone afterwards unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)
    stage = parent / f".{uuid.uuid4().hex}.written"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _published(stage: Path, place: Path) -> Path:
    """Rename a folder to its place; one that holds the same is kept, and one that holds anything else left alone."""
    number, candidate = 1, place
    while candidate.exists():
        if (candidate / TABLE).is_file() and _held_in(candidate) == _held_in(stage):
            return candidate
        number += 1
        candidate = place.with_name(f"{place.name}-{number}")
    try:
        stage.rename(candidate)
    except OSError:
        if not candidate.exists():
            raise
        return _published(stage, place)  # another process was there first
    sync_folder(candidate.parent)
    return candidate


def _held_in(folder: Path) -> dict[str, Any]:
    """The table of a folder, and the names and sizes of its other files, whose names say what they hold."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return {name: file.read_bytes() if name == TABLE else file.stat().st_size for name, file in files.items()}

"""A table of any format as columns of cells, with the rows that cannot be used told by their lines."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from graft.data.delimited import Fault, delimited_records
from graft.data.encoding import text_of
from graft.data.foreign_formats import refuse_foreign
from graft.data.json_lines import json_records, whole_document
from graft.data.parquet import parquet_columns
from graft.dataset.cells import Cells, cleaned, column_name
from graft.errors import DataError, RequestError
from graft.storage import explain

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Table:
    """The rows of a table that could be told apart, and those that could not.

    `lines` are where rows begin, as editors count (of Parquet: the row's number, its first row as 2, below a head);
    `values` gives a column as its reader found it.
    """

    path: Path
    names: tuple[str, ...]
    lines: list[int]
    values: Callable[[str], list[Any]]
    faults: list[Fault] = field(default_factory=list)
    skipped: tuple[str, ...] = ()  # lines above the head
    _cells: dict[str, Cells] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def cells(self, name: str) -> Cells:
        """A column, cleaned; read at most once."""
        if name not in self._cells:
            self._cells[name] = cleaned(self.values(name))
        return self._cells[name]

    def where(self, row: int) -> str:
        """The name of a row, by which it is found again: table and line."""
        return f"{self.path.name}:{self.lines[row]}"

    @cached_property
    def twice(self) -> frozenset[str]:
        """Names that several columns have."""
        return frozenset(name for name, count in Counter(self.names).items() if name and count > 1)


def read_table(path: Path, encoding: str | None = None, known: frozenset[str] = frozenset()) -> Table:
    """Read a table; `known` holds names that columns have, to tell a head from a comment.

    Raises `RequestError` where it cannot be read, and `DataError` where it is of another format, of another encoding,
    or without rows.
    """
    try:
        content = b"" if path.suffix.lower() == ".parquet" else path.read_bytes()
        if not content:
            with path.open("rb") as file:
                content = file.read(100)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {explain(error)}") from error
    refuse_foreign(path, content)
    if path.suffix.lower() == ".parquet":
        names, rows, column = parquet_columns(path)
        return Table(path, names, list(range(2, rows + 2)), column)
    text = text_of(path, content, encoding)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _of_objects(path, text)
    return _of_records(path, text, known)


def _of_records(path: Path, text: str, known: frozenset[str]) -> Table:
    records = delimited_records(text, path.suffix.lower() == ".tsv", known)
    places = {name: place for place, name in reversed([*enumerate(records.names)])}

    def column(name: str) -> list[Any]:
        return [fields[places[name]] for fields in records.fields]

    if not records.fields and not records.faults:
        raise DataError(path, ["The table has no rows under its head."])
    return Table(path, records.names, records.lines, column, records.faults, records.skipped)


def _of_objects(path: Path, text: str) -> Table:
    lines, objects, faults = json_records(text)
    if not objects:
        told = [f"Line {fault.line:,}: {fault.reason}." for fault in faults[:3]] or ["The table has no rows."]
        raise DataError(path, [*told, *filter(None, [whole_document(text) if faults else ""])])
    keys = dict.fromkeys(key for one in objects for key in one)
    written = {column_name(key): key for key in reversed(keys)}

    def column(name: str) -> list[Any]:
        return [one.get(written[name]) for one in objects]

    return Table(path, tuple(reversed(written)), lines, column, faults)

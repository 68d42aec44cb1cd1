"""The rows of a table as text: CSV, TSV, JSON lines or Parquet."""

import csv
import io
from pathlib import Path
from typing import Any

from graft.data.bounds import bounded_table, parsed
from graft.errors import DataError, RequestError, WorkError
from graft.storage import explain

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MOST_FIELD = 100_000_000  # characters of one field: what is too long for a text is told of that row alone

Row = dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """All rows of a table as text, without changing any; raises `RequestError` where it cannot be read."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    try:
        content = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")  # a broken row is told as that row
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {explain(error)}") from error
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path, content)
    csv.field_size_limit(MOST_FIELD)
    delimiter = "\t" if suffix == ".tsv" else _delimiter(content)
    try:
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
        rows = [{name: value or "" for name, value in row.items() if name is not None} for row in reader]
    except csv.Error as error:
        raise RequestError(f"{path} is no table that can be read: {error} (row {reader.line_num:,}).") from error
    if not rows:
        raise DataError(path, ["The table has no rows under its head."])
    return rows


def _delimiter(content: str) -> str:
    head = content.partition("\n")[0]
    return max((",", ";", "\t"), key=head.count)


def _json_lines(path: Path, content: str) -> list[Row]:
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: Any = parsed(line)
        except ValueError as error:
            raise RequestError(f"{path} line {number:,} is no JSON: {error}.") from error
        if not isinstance(row, dict):
            raise RequestError(f"{path} line {number:,} is no JSON object with the columns as names.")
        rows.append({str(name): "" if value is None else str(value) for name, value in row.items()})
    if not rows:
        raise DataError(path, ["The table has no rows."])
    names = set().union(*rows)
    return [{name: row.get(name, "") for name in names} for row in rows]


def _parquet(path: Path) -> list[Row]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise WorkError("Parquet needs an extra. Install it with: pip install 'graft-ml[parquet]'") from error
    try:
        table = bounded_table(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise RequestError(f"{path} cannot be read as Parquet: {error}.") from error
    if not table.num_rows:
        raise DataError(path, ["The table has no rows."])
    if any(pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind) for kind in table.schema.types):
        raise DataError(
            path, [f"It holds files inside ({', '.join(table.schema.names)}); graft reads texts and paths of files."]
        )
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in table.to_pylist()]

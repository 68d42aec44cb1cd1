"""split.csv: which sample is in which part."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from graft.errors import WorkError
from graft.escaping import cell, cell_text
from graft.records import PARTS

COLUMNS = ("source", "class", "part", "group", "sha256")


def split_bytes(rows: Iterable[tuple[str, str, str, str, str]]) -> bytes:
    """Source, class, part, group and content hash of every sample, as CSV.

    A spreadsheet that opens it computes nothing: what looks like a formula gets an apostrophe, which `split_rows` takes
    away again.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def split_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a split; raises `WorkError` for what `split_bytes` would not have written."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            whole = tuple(reader.fieldnames or ()) == COLUMNS
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise WorkError(f"{path} was changed or damaged ({error}). Run graft fit again.") from error
    whole = whole and all(len(row) == len(COLUMNS) and None not in row.values() for row in rows)
    if not whole or not {row["part"] for row in rows} <= {*PARTS}:
        raise WorkError(f"{path} was changed or damaged: not the columns and parts of a split. Run graft fit again.")
    return [{name: cell_text(value) for name, value in row.items()} for row in rows]

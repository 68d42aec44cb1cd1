"""What a table may take: bounds on what is small on disk and large in memory."""

import json
from pathlib import Path
from typing import Any

from graft.errors import DataError
from graft.limits import most

PART = 4096  # rows that are read between two looks at how much text there is


def parsed(line: str) -> Any:
    """One line of JSON; raises `ValueError` for whatever is wrong with it."""
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def bounded_table(path: Path) -> Any:
    """A Parquet table, as pyarrow has it; raises `DataError` for one that would fill the memory, before it does.

    What repeats is stored once, so that neither the file's size nor what its metadata say of it bounds the text.
    """
    import pyarrow
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        head, schema = file.metadata, file.schema_arrow
        _refuse(path, head.num_rows, most("GRAFT_MOST_ROWS"), "rows", "GRAFT_MOST_ROWS")
        stored = sum(head.row_group(number).total_byte_size for number in range(head.num_row_groups))
        largest = most("GRAFT_MOST_TABLE_MB")
        _refuse(path, stored // 10**6, largest, "MB", "GRAFT_MOST_TABLE_MB")
    repeated = [field.name for field in schema if _is_text(field.type)]
    parts, size = [], 0
    with pyarrow.parquet.ParquetFile(path, read_dictionary=repeated) as file:
        for part in file.iter_batches(PART):
            size += sum(_text_bytes(column) for column in part.columns)
            _refuse(path, size // 10**6, largest, "MB of text", "GRAFT_MOST_TABLE_MB")
            parts.append(part)
        return pyarrow.Table.from_batches(parts, file.schema_arrow)


def _is_text(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _text_bytes(column: Any) -> int:
    """How much text the rows of a column hold, where each is written out."""
    import pyarrow
    import pyarrow.compute

    if not pyarrow.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pyarrow.compute.binary_length(column.dictionary)
    return int(pyarrow.compute.sum(lengths.take(column.indices)).as_py() or 0)


def _refuse(path: Path, count: int, largest: int, unit: str, variable: str) -> None:
    if count > largest:
        raise DataError(
            path,
            [
                f"It holds {count:,} {unit} or more; graft reads up to {largest:,} of a Parquet table. Take a part of "
                f"it, or set the environment variable {variable} to more if the memory is there."
            ],
        )

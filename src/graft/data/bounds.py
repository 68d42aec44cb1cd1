"""What a Parquet table may take: bounds on what is small on disk and large in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graft.errors import DataError
from graft.modalities.limits import most

PART = 4096  # rows that are read between two looks at how much text there is


def refuse_size(path: Path, metadata: Any) -> None:
    """Raise `DataError` for a table whose own description says that it is too large."""
    _refuse(path, metadata.num_rows, most("GRAFT_MOST_ROWS"), "rows", "GRAFT_MOST_ROWS")
    stored = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    _refuse(path, stored // 10**6, most("GRAFT_MOST_TABLE_MB"), "MB", "GRAFT_MOST_TABLE_MB")


def bounded_parts(path: Path, name: str) -> Iterator[Any]:
    """A column as pyarrow has it, some rows at a time; raises `DataError` before its text would fill the memory.

    What repeats is stored once, so that neither the file's size nor what its metadata say of it bounds the text.
    """
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        repeated = [name] if _is_text(file.schema_arrow.types[file.schema_arrow.names.index(name)]) else None
    size = 0
    with pyarrow.parquet.ParquetFile(path, read_dictionary=repeated) as file:
        for part in file.iter_batches(PART, columns=[name]):
            column = part.column(0)
            size += _text_bytes(column)
            _refuse(path, size // 10**6, most("GRAFT_MOST_TABLE_MB"), "MB of text", "GRAFT_MOST_TABLE_MB")
            yield column


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

"""Parquet: the names of the columns, and each column when it is asked for; the others stay unread."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from graft.data.bounds import bounded_parts, refuse_size
from graft.dataset.cells import Unusable, column_name
from graft.errors import DataError, GraftError, RequestError, WorkError, plural

Column = Callable[[str], list[Any]]


def parquet_columns(path: Path) -> tuple[tuple[str, ...], int, Column]:
    """The names of the columns, the number of rows, and what reads a column by its name.

    Raises `RequestError` for a file that cannot be read, also later, when a column is read.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise WorkError("Parquet needs an extra. Install it with: pip install 'graft-ml[parquet]'") from error
    file = _guarded(path, lambda: pyarrow.parquet.ParquetFile(path))
    written = {column_name(str(name)): str(name) for name in reversed(_guarded(path, lambda: file.schema_arrow.names))}
    names = tuple(column_name(str(name)) for name in file.schema_arrow.names)
    refuse_size(path, file.metadata)
    rows = int(file.metadata.num_rows)
    if not rows:
        raise DataError(path, ["The table has no rows."])

    def column(name: str) -> list[Any]:
        values: list[Any] = _guarded(path, lambda: _values(path, written[name]))
        if len(values) != rows:
            raise RequestError(
                f"{path} cannot be read as Parquet: it says that it has {plural(rows, 'row')}, and its column {name} "
                f"holds {plural(len(values), 'value')}. It is damaged: write it anew."
            )
        return values

    return names, rows, column


def _values(path: Path, name: str) -> list[Any]:
    values: list[Any] = []
    for part in bounded_parts(path, name):
        values += _listed(part)
    return values


def _listed(column: Any) -> list[Any]:
    import pyarrow

    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:  # a text of some row is no UTF-8: it is told of that row alone
        plain = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
        raw = plain.cast(pyarrow.binary()).to_pylist()
        values = [one if one is None else one.decode("utf-8", "surrogateescape") for one in raw]
    except (OverflowError, ValueError):  # a date of some row lies beyond what Python counts: so is this
        values = [_alone(one) for one in column]
    return values


def _alone(value: Any) -> Any:
    try:
        return value.as_py()
    except (OverflowError, ValueError) as error:
        return Unusable(f"{value.type} that cannot be read ({error})")


def _guarded(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` gives; whatever the library raises on a damaged file is told as such."""
    try:
        return read()
    except GraftError:
        raise
    except MemoryError as error:
        raise RequestError(f"{path} does not fit into memory.") from error
    except Exception as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(f"{path} cannot be read as Parquet: {told}.") from error

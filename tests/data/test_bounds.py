"""Tables that are small on disk and large in memory."""

import pyarrow
import pyarrow.parquet
import pytest

from graft.data.rows import read_table
from graft.errors import DataError


def parquet(path, rows: int, text: str):
    table = pyarrow.table({"text": [text] * rows, "label": ["a", None] * (rows // 2)})
    pyarrow.parquet.write_table(table, path, compression="zstd")
    return path


def test_what_is_within_the_bounds_is_read_as_it_was(tmp_path):
    table = read_table(parquet(tmp_path / "one.parquet", 10_000, "löwe"))
    assert len(table) == 10_000
    assert table.values("text")[-1] == "löwe"
    assert table.values("label")[:2] == ["a", None]


def test_too_many_rows_are_refused_with_the_way_to_raise_it(tmp_path, monkeypatch):
    path = parquet(tmp_path / "one.parquet", 2_000, "a")
    monkeypatch.setenv("GRAFT_MOST_ROWS", "1000")
    with pytest.raises(DataError, match=r"2,000 rows.*GRAFT_MOST_ROWS"):
        read_table(path)


def test_text_that_repeats_is_counted_as_often_as_it_is_said(tmp_path, monkeypatch):
    path = parquet(tmp_path / "one.parquet", 20_000, "x" * 1_000)  # 20 MB of text
    assert path.stat().st_size < 100_000
    monkeypatch.setenv("GRAFT_MOST_TABLE_MB", "5")
    with pytest.raises(DataError, match="GRAFT_MOST_TABLE_MB"):
        read_table(path).values("text")

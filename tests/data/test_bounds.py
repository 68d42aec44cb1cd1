"""Tables that are small on disk and large in memory."""

import json
import time

import pyarrow
import pyarrow.parquet
import pytest

from graft.data.rows import read_table
from graft.errors import DataError, RequestError


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


@pytest.mark.parametrize(
    ("kind", "far"), [(pyarrow.date32(), 2**30), (pyarrow.timestamp("us"), 2**62), (pyarrow.timestamp("s"), 2**50)]
)
def test_a_date_that_python_cannot_count_costs_its_own_row(tmp_path, kind, far):
    values = pyarrow.array([0, 0, far, 0], kind)
    table = pyarrow.table({"text": ["a", "b", "c", "d"], "label": values})
    pyarrow.parquet.write_table(table, tmp_path / "one.parquet")
    cells = read_table(tmp_path / "one.parquet").cells("label")
    assert list(cells.faults) == [2]
    assert "cannot be read" in cells.faults[2]
    assert cells.texts[0].startswith("1970-01-01")


def test_many_columns_are_read_in_a_moment(tmp_path):
    """An export with an identifier in the name of each key: names were once compared with one another."""
    rows = (json.dumps({f"c{row}_{at}": 1 for at in range(50)} | {"text": f"word {row}"}) for row in range(2_000))
    (tmp_path / "one.jsonl").write_text("\n".join(rows))
    began = time.process_time()
    assert not read_table(tmp_path / "one.jsonl").twice
    assert time.process_time() - began < 20


def test_a_column_shorter_than_the_table_is_told_as_damage(tmp_path):
    path = parquet(tmp_path / "one.parquet", 12, "löwe")
    whole, changed = path.read_bytes(), b",\x15\x00\x15\x10"
    assert whole.count(b",\x15\x18\x15\x10") == 2  # the header of a page with 12 values
    path.write_bytes(whole.replace(b",\x15\x18\x15\x10", changed, 1))
    with pytest.raises(RequestError, match="12 rows, and its column text holds 0 values"):
        read_table(path).values("text")
    assert read_table(path).values("label")[:2] == ["a", None]

"""Whatever bytes a table holds and whatever files are called: a data set, or an error that explains itself."""

import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import draw
from graft.data import load
from graft.data.rows import TABLES
from graft.data.table import contents_of, rows_as
from graft.dataset.options import LoadOptions
from graft.errors import GraftError
from graft.storage import is_utf8

MOST_GROWTH = 1_000_000  # kilobytes that the process may grow by
CHECKS = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
FEW = settings(max_examples=60, deadline=5000, suppress_health_check=CHECKS, database=None, derandomize=True)
MANY = settings(FEW, max_examples=700, derandomize="GRAFT_FUZZ" not in os.environ)  # set: other cases every time

PIECES = (
    *("", " ", "text", "label", "file", "light", "music", '"', '""', "nan", "None", "a\nb", "\0", "\ufeff", "\u2028"),
    *("é", "e\u0301", "1.0", "train", "test", "images/0.png", "..\\0.png", "https://a.b/0.png", "x" * 300, "\ud83d"),
    *("\x1b[0m", "light\u200b", "9" * 400, "/dev/null", "/dev/zero.png", "../../..", "."),
)
odd = st.text(st.characters(codec=None), max_size=12) | st.sampled_from(PIECES)
encodings = st.sampled_from(["utf-8", "utf-16", "utf-32", "gb18030", "cp932", "latin-1", "utf-16-le", "utf-8-sig"])


@st.composite
def delimited(draw_):
    """A table that is nearly right, in some encoding, with some bytes of it changed."""
    between = draw_(st.sampled_from([",", ";", "\t", "|"]))
    ends = draw_(st.sampled_from(["\n", "\r\n", "\r"]))
    head = draw_(st.sampled_from(["text,label", "file,label", "label,text,split", "text,label,text", "a,b", ""]))
    rows = draw_(st.lists(st.lists(odd, min_size=1, max_size=4), max_size=8))
    lines = [head.replace(",", between), *(between.join(row) for row in rows)]
    return changed(draw_, ends.join(lines).encode(draw_(encodings), "replace"))


@st.composite
def objects(draw_):
    """JSON lines that are nearly right."""
    value = st.recursive(odd | st.none() | st.booleans() | st.floats() | st.integers(), st.lists, max_leaves=4)
    rows = draw_(st.lists(st.dictionaries(odd, value, max_size=4), max_size=8))
    return changed(draw_, "\n".join(json.dumps(row) for row in rows).encode())


def changed(draw_, content):
    content = bytearray(content)
    for place, byte in draw_(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3)):
        if content:
            content[place % len(content)] = byte
    return bytes(content[: draw_(st.sampled_from([None, None, None, len(content) // 2]))])


def tried(path):
    """Read a table in all ways; only errors that explain themselves may come, in words that can be written down."""
    told = []
    for read in (load, lambda path: rows_as("text", path), lambda path: rows_as("image", path)):
        try:
            found = read(path)
        except GraftError as error:
            told.append(str(error))
        else:
            told += [one.message for one in getattr(found, "findings", ())]
            if read is load:
                contents_of(path, found.sources[:3], LoadOptions(), found.modality.name)
    assert all(is_utf8(one) for one in told)


def written(folder, suffix, content):
    path = folder / f"a{suffix}"
    path.write_bytes(content)
    return path


def a_parquet() -> bytes:
    import io

    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    into = io.BytesIO()
    parquet.write_table(
        pyarrow.table({"text": ["a", "b", "c"] * 4, "label": ["x", "y", "z"] * 4, "e": [[1]] * 12}), into
    )
    return into.getvalue()


@st.composite
def parquets(draw_):
    return changed(draw_, a_parquet())


def names_of_folders():
    return st.lists(st.tuples(odd, odd), min_size=1, max_size=6)


def make_folder(root, names):
    for number, (folder, file) in enumerate(names):
        inside = os.fsencode(root / "data") + b"/" + os.fsencode(without(folder)) + b"/" + os.fsencode(without(file))
        try:
            os.makedirs(os.path.dirname(inside), exist_ok=True)
            Path(os.fsdecode(inside + f"{number}.png".encode())).write_bytes(PICTURE[0])
        except OSError:
            continue  # too long for a name


def without(name):
    """A name that the file system takes."""
    return name.encode("utf-8", "replace").decode().replace("/", "").replace("\0", "")[:60] or "x"


PICTURE = [b""]


@pytest.fixture(autouse=True)
def picture(tmp_path):
    PICTURE[0] = draw(tmp_path / "one.png", (10, 20, 30), 1, 8).read_bytes()


@pytest.fixture(autouse=True)
def bounded():
    """No case may take more than a gigabyte."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH


def battery(how):
    """The same tests with fewer or with more cases."""

    class Battery:
        @how
        @given(content=delimited() | st.binary(max_size=300), suffix=st.sampled_from([".csv", ".tsv"]))
        def test_delimited(self, tmp_path, content, suffix):
            tried(written(tmp_path, suffix, content))

        @how
        @given(content=objects() | st.binary(max_size=300))
        def test_json_lines(self, tmp_path, content):
            tried(written(tmp_path, ".jsonl", content))

        @how
        @given(content=parquets())
        def test_parquet(self, tmp_path, content):
            tried(written(tmp_path, ".parquet", content))

        @how
        @given(content=delimited() | objects() | parquets(), suffix=st.sampled_from(TABLES))
        def test_another_format_than_the_name_says(self, tmp_path, content, suffix):
            tried(written(tmp_path, suffix, content))

        @how
        @given(names=names_of_folders())
        def test_names_of_folders_and_files(self, tmp_path_factory, names):
            root = tmp_path_factory.mktemp("odd")
            make_folder(root, names)
            told = ""
            try:
                load(root / "data")
            except GraftError as error:
                told = str(error)
            assert is_utf8(told)

    return Battery


class TestFewCases(battery(FEW)):
    """What every run of the tests tries."""


@pytest.mark.slow
class TestManyCases(battery(MANY)):
    """The battery: 3,500 cases, the same ones every time unless GRAFT_FUZZ is set."""

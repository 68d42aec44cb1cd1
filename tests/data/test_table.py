"""Tables as people have them."""

import json

import pytest

from graft.data import LoadOptions, load
from graft.data.rows import read_table
from graft.data.table import contents_of
from graft.errors import DataError, RequestError

GREETINGS = ["hello", "good morning", "hi there", "good day", "welcome"]
FAREWELLS = ["goodbye", "see you", "until later", "farewell", "so long"]
ROWS = [*((text, "greeting") for text in GREETINGS), *((text, "farewell") for text in FAREWELLS)]


def write(path, rows, head=("text", "label"), delimiter=","):
    path.write_text("\n".join(delimiter.join(one) for one in [head, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")], ids=["comma", "semicolon", "tab"]
)
def test_texts_of_a_table(tmp_path, name, delimiter):
    data = load(write(tmp_path / name, ROWS, delimiter=delimiter))
    assert data.modality.name == "text"
    assert data.classes == ("farewell", "greeting")
    assert sorted(data.texts) == sorted(text for text, _ in ROWS)
    row = data.texts.index("hello")
    assert data.sources[row] == f"{name}:2"
    assert data.content(row) == b"hello"
    assert data.pointed_at == (tmp_path / name).absolute()


def test_json_lines_and_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    lines = [json.dumps({"utterance": text, "intent": label}) for text, label in ROWS]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    table = pyarrow.table({"sentence": [text for text, _ in ROWS], "class": [label for _, label in ROWS]})
    parquet.write_table(table, tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert len(load(tmp_path / name)) == 10


def test_tables_beside_a_train_table_are_its_parts(tmp_path):
    write(tmp_path / "train.csv", ROWS)
    write(tmp_path / "valid.csv", [("hey", "greeting"), ("ciao", "farewell")])
    write(tmp_path / "test.csv", [("good evening", "greeting"), ("bye", "farewell")])
    write(tmp_path / "other.csv", [("x", "greeting")])
    data = load(tmp_path / "train.csv")
    assert [data.count(part) for part in ("train", "val", "test")] == [10, 2, 2]
    assert data.split == "given"
    assert any(finding.kind == "parts-beside" for finding in data.findings)


def test_columns_by_name_or_as_told(tmp_path):
    path = write(tmp_path / "a.csv", ROWS, head=("Zeile", "Art"))
    with pytest.raises(DataError, match="No column says what the samples are"):
        load(path)
    assert len(load(path, LoadOptions(text="Zeile", label="Art"))) == 10
    with pytest.raises(DataError, match="There is no column 'Wort'"):
        load(path, LoadOptions(text="Wort", label="Art"))


def test_a_column_of_groups_and_one_of_parts(tmp_path):
    rows = [(text, label, f"writer {number % 4}") for number, (text, label) in enumerate(ROWS)]
    data = load(write(tmp_path / "a.csv", rows, head=("text", "label", "writer")), LoadOptions(group="writer"))
    assert set(data.groups) == {f"writer {number}" for number in range(4)}
    rows = [(text, label, "test" if number % 5 == 0 else "train") for number, (text, label) in enumerate(ROWS)]
    data = load(write(tmp_path / "b.csv", rows, head=("text", "label", "split")))
    assert [data.count(part) for part in ("train", "test")] == [8, 2]
    rows = [(text, label, "somewhere") for text, label in ROWS]
    data = load(write(tmp_path / "c.csv", rows, head=("text", "label", "split")))
    assert data.split == "made"
    assert any(finding.kind == "no-parts" and "somewhere" in finding.message for finding in data.findings)
    rows[0] = ("hello", "greeting", "train")
    with pytest.raises(DataError, match=r"parts that graft does not know: somewhere \(the first: d.csv:3\)"):
        load(write(tmp_path / "d.csv", rows, head=("text", "label", "split")))


def test_files_named_by_a_table(folder, tmp_path):
    root = folder(lemon=4, plum=4)
    rows = [(f"{name}/{number}.png", name) for name in ("lemon", "plum") for number in range(4)]
    rows.append(("plum/gone.png", "plum"))
    data = load(write(root / "samples.csv", rows, head=("file", "label")))
    assert data.modality.name == "image"
    assert len(data) == 8
    assert any("plum/gone.png: no such file" in finding.sources[0] for finding in data.findings if finding.sources)


def test_rows_of_no_use_are_told_one_by_one(tmp_path):
    path = tmp_path / "a.csv"
    lines = ["text,label", *(",".join(row) for row in ROWS), ",greeting", "lost,", "caf\udce9,greeting"]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    data = load(path)
    assert len(data) == 10
    told = {source for finding in data.findings for source in finding.sources}
    assert "a.csv:12: empty" in told
    assert "a.csv:13" in told
    assert any(source.startswith("a.csv:14: not UTF-8") for source in told)


def test_numbers_are_no_texts(tmp_path):
    rows = [(f"{number}.5", label) for number, (_, label) in enumerate(ROWS)]
    with pytest.raises(DataError, match="holds numbers in 10 of 10 rows"):
        load(write(tmp_path / "a.csv", rows))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\n", "no rows"),
        ("a.csv", 'text,label\n"open,x\n', "a quotation mark that is not closed"),
        ("a.jsonl", "{broken", "no JSON"),
        ("a.jsonl", "[1, 2]", "no JSON object"),
        ("a.parquet", "no parquet", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_table(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises((DataError, RequestError), match=message):
        load(tmp_path / name)


def test_the_same_content_is_found_again_by_its_name(tmp_path):
    path = write(tmp_path / "a.csv", ROWS)
    assert contents_of(path, ["a.csv:3", "a.csv:99"], LoadOptions()) == [b"good morning", None]
    assert len(read_table(path)) == 10

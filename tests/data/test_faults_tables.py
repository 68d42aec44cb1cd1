"""Tables as they come from spreadsheets, pandas, Kaggle and other machines: each stands for a kind that was seen."""

import json

import pytest

from conftest import draw
from graft.data import LoadOptions, load
from graft.data.table import contents_of, rows_as
from graft.errors import DataError
from graft.modalities.modality import UnreadableError

WORDS = ("kitchen lamp", "hall light", "bedroom light", "garden lamp", "cellar light", "office lamp", "bath light")
TEXTS = [(f"turn on the {word}", "light") for word in WORDS] + [(f"play {word} music", "music") for word in WORDS]


def table(path, rows=TEXTS, head="text,label", encoding="utf-8", ends="\n", between=","):
    lines = [
        *([head] if head is not None else []),
        *(one if isinstance(one, str) else between.join(one) for one in rows),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((ends.join(lines) + ends).encode(encoding))
    return path


def json_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def as_objects(texts=TEXTS):
    return [{"text": text, "label": label} for text, label in texts]


def told(path, options=None):
    """Everything that is said of a table that cannot be used."""
    with pytest.raises(DataError) as caught:
        load(path, options)
    return str(caught.value)


def findings(dataset, kind):
    return [finding for finding in dataset.findings if finding.kind == kind]


def left_out(dataset):
    return {source.partition(": ")[0] for finding in dataset.findings for source in finding.sources}


def pictures(root, count=5):
    for number in range(count):
        for place, name in enumerate(("circle", "square")):
            draw(root / f"{name}_{number}.jpg", (200 - 150 * place, 60, 60), 10 * number + place, 24)
    return [(f"{name}_{number}.jpg", name) for name in ("circle", "square") for number in range(count)]


def pictures_table(root, write, head="file,label"):
    """Pictures in a folder images beside a table that names them in the way of `write`."""
    return table(root / "labels.csv", [(write(name), label) for name, label in pictures(root / "images")], head)


@pytest.mark.parametrize(
    "write",
    ["images\\{}", "C:\\Users\\ann\\images\\{}", "file:///C:/data/images/{}", "/home/ann/images/{}", "data/images/{}"],
    ids=["backslashes", "drive-letter", "address-of-a-file", "another-machine", "a-folder-too-much"],
)  # f01, f01b
def test_paths_of_another_system_are_found_by_their_ends(tmp_path, write):
    dataset = load(pictures_table(tmp_path, write.format))
    assert len(dataset) == 10
    assert dataset.sources[0] == "images/circle_0.jpg"
    assert "images/circle_0.jpg" in findings(dataset, "found-elsewhere")[0].message


def test_addresses_on_the_web_are_told(tmp_path):  # f02
    assert "graft fetches nothing" in told(pictures_table(tmp_path, "https://example.org/images/{}".format))
    path = pictures_table(tmp_path, "images/{}".format)
    path.write_text(path.read_text() + "https://example.org/a.jpg,circle\n")
    assert "labels.csv:12" in left_out(load(path))


@pytest.mark.parametrize("head", ["image_path,label", "img,labels", "Image Path,Class", "文件,标签"])  # f03, f03c
def test_more_names_of_columns_are_known(tmp_path, head):
    assert len(load(pictures_table(tmp_path, "images/{}".format, head))) == 10


def test_any_column_of_files_can_be_named_and_paths_are_no_texts(tmp_path):  # f03
    path = pictures_table(tmp_path, "images/{}".format, "where,label")
    assert "add --file 'text'" in told(pictures_table(tmp_path / "b", "images/{}".format, "text,label"))
    assert "name it with --file 'where'" in told(path)
    assert "add --file 'where'" in told(path, LoadOptions(text="where"))
    assert len(load(path, LoadOptions(file="where"))) == 10
    assert "There is no column 'were'. Was 'where' meant?" in told(path, LoadOptions(file="were"))


def test_names_without_endings_or_in_other_capitals_are_found_and_told(tmp_path):  # f04
    dataset = load(pictures_table(tmp_path, lambda name: name.removesuffix(".jpg").upper()))
    assert len(dataset) == 10
    assert "CIRCLE_0 is images/circle_0.jpg" in findings(dataset, "found-elsewhere")[0].message


def test_a_name_that_several_files_have_is_told(tmp_path):
    rows = [(f"elsewhere/{name}", label) for name, label in pictures(tmp_path / "images")]
    for folder in ("one", "two"):
        draw(tmp_path / folder / "twice.jpg", (1, 2, 3), 99, 24)
    dataset = load(table(tmp_path / "a.csv", [*rows, ("x/twice.jpg", "circle")], "file,label"))
    assert len(dataset) == 10
    assert "1 row names a file of which several of the same name lie below" in str(findings(dataset, "found-elsewhere"))


def test_files_in_another_folder_are_found_or_named_with_root(tmp_path):  # f05
    rows = pictures(tmp_path / "audio")
    path = table(tmp_path / "meta" / "labels.csv", rows, "filename,category")
    dataset = load(path)
    assert dataset.root == tmp_path / "audio"
    assert "The files lie in" in findings(dataset, "found-elsewhere")[0].message
    far = table(tmp_path / "a" / "b" / "labels.csv", rows, "filename,category")
    message = told(far)
    assert f"Looked for 'circle_0.jpg' in {tmp_path / 'a' / 'b'}" in message
    assert "--root DIR" in message
    dataset = load(far, LoadOptions(root=str(tmp_path / "audio")))
    assert len(dataset) == 10
    options = LoadOptions(root=str(tmp_path / "audio"))
    assert contents_of(far, dataset.sources[:1], options, "image") == [tmp_path / "audio" / dataset.sources[0]]


@pytest.mark.parametrize("write", ["./images/{}", "images/{}", "images/../images/{}"])  # f08, f08c
def test_the_same_file_in_two_rows_is_a_copy_or_a_contradiction(tmp_path, write):
    path = pictures_table(tmp_path, write.format)
    path.write_text(path.read_text() + "images/circle_0.jpg,circle\nimages/circle_1.jpg,square\n")
    dataset = load(path)
    assert len(dataset) == 9
    assert findings(dataset, "duplicate")[0].sources == ("labels.csv:12 = labels.csv:2",)
    assert findings(dataset, "contradictory")[0].sources == ("labels.csv:3 (circle) = labels.csv:13 (square)",)


def test_of_the_same_file_in_two_parts_the_protected_one_stays(tmp_path):
    rows = [(f"images/{name}", label, "train") for name, label in pictures(tmp_path / "images")]
    rows += [("images/circle_0.jpg", "circle", "test"), ("images/square_0.jpg", "square", "test")]
    dataset = load(table(tmp_path / "labels.csv", rows, "file,label,split"))
    assert [dataset.count(part) for part in ("train", "test")] == [8, 2]


def test_folders_that_look_alike_are_told(tmp_path):  # i08
    for name in ("circle", "circle ", "square"):
        for number in range(3):
            draw(tmp_path / name / f"{number}.png", (200, 60, 60), 100 * len(name) + number, 24)
    assert "'circle' (3) and 'circle ' (3) look alike" in told(tmp_path)


def test_rows_of_more_or_fewer_fields_are_told_and_left_out(tmp_path):  # t01
    dataset = load(table(tmp_path / "a.csv", [*TEXTS, "please, play some jazz,music", "alone", "trailing,music,"]))
    assert len(dataset) == 15
    assert left_out(dataset) == {"a.csv:16", "a.csv:17"}
    assert "3 fields where the head has 2 (a.csv:16)" in findings(dataset, "unreadable")[0].message


def test_a_space_before_the_quotation_mark(tmp_path):  # t01b
    dataset = load(table(tmp_path / "a.csv", [f'{label}, "{text}, please"' for text, label in TEXTS], "label, text"))
    assert dataset.texts[0] == "turn on the kitchen lamp, please"
    message = told(table(tmp_path / "b.csv", [f'"{text}" x,{label}' for text, label in TEXTS]))
    assert "a quotation mark at the beginning of a field that does not end it" in message


def test_no_text_is_cut_where_the_label_stands_first(tmp_path):  # t01d
    message = told(table(tmp_path / "a.csv", [f"{label},{text}, please" for text, label in TEXTS], "label,text"))
    assert "14 rows of a.csv" in message
    assert "needs quotation marks around it" in message


def test_json_lines_end_at_line_feeds_alone(tmp_path):  # t02
    odd = [("turn on\u2028the light", "light"), ("play\x85jazz", "music"), ("play\x0bfunk\x1c", "music")]
    dataset = load(json_lines(tmp_path / "a.jsonl", as_objects([*TEXTS, *odd])))
    assert len(dataset) == 17
    assert "turn on\u2028the light" in dataset.texts


def test_half_a_character_in_a_label_is_told_of_its_row(tmp_path):  # t03b
    path = json_lines(tmp_path / "a.jsonl", as_objects())
    half = ['{"text": "what a day", "label": "fun \\ud83d"}', '{"text": "\\udc00", "label": "light"}']
    path.write_text(path.read_text() + "\n".join(half))
    dataset = load(path)
    assert dataset.classes == ("light", "music")
    assert left_out(dataset) == {"a.jsonl:15", "a.jsonl:16"}


def two_classes(*rows):
    return [(f"{text} {number}", label) for text, label in rows for number in range(6)]


CHINESE = two_classes(("打开客厅的灯", "灯光"), ("播放音乐", "音乐"))
JAPANESE = two_classes(("電気をつけて", "照明"), ("音楽をかけて", "音楽"))
KOREAN = two_classes(("거실 불을 켜 줘", "조명"), ("음악 틀어", "음악"))
TAIWANESE = two_classes(("打開客廳的燈", "燈光"), ("播放音樂", "音樂"))
FRENCH = two_classes(("allume la pièce", "lumière"), ("joue", "musique"))
RUSSIAN = two_classes(("включи свет", "свет"), ("включи песню", "музыка"))


@pytest.mark.parametrize("head", ["text,label", "文本,标签"], ids=["english", "own"])
@pytest.mark.parametrize(
    ("encoding", "rows"),
    [
        ("gb18030", CHINESE),
        ("cp932", JAPANESE),
        ("euc_kr", KOREAN),
        ("big5", TAIWANESE),
        ("cp1252", FRENCH),
        ("cp1251", RUSSIAN),
    ],
)  # t04, t04b, t05, t05c
def test_another_encoding_is_named_with_the_way_out(tmp_path, encoding, rows, head):
    if head != "text,label" and encoding != "gb18030":
        head = "text,label"
    path = table(tmp_path / "a.csv", rows, head, encoding)
    message = told(path)
    assert f"add --encoding {encoding}" in message
    dataset = load(path, LoadOptions(encoding=encoding))
    assert len(dataset) == 12
    assert dataset.texts[0] == rows[0][0]
    source = dataset.sources[0]
    assert contents_of(path, [source], LoadOptions(encoding=encoding)) == [rows[0][0].encode()]


def test_one_broken_row_among_whole_ones_is_told_alone(tmp_path):  # t05c
    path = table(tmp_path / "a.csv", [*TEXTS, ("café", "music")])
    path.write_bytes(path.read_bytes() + b"allume la lumi\xe8re,music\n")
    dataset = load(path)
    assert left_out(dataset) == {"a.csv:17"}
    assert findings(dataset, "unreadable")[0].sources == ("a.csv:17: not UTF-8 (byte 14 is 0xe8)",)
    assert "café" in dataset.texts


def test_a_wrong_encoding_is_told(tmp_path):
    path = table(tmp_path / "a.csv", CHINESE)
    assert "It is not ascii: what stands in line 2 cannot be read so" in told(path, LoadOptions(encoding="ascii"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize(("name", "between"), [("a.csv", ","), ("a.csv", "\t"), ("a.tsv", "\t")])  # t06, t06b
def test_a_byte_order_mark_says_the_encoding(tmp_path, encoding, name, between):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = table(tmp_path / name, TEXTS, f"{mark}text{between}label", encoding, between=between)
    assert len(load(path)) == 14


def test_utf_16_without_a_mark_is_told(tmp_path):
    assert "add --encoding utf-16-le" in told(table(tmp_path / "a.csv", encoding="utf-16-le"))


def test_an_unlabelled_test_table_beside_train_is_told(tmp_path):  # t07
    numbered = [(str(number), text, label) for number, (text, label) in enumerate(TEXTS)]
    table(tmp_path / "test.csv", [row[:2] for row in numbered], "id,text")
    table(tmp_path / "sample_submission.csv", ["0,light"], "id,target")
    dataset = load(table(tmp_path / "train.csv", numbered, "id,text,target"))
    assert len(dataset) == 14
    assert dataset.split == "made"
    assert "test.csv has no labels" in findings(dataset, "unlabelled-part")[0].message


def parquet(path, **columns):
    pyarrow = pytest.importorskip("pyarrow")
    write = pytest.importorskip("pyarrow.parquet").write_table
    write(pyarrow.table(columns), path)
    return path


def columns_of_texts():
    return {"text": [text for text, _ in TEXTS], "label": [label for _, label in TEXTS]}


def test_columns_of_parquet_that_are_not_needed_are_not_read(tmp_path):  # t08
    many = {"embedding": [[0.1] * 8] * 14, "picture_bytes": [b"\xff\xd8"] * 14, "meta": [{"a": 1}] * 14}
    assert len(load(parquet(tmp_path / "a.parquet", **columns_of_texts(), **many))) == 14
    columns = {"image": [{"bytes": b"x", "path": "a"}] * 14, "label": ["a", "b"] * 7}
    assert "The column 'image' holds an object with the keys bytes, path" in told(
        parquet(tmp_path / "b.parquet", **columns)
    )


def test_a_missing_number_is_no_class_and_whole_numbers_are_written_so(tmp_path):  # t08c, t10b
    labels = [None, float("nan"), *[1.0, 0.0] * 6]
    dataset = load(parquet(tmp_path / "a.parquet", text=columns_of_texts()["text"], label=labels))
    assert dataset.classes == ("0", "1")
    assert left_out(dataset) == {"a.parquet:2", "a.parquet:3"}
    assert findings(dataset, "whole-numbers")
    objects = [{"text": text, "label": label} for (text, _), label in zip(TEXTS, labels, strict=True)]
    (tmp_path / "b.jsonl").write_text("\n".join(json.dumps(one) for one in objects))
    dataset = load(tmp_path / "b.jsonl")
    assert dataset.classes == ("0", "1")
    assert left_out(dataset) == {"b.jsonl:1", "b.jsonl:2"}


def test_quotation_marks_that_do_not_close_are_told_of_their_rows(tmp_path):  # t09
    odd = ['"louder" he said\tmusic', '"turn it on\tlight', 'play the 12" mix\tmusic']
    rows = ["\t".join(row) for row in TEXTS]
    dataset = load(table(tmp_path / "a.tsv", [*odd, *rows], "text\tlabel"))
    assert len(dataset) == 15
    assert left_out(dataset) == {"a.tsv:2", "a.tsv:3"}


def test_what_stands_above_the_head_is_passed_over(tmp_path):  # t12, t12c
    for above in ("\n", "\n\r\n\n", "# exported 2026\n", "sep=;\n", '"sep=,"\n', "# a, b\n\n# c\n", ",\n"):
        between = ";" if ";" in above else ","
        rows = [between.join(row) for row in TEXTS]
        dataset = load(table(tmp_path / "a.csv", rows, f"{above}text{between}label"))
        assert len(dataset) == 14
        first = above.count("\n") + 2
        assert f"a.csv:{first}" in dataset.sources
        assert bool(findings(dataset, "above-head")) == above.startswith("#")
    assert len(load(table(tmp_path / "b.csv", head="#text,label"))) == 14


def test_one_column_and_no_head_are_told(tmp_path):  # t14, t14b
    message = told(table(tmp_path / "a.csv", [text for text, _ in TEXTS], "text"))
    assert "There is one column only" in message
    assert "The first row looks like the others" in told(table(tmp_path / "b.csv", head=None))


def test_rows_are_numbered_as_an_editor_does(tmp_path):  # t15
    path = json_lines(tmp_path / "a.jsonl", [{"text": "  ", "label": "music"}, *as_objects()])
    dataset = load(path)
    assert left_out(dataset) == {"a.jsonl:1"}
    assert dataset.sources[0] == "a.jsonl:2"
    rows = ['"turn on\nthe lamp,\nplease",light', "", *TEXTS, "a,b,c"]
    for ends in ("\n", "\r\n", "\r"):
        path = table(tmp_path / "b.csv", rows, ends=ends)
        dataset = load(path)
        assert dataset.sources[:2] == ["b.csv:2", "b.csv:6"]
        assert left_out(dataset) == {"b.csv:20"}
        assert contents_of(path, ["b.csv:6", "b.csv:3"], LoadOptions()) == [TEXTS[0][0].encode(), None]


@pytest.mark.parametrize("between", ["|", ";", "\t"])  # t16
def test_other_separators_are_known(tmp_path, between):
    dataset = load(table(tmp_path / "a.csv", TEXTS, f"text{between}label", between=between))
    assert len(dataset) == 14


def test_labels_written_in_two_ways_are_one_class_or_told(tmp_path):  # t17, t22
    rows = [(text, "cafe\u0301" if number % 2 else "caf\xe9") for number, (text, _) in enumerate(TEXTS[:7])]
    assert load(table(tmp_path / "a.csv", [*rows, *TEXTS[7:]])).classes == ("café", "music")
    message = told(table(tmp_path / "b.csv", [("one", "LIGHT"), *TEXTS]))
    assert "The labels LIGHT (1) and light (7) differ only in letter case. Write them in one way" in message
    for label in ("light\u200b", "l\u0456ght", "\uff4cight"):
        assert "look alike" in told(table(tmp_path / "c.csv", [("one", label), ("two", label), *TEXTS]))
    assert load(table(tmp_path / "d.csv", [("one", " light\xa0"), *TEXTS])).classes == ("light", "music")


def test_nested_values_are_told(tmp_path):  # t18, t18c
    objects = [{"text": {"en": text, "id": 1}, "label": label} for text, label in TEXTS]
    assert "The column 'text' holds an object with the keys en, id in 14 of 14 rows" in told(
        json_lines(tmp_path / "a.jsonl", objects)
    )
    objects = [{"text": text, "meta": {"label": label}} for text, label in TEXTS]
    message = told(json_lines(tmp_path / "b.jsonl", objects))
    assert "No column says what the samples show" in message
    assert "The column 'meta' holds an object with the keys label" in message
    objects = [*as_objects(), {"text": "one more", "label": ["light", "music"]}]
    assert left_out(load(json_lines(tmp_path / "c.jsonl", objects))) == {"c.jsonl:15"}
    objects = [{"text": text, "label": [label]} for text, label in TEXTS]
    assert load(json_lines(tmp_path / "d.jsonl", objects)).classes == ("light", "music")  # one label in each list


def test_a_part_column_of_something_else_deals_no_parts(tmp_path):  # t21
    rows = [(text, ("engine", "brake")[number % 2], label) for number, (text, label) in enumerate(TEXTS)]
    dataset = load(table(tmp_path / "a.csv", rows, "text,part,label"))
    assert dataset.split == "made"
    assert "brake, engine" in findings(dataset, "no-parts")[0].message


@pytest.mark.parametrize("missing", ["None", "NaN", "nan", "null", "NULL", "N/A", "NA", "<NA>", "#N/A", ""])  # t25
def test_no_label_is_no_class(tmp_path, missing):
    dataset = load(table(tmp_path / "a.csv", [*((f"some words {n}", missing) for n in range(4)), *TEXTS]))
    assert dataset.classes == ("light", "music")
    assert left_out(dataset) == {"a.csv:2", "a.csv:3", "a.csv:4", "a.csv:5"}
    assert (repr(missing) in findings(dataset, "unlabelled")[0].message) == bool(missing)


@pytest.mark.parametrize(
    ("begins", "name"),
    [
        (b"PK\x03\x04rest[Content_Types].xml", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "old Excel workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"SQLite format 3\0", "It is an SQLite database"),
        (b"PAR1", "Parquet"),
        (b"%PDF-1.7", "It is a PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b'{"text": "a", "label": "b"}\n', "JSON"),
    ],
)  # t31
def test_another_format_is_named(tmp_path, begins, name):
    (tmp_path / "a.csv").write_bytes(begins + bytes(range(200)))
    assert name in told(tmp_path / "a.csv")


def test_json_that_is_no_json_lines_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(as_objects()))
    assert "It begins as a JSON array" in told(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text(json.dumps(as_objects()[0], indent=2))
    assert "spread over lines" in told(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text("text,label\na,b\n")
    assert "If it is CSV" in told(tmp_path / "a.jsonl")


def test_a_broken_line_of_json_is_told_alone(tmp_path):
    path = json_lines(tmp_path / "a.jsonl", as_objects())
    deep = '{"text": ' + "[" * 100_000 + "]" * 100_000 + ', "label": "light"}'
    path.write_text(path.read_text() + "{broken\n[1]\nnull\n" + deep + "\n" + '{"text": ' + "9" * 5000 + "}\n")
    assert left_out(load(path)) == {f"a.jsonl:{line}" for line in range(15, 20)}


def test_equal_names_of_columns_matter_only_where_they_are_needed(tmp_path):
    rows = [(text, label, "x", "y") for text, label in TEXTS]
    assert len(load(table(tmp_path / "a.csv", rows, "text,label,note,note"))) == 14
    assert "Several columns are called 'text'" in told(table(tmp_path / "b.csv", rows, "text,label,text,note"))


def test_a_missing_group_column_is_told_with_the_nearest(tmp_path):
    path = table(tmp_path / "a.csv", [(*row, f"s{number}") for number, row in enumerate(TEXTS)], "text,label,speaker")
    assert "There is no column 'speeker'. Was 'speaker' meant?" in told(path, LoadOptions(group="speeker"))


def test_names_that_could_be_meant_too_are_told(tmp_path):
    dataset = load(table(tmp_path / "a.csv", [(*row, "x") for row in TEXTS], "text,label,category"))
    assert findings(dataset, "columns")[0].message == "--label is taken to be 'label'; 'category' could be too."


def test_control_characters_in_a_label_are_told(tmp_path):
    dataset = load(table(tmp_path / "a.csv", [*TEXTS, "one,\x1b[31mlight", 'two,"light\n"', "three,\0light"]))
    assert left_out(dataset) == {"a.csv:16", "a.csv:19"}


def test_all_problems_of_a_table_come_in_one_report(tmp_path):
    rows = [*TEXTS, ("one", "LIGHT"), ("lost", ""), "a,b,c", '"open,x']
    message = told(table(tmp_path / "a.csv", rows))
    for piece in ("letter case", "1 row without a label", "3 fields where the head has 2", "not closed"):
        assert piece in message


def test_a_bad_row_is_an_error_of_that_row_alone_when_predicting(tmp_path):
    path = table(tmp_path / "a.csv", [" caf\u0065\u0301 ,x", "a,b,c", '"open,x', "last,x"])
    named = rows_as("text", path)
    assert [name for name, _ in named] == ["a.csv:2", "a.csv:3", "a.csv:4", "a.csv:5"]
    assert named[0][1] == "café".encode()
    assert [isinstance(content, UnreadableError) for _, content in named] == [False, True, True, False]


def test_a_folder_that_holds_tables_says_so(tmp_path):
    table(tmp_path / "train.csv")
    assert "It holds tables: to use one, name it (train.csv)" in told(tmp_path)

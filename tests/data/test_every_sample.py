"""Samples that need no label: what `load_samples` lists of folders and tables."""

import shutil

import pytest

from conftest import COLOURS, draw, sounds
from graft.data import LoadOptions, load_samples
from graft.errors import DataError, RequestError


@pytest.fixture
def flat(tmp_path):
    for number, name in enumerate(("lemon", "plum", "lime")):
        draw(tmp_path / "flat" / f"{name}.png", COLOURS[name], number)
    return tmp_path / "flat"


def table(root, text):
    (root / "samples.csv").write_text(text)
    return root / "samples.csv"


def labels(path, options=None):
    found = load_samples(path, options=options)
    return {
        source: found.task.write(found.classes, label)
        for source, label in zip(found.sources, found.labels, strict=True)
    }


def test_a_flat_folder(flat):
    (flat / ".hidden.png").write_bytes(b"")
    (flat / "notes.md").write_text("other")
    assert labels(flat) == {"lemon.png": "", "lime.png": "", "plum.png": ""}
    assert {one.kind for one in load_samples(flat).findings} == {"other-kind", "hidden"}


def test_loose_files_beside_class_folders_have_no_label(folder):
    root = folder(plum=1)
    draw(root / "loose.png", COLOURS["lime"], 7)
    assert labels(root) == {"loose.png": "", "plum/0.png": "plum"}


def test_parts_are_read_with_what_lies_loose_in_them(folder):
    folder("train", plum=1)
    root = folder("test", plum=1)
    draw(root / "test" / "unknown.png", COLOURS["lime"], 7)
    assert labels(root) == {"train/plum/0.png": "plum", "test/plum/0.png": "plum", "test/unknown.png": ""}


def test_copies_stay_also_under_two_labels(folder):
    root = folder(plum=1, lemon=1)
    shutil.copy(root / "plum" / "0.png", root / "plum" / "again.png")
    shutil.copy(root / "plum" / "0.png", root / "lemon" / "other.png")
    expected = {"lemon/0.png": "lemon", "lemon/other.png": "lemon", "plum/0.png": "plum", "plum/again.png": "plum"}
    assert labels(root) == expected


def test_many_copies_under_two_labels_are_no_labels_together(folder):
    root = folder(plum=20)
    shutil.copytree(root / "plum", root / "ripe")
    found = load_samples(root)
    assert len(found) == 40
    assert found.findings == ()


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(DataError, match="No pictures found"):
        load_samples(tmp_path)


def test_a_folder_that_cannot_be_read_does_not_stop_the_others(flat, monkeypatch):
    from graft.data.walk import Walk

    draw(flat / "closed" / "1.png", COLOURS["lime"], 9)
    open_ = Walk._below

    def closed(self, folder, entered):
        if folder.name == "closed":
            self.closed[folder] = "permission denied"
            return iter(())
        return open_(self, folder, entered)

    monkeypatch.setattr(Walk, "_below", closed)
    found = load_samples(flat)
    assert len(found) == 3
    assert found.findings[-1].kind == "unreadable"
    assert "permission denied" in found.findings[-1].message


def test_tables_with_some_labels_and_with_none(flat):
    assert labels(table(flat, "file,label\nlemon.png,yellow\nplum.png,\n")) == {"lemon.png": "yellow", "plum.png": ""}
    assert labels(table(flat, "file\nlemon.png\nplum.png\n")) == {"lemon.png": "", "plum.png": ""}
    assert labels(table(flat, "text,label\na cat,animal\na saw,N/A\n")) == {
        "samples.csv:2": "animal",
        "samples.csv:3": "",
    }


def test_a_row_that_names_no_file_is_left_out_and_told(flat):
    found = load_samples(table(flat, "file\nlemon.png\nnowhere.png\n"))
    assert list(found.sources) == ["lemon.png"]
    assert found.findings[-1].kind == "unreadable"
    assert found.findings[-1].sources[0].startswith("nowhere.png: ")


def test_a_table_without_samples_names_the_columns_it_expects(flat):
    with pytest.raises(DataError, match="--text or --file") as error:
        load_samples(table(flat, "size,colour\n1,red\n"))
    assert "--label" not in str(error.value)


def test_a_column_that_was_asked_for_must_be_there(flat):
    with pytest.raises(DataError, match="There is no column 'kind'"):
        load_samples(table(flat, "file\nlemon.png\n"), options=LoadOptions(label="kind"))


def test_labels_that_cannot_be_used_are_told_and_their_samples_stay(flat):
    rows = table(flat, "file,label\nlemon.png,yellow|sour\nplum.png,?yellow|?sour\n")
    found = load_samples(rows, options=LoadOptions(task="multilabel"))
    assert labels(rows, LoadOptions(task="multilabel")) == {"lemon.png": "sour|yellow", "plum.png": ""}
    assert "plum.png" in found.findings[-1].message


def test_a_picture_with_a_text_is_a_pair(flat):
    found = load_samples(table(flat, "picture,text\nlemon.png,sour\nplum.png,sweet\n"))
    assert found.modality.name == "pair"
    assert found.texts == ["sour", "sweet"]
    assert found.classes == ("",)


def test_a_recording_with_its_words_has_them_as_label(tmp_path):
    root = sounds(tmp_path / "sounds")
    found = labels(table(root, "file,text\nhigh/0.wav,one tone\nlow/0.wav,\n"))
    assert found == {"high/0.wav": "one tone", "low/0.wav": ""}


def test_a_file_that_is_no_table_is_told(flat):
    with pytest.raises(RequestError, match="is a file"):
        load_samples(flat / "lemon.png")

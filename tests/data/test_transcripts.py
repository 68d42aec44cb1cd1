"""Tables of recordings with transcripts: what selects them, what is set aside, how parts are dealt."""

import csv

import numpy as np
import pytest
import soundfile

from conftest import draw
from graft.data import LoadOptions, load
from graft.data.refusal import refuse_unserved
from graft.errors import DataError, RequestError
from graft.records import PARTS
from graft.tasks.transcripts import letters_of, tidy


def beep(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, 2000), 8000)


def table(root, rows, head=("file", "text")):
    for number, row in enumerate(rows):
        beep(root / row[0], number)
    root.mkdir(exist_ok=True)
    with (root / "words.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return root / "words.csv"


def spoken_rows(count=20, texts=("one", "two", "three")):
    return [(f"{number}.wav", texts[number % len(texts)]) for number in range(count)]


def test_a_text_beside_recordings_and_no_label_is_what_is_said(tmp_path):
    dataset = load(table(tmp_path / "data", spoken_rows()))
    assert dataset.transcribed
    assert dataset.modality.name == "audio"
    assert dataset.classes == ("one", "three", "two")
    assert letters_of(dataset) == tuple("ehnortw")
    assert [dataset.count(part) for part in PARTS] == [14, 2, 4]
    assert load(dataset.pointed_at).fingerprint == dataset.fingerprint


def test_a_label_makes_classes_of_the_same_table(tmp_path):
    rows = [(*row, row[1]) for row in spoken_rows()]
    dataset = load(table(tmp_path / "data", rows, ("file", "text", "label")))
    assert not dataset.transcribed
    assert dataset.modality.name == "audio"


def test_a_column_may_be_named(tmp_path):
    rows = [(*row, "x") for row in spoken_rows()]
    dataset = load(table(tmp_path / "data", rows, ("file", "spoken", "text")), LoadOptions(text="spoken"))
    assert dataset.transcribed
    assert dataset.classes == ("one", "three", "two")


def test_groups_stay_whole(tmp_path):
    rows = [(*row, f"speaker {number // 5}") for number, row in enumerate(spoken_rows(30))]
    dataset = load(table(tmp_path / "data", rows, ("file", "text", "speaker")), LoadOptions(group="speaker"))
    parts = {
        group: {int(part) for part in dataset.parts[np.array(dataset.groups) == group]} for group in dataset.groups
    }
    assert all(len(found) == 1 for found in parts.values())
    assert {next(iter(found)) for found in parts.values()} == {0, 1, 2}


def test_given_parts_are_respected(tmp_path):
    rows = [(*row, ("train", "val", "test")[number % 3]) for number, row in enumerate(spoken_rows(30))]
    dataset = load(table(tmp_path / "data", rows, ("file", "text", "split")))
    assert dataset.split == "given"
    assert [dataset.count(part) for part in PARTS] == [10, 10, 10]


def kinds(dataset):
    return {finding.kind: finding for finding in dataset.findings}


def test_empty_transcripts_are_set_aside_and_rare_letters_told(tmp_path):
    rows = [*spoken_rows(), ("empty.wav", "  "), ("rare.wav", "quiz One")]
    found = kinds(load(table(tmp_path / "data", rows), LoadOptions(seed=1)))
    assert found["empty-transcript"].sources == ("words.csv:22",)
    assert set(found["rare-letters"].sources) >= set("quiz")
    assert "O" not in found.get("letters-not-in-train", found["empty-transcript"]).sources


def test_a_recording_with_two_transcripts_is_set_aside(tmp_path):
    path = table(tmp_path / "data", spoken_rows())
    (path.parent / "again.wav").write_bytes((path.parent / "0.wav").read_bytes())
    with path.open("a") as file:
        file.write("again.wav,seven\n")
    finding = kinds(load(path))["contradictory"]
    assert "has two transcripts" in finding.message
    assert len(finding.sources) == 1


def test_what_no_model_can_be_made_of(tmp_path):
    with pytest.raises(DataError, match="1 letter"):
        load(table(tmp_path / "same", spoken_rows(6, ("a",))))
    with pytest.raises(DataError, match="at least 3"):
        load(table(tmp_path / "few", spoken_rows(2)))
    with pytest.raises(RequestError, match="transcripts are no classes"):
        load(table(tmp_path / "small", spoken_rows()), LoadOptions(min_per_class=2))


def test_texts_alone_and_pictures_need_a_label(tmp_path):
    (tmp_path / "alone.csv").write_text("text\nhello there\nsome words\n")
    with pytest.raises(DataError, match=r"No column says what the samples show.*said in recordings"):
        load(tmp_path / "alone.csv")
    draw(tmp_path / "one.png", (200, 10, 10), 0)
    (tmp_path / "seen.csv").write_text("file,text\none.png,a lemon\n")
    with pytest.raises(DataError, match="Pictures need a label"):
        load(tmp_path / "seen.csv")


def test_verbs_that_need_classes_say_so(tmp_path):
    dataset = load(table(tmp_path / "data", spoken_rows()))
    with pytest.raises(RequestError, match="is for transcription, and graft rank serves classification"):
        refuse_unserved(dataset, "rank")


def test_one_way_of_writing():
    assert tidy("  a\u0308  b\tc\n") == "ä b c"

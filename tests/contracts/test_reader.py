"""What every reader must do: say what it accepts, list each sample once with its label, and read nothing of it."""

from pathlib import Path

import pytest

from graft.data.intake import READERS
from graft.errors import DataError, GraftError
from graft.image import IMAGE


@pytest.fixture(params=READERS, ids=lambda reader: type(reader).__name__)
def reader(request):
    return request.param


def test_it_accepts_its_own_layout_and_no_other(reader, folder, tmp_path):
    assert reader.accepts(folder(lemon=2, plum=2))
    assert not reader.accepts(tmp_path / "nowhere")


def test_it_lists_every_sample_once_with_its_label(reader, folder):
    root = folder(lemon=3, plum=2)
    found = reader.read(root, IMAGE)
    assert sorted(entry.label for entry in found.entries) == ["lemon"] * 3 + ["plum"] * 2
    assert len({entry.source for entry in found.entries}) == 5
    assert all((root / entry.source).is_file() for entry in found.entries)
    assert {entry.part for entry in found.entries} == {None}


def test_it_respects_given_parts(reader, folder):
    folder("train", lemon=2, plum=2)
    found = reader.read(folder("test", lemon=1, plum=1), IMAGE)
    assert sorted(str(entry.part) for entry in found.entries) == ["test"] * 2 + ["train"] * 4


def test_it_gives_the_same_order_every_time(reader, folder):
    root = folder(lemon=5, plum=5)
    assert reader.read(root, IMAGE).entries == reader.read(root, IMAGE).entries


def test_it_opens_no_sample(reader, folder, monkeypatch):
    root = folder(lemon=2, plum=2)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    assert len(reader.read(root, IMAGE).entries) == 4


def test_nothing_to_read_is_told(reader, tmp_path):
    with pytest.raises(DataError, match="No pictures found"):
        reader.read(tmp_path, IMAGE)


def test_whatever_is_wrong_comes_as_an_error_that_explains_itself(reader, tmp_path):
    with pytest.raises(GraftError):
        reader.read(tmp_path / "nowhere", IMAGE)

"""What every reader must do: say what it accepts, list each sample once with its label, and read nothing of it."""

from pathlib import Path

import pytest

from graft.data import LoadOptions
from graft.data.folder import FolderReader
from graft.data.intake import READERS
from graft.data.table import TableReader
from graft.errors import GraftError

OPTIONS = LoadOptions()


def as_table(root: Path) -> Path:
    """The samples of a folder as a table that names them."""
    files = sorted(file for file in root.rglob("*.png"))
    parts = {file.relative_to(root).parts[0] for file in files} <= {"train", "test"}
    lines = [
        ",".join([file.relative_to(root).as_posix(), file.parent.name, *([file.relative_to(root).parts[0]] * parts)])
        for file in files
    ]
    table = root / "samples.csv"
    table.write_text("\n".join([",".join(["file", "label", *(["split"] * parts)]), *lines]) + "\n")
    return table


LAYOUTS = {FolderReader: lambda root: root, TableReader: as_table}


@pytest.fixture(params=READERS, ids=lambda reader: type(reader).__name__)
def reader(request):
    return request.param


@pytest.fixture
def layout(reader):
    return LAYOUTS[type(reader)]


def test_it_accepts_its_own_layout_and_no_other(reader, layout, folder, tmp_path):
    place = layout(folder(lemon=2, plum=2))
    assert [one for one in READERS if one.accepts(place)] == [reader]
    assert not reader.accepts(tmp_path / "nowhere")


def test_it_lists_every_sample_once_with_its_label(reader, layout, folder):
    found = reader.read(layout(folder(lemon=3, plum=2)), OPTIONS)
    assert sorted(entry.label for entry in found.entries) == ["lemon"] * 3 + ["plum"] * 2
    assert len({entry.source for entry in found.entries}) == 5
    assert all((found.root / entry.source).is_file() for entry in found.entries)
    assert {entry.part for entry in found.entries} == {None}
    assert found.modality.name == "image"


def test_it_respects_given_parts(reader, layout, folder):
    folder("train", lemon=2, plum=2)
    found = reader.read(layout(folder("test", lemon=1, plum=1)), OPTIONS)
    assert sorted(str(entry.part) for entry in found.entries) == ["test"] * 2 + ["train"] * 4


def test_it_gives_the_same_order_every_time(reader, layout, folder):
    place = layout(folder(lemon=5, plum=5))
    assert reader.read(place, OPTIONS).entries == reader.read(place, OPTIONS).entries


def test_it_opens_no_sample(reader, layout, folder, monkeypatch):
    place = layout(folder(lemon=2, plum=2))
    plain = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: plain(path) if path.suffix == ".csv" else pytest.fail(f"{path} was read")
    )
    assert len(reader.read(place, OPTIONS).entries) == 4


def test_whatever_is_wrong_comes_as_an_error_that_explains_itself(reader, tmp_path):
    with pytest.raises(GraftError):
        reader.read(tmp_path / "nowhere", OPTIONS)

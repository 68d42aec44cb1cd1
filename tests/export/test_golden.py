"""Golden files leave with the artifact, so none may be of the locked test part."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import COLOURS, draw
from graft.errors import WorkError
from graft.export.golden import SIDE
from graft.verbs.export import ExportOptions, export


def small(path: Path) -> bytes:
    """The pixels of a picture as a golden file has them."""
    with Image.open(path) as picture:
        shown = picture.convert("RGB")
    shown.thumbnail((SIDE, SIDE))
    return np.asarray(shown).tobytes()


def shown_by(run: Path, part: str) -> set[bytes]:
    """What the golden files of samples of a part would show."""
    data = Path(json.loads((run / "run.json").read_text())["data"])
    with (run / "split.csv").open() as rows:
        return {small(data / row["source"]) for row in csv.DictReader(rows) if row["part"] == part}


def golden(artifact: Path) -> set[bytes]:
    named = json.loads((artifact / "golden" / "golden.json").read_text())["inputs"]
    return {small(artifact / "golden" / one["file"]) for one in named}


def test_golden_files_are_of_the_val_part_and_that_is_said(fitted, tmp_path):
    exported = export(fitted.run, out=tmp_path / "onnx")
    found = golden(tmp_path / "onnx")
    assert found
    assert found <= shown_by(fitted.run, "val")
    assert not found & shown_by(fitted.run, "test")
    assert "the run's val part" in (tmp_path / "onnx" / "README.md").read_text()
    assert any("val part" in note for note in exported.notes)


def test_files_that_somebody_names_are_taken_but_for_those_of_the_test_part(fitted, tmp_path):
    data = Path(json.loads((fitted.run / "run.json").read_text())["data"])
    with (fitted.run / "split.csv").open() as rows:
        test = [row["source"] for row in csv.DictReader(rows) if row["part"] == "test"]
    given = tmp_path / "given"
    given.mkdir()
    for number, source in enumerate(test):
        shutil.copy(data / source, given / f"{number}.png")
    with pytest.raises(WorkError, match="locked test part.*--golden"):
        export(fitted.run, out=tmp_path / "none", options=ExportOptions(golden=given))
    own = draw(given / "own.png", COLOURS["plum"], 4711)
    export(fitted.run, out=tmp_path / "onnx", options=ExportOptions(golden=given))
    assert golden(tmp_path / "onnx") == {small(own)}
    assert "files of given" in (tmp_path / "onnx" / "README.md").read_text()

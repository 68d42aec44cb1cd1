import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from graft.adaptation.model import Model
from graft.errors import RequestError, WorkError
from graft.modalities.image import to_picture
from graft.modalities.modality import UnreadableError


@pytest.fixture
def folder(fitted, tmp_path):
    return shutil.copytree(fitted.run / "model", tmp_path / "model")


def test_what_is_saved_is_what_is_loaded(folder, tmp_path):
    model = Model.load(folder)
    model.save(tmp_path / "again")
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert json.loads((tmp_path / "again" / "model.json").read_text()) == json.loads(
        (folder / "model.json").read_text()
    )


def test_probabilities_add_up(folder):
    model = Model.load(folder)
    probabilities = model.answers_of_features(np.random.default_rng(0).normal(size=(5, 1280)))
    assert np.allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json", "checksums.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(WorkError, match=f"not complete: {name} missing"):
        Model.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_one_changed_byte_is_noticed(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(WorkError, match=f"not those that graft wrote. not as it was written .*: {name}"):
        Model.load(folder)


def test_damaged_checksums(folder):
    (folder / "checksums.json").write_text("{")
    with pytest.raises(WorkError, match=r"checksums.json was changed or damaged"):
        Model.load(folder)


def test_a_model_of_another_format_names_the_version_that_wrote_it(folder, monkeypatch):
    monkeypatch.setattr("graft.backbones.model_folder.FORMAT", 99)
    with pytest.raises(RequestError, match="has format 2, and this graft reads format 99"):
        Model.load(folder)


def test_no_model_there(tmp_path):
    with pytest.raises(RequestError, match="There is no model"):
        Model.load(tmp_path / "nothing")


class TestToPicture:
    def test_arrays_of_one_three_and_four_channels(self):
        for shape in ((5, 6), (5, 6, 1), (5, 6, 3), (5, 6, 4)):
            picture = to_picture(np.full(shape, 200, np.uint8))
            assert (picture.mode, picture.size) == ("RGB", (6, 5))

    @pytest.mark.parametrize("array", [np.zeros((5, 6)), np.zeros((3, 5, 6), np.uint8), np.zeros(7, np.uint8)])
    def test_other_arrays_are_refused_with_what_was_expected(self, array):
        with pytest.raises(RequestError, match="Expected .height, width."):
            to_picture(array)

    @pytest.mark.parametrize("nothing", [np.zeros((0, 0, 3), np.uint8), Image.new("RGB", (0, 0))])
    def test_what_has_no_pixel_is_that_samples_own_error(self, nothing):
        with pytest.raises(UnreadableError, match="pixel"):
            to_picture(nothing)

    @pytest.mark.parametrize("picture", [Image.new("I", (4, 4)), Image.new("F", (4, 4))])
    def test_pil_pictures_without_a_known_brightness_are_refused(self, picture):
        with pytest.raises(RequestError, match="Scale it yourself"):
            to_picture(picture)

    def test_pil_pictures_of_any_mode(self):
        assert to_picture(Image.new("RGBA", (4, 4))).getpixel((0, 0)) == (255, 255, 255)


def rewrite(folder, **changes):
    """Change a description together with its checksum, as somebody who means it would."""
    description = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(description))
    checksums = json.loads((folder / "checksums.json").read_text())
    checksums["model.json"] = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(checksums))


def test_a_model_that_claims_to_be_another_trunk_is_refused(folder):
    """The trunk's name decides which kept graph answers for it; a stranger's file must not take another's place."""
    rewrite(folder, trunk="0" * 64)
    with pytest.raises(WorkError, match="does not hold the trunk"):
        Model.load(folder)


@pytest.mark.parametrize("changes", [{"temperature": 0}, {"temperature": None}, {"classes": ["one"]}, {"backbone": {}}])
def test_a_description_that_cannot_be_true_is_refused(folder, changes):
    rewrite(folder, **changes)
    with pytest.raises(WorkError, match=next(iter(changes))):
        Model.load(folder)

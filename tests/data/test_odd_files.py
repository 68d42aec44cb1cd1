"""Folders of files as phones, telephones and programs that were cut off leave them."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from graft.data import load
from graft.errors import DataError

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
M4A = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom"
AAC = b"\xff\xf1\x50\x80\x01\x7f\xfc"


def files(root, content, names):
    for label in ("circle", "square"):
        for number in range(6):
            path = root / label / names.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content + f"{label}{number}".encode() * 4)
    return root


@pytest.mark.parametrize(
    ("content", "names", "told"),
    [
        (HEIC, "IMG_{}.HEIC", "none of its 12 pictures.*HEIC photo.*Most Compatible"),
        (HEIC, "IMG_{}.jpg", "none of its 12 pictures.*HEIC photo.*Most Compatible"),
        (M4A, "{}.m4a", "none of its 12 recordings.*M4A.*ffmpeg"),
        (AAC, "{}.aac", "none of its 12 recordings.*AAC.*ffmpeg"),
    ],
)
def test_a_folder_of_what_cannot_be_read_names_it_and_the_way_out(tmp_path, content, names, told):
    with pytest.raises(DataError, match=told) as caught:
        load(files(tmp_path, content, names))
    assert str(caught.value).count("which graft does not read") == 1  # said once, not for each file


def test_other_files_that_are_there_are_named_where_there_are_no_pictures(tmp_path):
    with pytest.raises(DataError, match=r"(?s)No pictures found.*12 files left out: graft reads no \.nef files"):
        load(files(tmp_path, b"raw", "{}.nef"))


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_folders_of_tiff_and_avif_are_read(tmp_path, kind):
    for number, label in enumerate(("circle", "square")):
        for one in range(4):
            (tmp_path / label).mkdir(exist_ok=True)
            noise = np.random.default_rng(10 * number + one).integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(noise).save(tmp_path / label / f"{one}.{kind.lower()}")
    assert len(load(tmp_path)) == 8


def test_content_decides_and_not_the_ending(folder):
    root = folder(lemon=4, plum=4)
    (root / "lemon" / "0.png").rename(root / "lemon" / "0.heic")
    (root / "plum" / "0.png").write_bytes(HEIC + b"another")
    dataset = load(root)
    assert "lemon/0.heic" in dataset.sources
    assert [one.sources for one in dataset.findings if one.kind == "unreadable"][0][0].startswith("plum/0.png: a HEIC")


def test_recordings_with_wrong_heads_and_of_telephones_are_read_and_told(tmp_path):
    def sound(seed: int, subtype: str = "PCM_16") -> bytearray:
        content = io.BytesIO()
        wave = 0.3 * np.sin(np.arange(4_800) * (0.1 + seed / 100))
        soundfile.write(content, wave, 8_000, format="WAV", subtype=subtype)
        return bytearray(content.getvalue())

    for number in range(4):
        for offset, label in ((0, "down"), (10, "up")):
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{number}.wav").write_bytes(sound(number + offset))
    for number, size in enumerate((0, 0xFFFFFFFF, 0x7FFFF000, 2_000, 29_000)):
        content = sound(20 + number)
        content[40:44] = size.to_bytes(4, "little")
        (tmp_path / "up" / f"size_{size:x}.wav").write_bytes(content)
    for number, subtype in enumerate(("GSM610", "G721_32", "IMA_ADPCM")):
        (tmp_path / "up" / f"{subtype}.wav").write_bytes(sound(30 + number, subtype))
    dataset = load(tmp_path)
    assert len(dataset) == 16
    [told] = [one for one in dataset.findings if one.kind == "flawed"]
    assert {one.partition(":")[0] for one in told.sources} == {f"up/size_{size:x}.wav" for size in (0, 2_000, 29_000)}

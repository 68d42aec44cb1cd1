import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from graft.modalities.image import IMAGE, resize_and_crop
from graft.modalities.modality import UnreadableError
from graft.records import ImagePreprocess

HALF = (0.5, 0.5, 0.5)
LITE = ImagePreprocess(256, 224, "bicubic", HALF, HALF)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def gradient(width: int = 40, height: int = 30) -> Image.Image:
    across = np.tile(np.linspace(0, 255, width, dtype=np.uint8), (height, 1))
    return Image.fromarray(np.stack([across, across[:, ::-1], np.full_like(across, 90)], axis=2))


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [("PNG", 0), ("BMP", 0), ("WEBP", 12), ("JPEG", 12), ("GIF", 40)],
    ids=lambda value: str(value),
)
def test_every_format_decodes_to_the_picture_it_holds(kind, tolerance):
    decoded = IMAGE.decode(encoded(gradient(), kind))
    assert decoded.mode == "RGB"
    assert np.abs(np.asarray(decoded, int) - np.asarray(gradient(), int)).mean() <= tolerance


def test_gif_gives_its_first_frame():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    decoded = IMAGE.decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert decoded.getpixel((5, 5)) == (255, 0, 0)


def test_exif_orientation_turns_the_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    decoded = IMAGE.decode(encoded(gradient(), "JPEG", exif=exif))
    assert decoded.size == (30, 40)


def test_a_broken_exif_block_does_not_make_a_picture_unreadable():
    content = encoded(gradient(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert IMAGE.decode(content).size == (40, 30)


def test_transparency_becomes_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert IMAGE.decode(encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_palette_with_transparency_becomes_white():
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0] + [0] * 765)
    assert IMAGE.decode(encoded(palette, "PNG", transparency=0)).getpixel((0, 0)) == (255, 255, 255)


def test_grey_and_two_tone_pictures_become_rgb():
    for mode in ("L", "LA", "1"):
        assert IMAGE.decode(encoded(gradient().convert(mode), "PNG")).mode == "RGB"


def test_cmyk_jpeg_becomes_rgb():
    decoded = IMAGE.decode(encoded(gradient().convert("CMYK"), "JPEG"))
    assert np.abs(np.asarray(decoded, int) - np.asarray(gradient(), int)).mean() < 12


def test_16_bit_grey_keeps_its_brightness():
    wide = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    decoded = np.asarray(IMAGE.decode(encoded(Image.fromarray(wide), "PNG")))[:, :, 0]
    assert np.array_equal(decoded, wide // 257)


def test_a_dark_16_bit_picture_stays_dark():
    dark = np.full((8, 8), 200, np.uint16)
    assert np.asarray(IMAGE.decode(encoded(Image.fromarray(dark), "PNG"))).max() == 0


def test_the_content_counts_and_not_the_ending(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(gradient(), "JPEG"))
    assert IMAGE.decode(path).size == (40, 30)


@pytest.mark.parametrize("read", [IMAGE.check, IMAGE.decode], ids=["check", "decode"])
class TestUnreadable:
    def test_empty_file(self, read):
        with pytest.raises(UnreadableError, match="0 bytes"):
            read(b"")

    def test_text(self, read):
        with pytest.raises(UnreadableError, match="not a JPEG"):
            read(b"these are my holiday notes")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
    def test_truncated(self, read, kind):
        content = encoded(gradient(400, 300), kind)
        with pytest.raises(UnreadableError, match="truncated|damaged"):
            read(content[: len(content) // 2])

    def test_decompression_bomb(self, read):
        def chunk(name: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
        with pytest.raises(UnreadableError, match="bomb"):
            read(bomb)
        with warnings.catch_warnings():  # outside the tests Pillow's warning is none of an error
            warnings.simplefilter("ignore")
            with pytest.raises(UnreadableError, match="bomb"):
                read(bomb)

    def test_other_formats_are_not_on_the_list(self, read):
        with pytest.raises(UnreadableError, match="not a JPEG"):
            read(encoded(gradient(), "PPM"))

    @settings(max_examples=50, deadline=None)
    @given(noise=st.binary(max_size=200), keep=st.integers(2, 600))
    def test_any_damage_is_told_in_one_way(self, read, noise, keep):
        """Whatever a decoder raises inside, only `UnreadableError` comes out, or a picture."""
        try:
            read(encoded(gradient(), "PNG")[:keep] + noise)
        except UnreadableError:
            return


class TestResizeAndCrop:
    def test_equals_resizing_everything_and_cropping(self):
        """The crop is computed alone; Pillow rounds between its two passes, so a grey level or two may differ.

        (For a picture four times as high as wide it takes the passes in another order, and noise differs by more.)
        """
        rng = np.random.default_rng(0)
        for size in ((348, 348), (640, 480), (480, 641), (100, 57), (1000, 230)):
            picture = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
            for preprocess in (LITE, ImagePreprocess(235, 224, "bilinear", HALF, HALF)):
                short = min(size)
                full = (int(preprocess.resize * size[0] / short), int(preprocess.resize * size[1] / short))
                kind = Image.Resampling.BICUBIC if preprocess.interpolation == "bicubic" else Image.Resampling.BILINEAR
                left, top = round((full[0] - 224) / 2), round((full[1] - 224) / 2)
                expected = np.asarray(picture.resize(full, kind).crop((left, top, left + 224, top + 224)), int)
                assert np.abs(resize_and_crop(picture, preprocess) - expected).max() <= 2

    @settings(max_examples=40, deadline=None)
    @given(width=st.integers(1, 3000), height=st.integers(1, 3000))
    def test_any_size_gives_the_same_shape(self, width, height):
        picture = Image.new("RGB", (width, height), (10, 20, 30))
        array = resize_and_crop(picture, LITE)
        assert array.shape == (224, 224, 3)
        assert (array == (10, 20, 30)).all()

    def test_a_panorama_of_one_row(self):
        assert resize_and_crop(Image.new("RGB", (4000, 1)), LITE).shape == (224, 224, 3)

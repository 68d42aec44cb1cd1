"""Pictures as people have them, cut ones, and files made to fill the memory."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from graft.modalities.image import IMAGE
from graft.modalities.jpeg import MOST_SCANS, scans_of
from graft.modalities.modality import UnreadableError
from graft.modalities.samples import checked, tried


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def scene(width: int = 67, height: int = 45, seed: int = 0) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).normal(0, 20, (height, width, 3))
    plain = np.stack([200 * columns / width, 150 * rows / height, 90 + 0 * rows], axis=2)
    return Image.fromarray(np.clip(plain + noise, 0, 255).astype(np.uint8))


def png(width: int, height: int, kind: int = 2, bits: int = 8) -> bytes:
    """A black PNG, made without its pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" + bytes(width * {0: 1, 2: 3, 6: 4}[kind] * bits // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


JPEGS = {
    "baseline": {},
    "small steps of colour": {"subsampling": 0},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_blocks": 3},
    "progressive": {"progressive": True},
}


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("share", [0.5, 0.75, 0.9])
def test_a_jpeg_that_is_cut_and_closed_by_an_end_marker_is_told(options, mode, share):
    content = encoded(scene().convert(mode), "JPEG", **options)
    start = scans_of(content).end
    if (
        "progressive" in options
    ):  # within its last scan, where a cut takes no more than the finest detail, it is not told
        share = min(share, 0.5)
    cut = content[: int(share * start)].rstrip(b"\xff") + b"\xff\xd9"
    told = checked(IMAGE, cut)
    assert told.error or "cut short" in told.remark
    assert not checked(IMAGE, content).error
    assert not checked(IMAGE, content).remark


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("size", [(64, 64), (67, 45), (8, 8), (1, 1), (17, 33)])
def test_a_picture_that_is_grey_is_not_taken_for_one_that_is_cut(options, size):
    for mode, grey in (("RGB", (128, 128, 128)), ("L", 128), ("L", 127)):
        content = encoded(Image.new(mode, size, grey), "JPEG", **options)
        assert checked(IMAGE, content).error is None
        assert IMAGE.decode(content).size == size


def test_a_jpeg_of_too_many_scans_is_refused_at_once():
    content = encoded(Image.new("RGB", (2000, 1500), (90, 120, 30)), "JPEG", progressive=True)
    last = content.rfind(b"\xff\xda")
    began = time.process_time()
    told = checked(IMAGE, content[:-2] + content[last:-2] * MOST_SCANS + b"\xff\xd9")
    assert "scans" in str(told.error)
    assert time.process_time() - began < 1


def test_a_png_that_would_fill_the_memory_is_refused_before_it_is_decoded():
    for content in (png(9459, 9459, 6), png(9000, 9000)):
        began = time.process_time()
        assert "bomb" in str(checked(IMAGE, content).error)
        assert isinstance(tried(IMAGE, content), UnreadableError)
        assert time.process_time() - began < 1


def test_limits_of_pixels_can_be_raised_and_lowered(monkeypatch):
    content = encoded(scene(), "PNG")
    monkeypatch.setenv("GRAFT_MOST_PIXELS", "1000")
    assert "GRAFT_MOST_PIXELS" in str(checked(IMAGE, content).error)
    monkeypatch.setenv("GRAFT_MOST_PIXELS", "10000")
    assert checked(IMAGE, content).error is None


def test_white_pages_are_no_bombs():
    page = encoded(Image.new("1", (4961, 7016), 1), "TIFF", compression="group4")
    assert checked(IMAGE, page).error is None


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_tiff_and_avif_are_read(kind):
    decoded = IMAGE.decode(encoded(scene(), kind))
    assert decoded.mode == "RGB"
    assert np.abs(np.asarray(decoded, int) - np.asarray(scene(), int)).mean() < 20


def test_of_a_tiff_the_first_page_is_read_and_the_others_told():
    pages = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    content = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert IMAGE.decode(content).getpixel((5, 5)) == (255, 0, 0)
    assert "several pages" in checked(IMAGE, content).remark
    assert not checked(IMAGE, encoded(pages[0], "TIFF")).remark


def test_a_tiff_of_16_bits_keeps_its_brightness_and_one_of_32_is_told():
    grey = np.linspace(0, 65535, 400, dtype=np.uint16).reshape(20, 20)
    decoded = np.asarray(IMAGE.decode(encoded(Image.fromarray(grey), "TIFF")))
    assert decoded[0, 0, 0] == 0
    assert decoded[-1, -1, 0] == 255
    assert "32 bits" in str(checked(IMAGE, encoded(Image.fromarray(grey.astype(np.float32)), "TIFF")).error)


def test_12_bits_in_16_are_told():
    grey = np.linspace(0, 4095, 400, dtype=np.uint16).reshape(20, 20)
    for kind in ("PNG", "TIFF"):
        assert kind == "TIFF" or "12 bits in 16" in checked(IMAGE, encoded(Image.fromarray(grey), kind)).remark
        assert not checked(IMAGE, encoded(Image.fromarray(grey * 16), kind)).remark
    assert "12 bits in 16" in checked(IMAGE, png(30, 20, 2, 16)).remark


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEIC, "HEIC photo.*Most Compatible"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic" + bytes(40), "HEIC"),
        (b"\xff\x0a" + bytes(30), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30), "JPEG 2000"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (png(0, 10), "not a|0 x 10|damaged"),
    ],
)
def test_other_files_are_named_with_the_way_out(content, reason):
    with pytest.raises(UnreadableError, match=reason):
        IMAGE.decode(content)


def test_odd_pictures_are_read_right():
    wide = scene(60, 30)
    turned = Image.Exif()
    turned[0x0112] = 6
    assert IMAGE.decode(encoded(wide, "JPEG", exif=turned)).size == (30, 60)
    cmyk = np.asarray(IMAGE.decode(encoded(wide.convert("CMYK"), "JPEG", quality=95)), int)
    assert np.abs(cmyk - np.asarray(wide, int)).mean() < 12
    several = encoded(wide, "MPO", save_all=True, append_images=[Image.new("RGB", (60, 30), "blue")])
    assert np.abs(np.asarray(IMAGE.decode(several), int) - np.asarray(wide, int)).mean() < 20
    assert IMAGE.decode(encoded(scene(1, 90), "PNG")).size == (1, 90)


def test_transparency_is_white_in_every_strip():
    clear = Image.new("RGBA", (5, 700), (255, 0, 0, 0))
    clear.putpixel((2, 650), (10, 20, 30, 255))
    decoded = IMAGE.decode(encoded(clear, "PNG"))
    assert decoded.getpixel((2, 650)) == (10, 20, 30)
    assert decoded.getpixel((2, 300)) == (255, 255, 255)


def test_a_png_whose_end_was_never_written_is_told():
    """An interrupted download into a file that was given its length before: zeros, which deflate reads as black."""
    content = encoded(scene(200, 200), "PNG")
    assert not checked(IMAGE, content).error
    for share in (0.5, 0.75, 0.9):
        held = int(len(content) * share)
        assert "damaged" in str(checked(IMAGE, content[:held] + bytes(len(content) - held)).error)


@pytest.mark.parametrize(("kind", "named"), [("AVIF", "AVIF"), ("TIFF", "TIFF"), ("GIF", "GIF")])
def test_a_file_that_cannot_be_opened_is_named_by_what_it_is(kind, named):
    content = encoded(scene(), kind)
    reason = str(checked(IMAGE, content[: 12 if kind != "AVIF" else len(content) // 2]).error)
    assert named in reason
    assert "HEIC" not in reason


@pytest.mark.parametrize("shape", [(60_000, 60_000, 3), (1, 10**9), (1, 10**9, 3)])
def test_arrays_have_the_limit_of_files_too(shape):
    began = time.monotonic()
    said = tried(IMAGE, np.broadcast_to(np.uint8(3), shape))
    assert "GRAFT_MOST_PIXELS" in str(said)
    assert time.monotonic() - began < 1

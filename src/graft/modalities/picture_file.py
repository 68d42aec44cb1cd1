"""Files of pictures: which are read, what is refused before it is decoded, and what other files are."""

import io
import os
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image, UnidentifiedImageError

from graft.modalities.jpeg import MOST_SCANNED, MOST_SCANS, Scans, scans_of, with_more_data
from graft.modalities.limits import most
from graft.modalities.modality import UnreadableError
from graft.modalities.samples import said

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")
USUAL_BYTES = 8  # of a pixel while it is decoded and turned into RGB, which Pillow keeps in 4
BYTES = {"WEBP": 16, "AVIF": 16}  # their libraries keep copies of their own
PROGRESSIVE_BYTES = 14  # with the coefficients, which are kept until the last scan
LARGE = 64_000_000  # bytes of pixels from which on a tiny file is refused
RATIO = 500  # bytes of pixels for each byte of a file: only a picture that shows nothing needs fewer
DARK = 4096  # of 65,535: what uses no more was meant for 12 bits
PNG = b"\x89PNG\r\n\x1a\n"
BEGINNINGS = {  # of files that are named rightly and cannot be opened
    PNG: "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
GREY = {127, 128}  # what libjpeg puts where there are no data
SCALED = ("I", "F")  # modes whose largest value nobody knows
PHOTO = "Convert it to JPEG, for example with ImageMagick (magick mogrify -format jpg FILE)"
BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def open_picture(content: bytes) -> Image.Image:
    """A picture of which only the header was read; raises `UnreadableError` for other files and beyond the limits."""
    if not content:
        raise UnreadableError("the file is empty (0 bytes)")
    pixels = most("GRAFT_MOST_PIXELS")
    if os.environ.get("GRAFT_MOST_PIXELS"):  # Pillow has a limit of its own, for the whole process
        Image.MAX_IMAGE_PIXELS = max(pixels, Image.MAX_IMAGE_PIXELS or 0)
    try:
        picture: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableError(_what_else(content)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableError(_bomb(content, pixels)) from error
    except Exception as error:  # a damaged header can raise anything: struct.error, SyntaxError, ValueError
        raise UnreadableError(f"damaged header: {said(error)}") from error
    _refuse_large(picture, content, pixels)
    return picture


def decoding_bytes(content: bytes) -> int:
    """About how much memory it takes to decode a picture to RGB; raises as `open_picture` does."""
    with open_picture(content) as picture:
        return picture.width * picture.height * _bytes_of_a_pixel(picture, content)


def refuse_cut(picture: Image.Image, content: bytes) -> None:
    """Raise `UnreadableError` for a decoded picture of which a part is missing though its decoder said nothing.

    A PNG has a checksum of each piece of its data (ISO/IEC 15948, 5.3). Where data lack in a JPEG with an end marker,
    its last pixel is grey; whether it is so for want of data shows when more are put behind them.
    """
    if picture.format == "PNG" and not _agrees_with_checksums(content):
        raise UnreadableError("damaged: its data do not have the checksum that it names (an unfinished download?)")
    corner = picture.crop((picture.width - 1, picture.height - 1, *picture.size))
    if picture.format not in ("JPEG", "MPO") or not set(corner.tobytes()) <= GREY:
        return
    scans = scans_of(content)
    if not np.array_equal(_small(content), _small(with_more_data(content, scans))):
        raise UnreadableError("cut short: its data end before the picture does, and the rest would be grey")


def remark_on(picture: Image.Image, content: bytes) -> str:
    """What is wrong with a decoded picture that can be used all the same; empty where nothing is."""
    if picture.format in ("JPEG", "MPO"):
        scans = _scans(content)
        return "" if scans is None or scans.complete else "cut short: its last scans are missing, so it is blurred"
    if picture.format == "TIFF":
        pages: Any = picture
        return "it has several pages; the first one is read" if pages.tag_v2.next else ""
    if picture.mode.startswith("I;16"):
        dark = np.max(picture.getextrema()) < DARK
    elif content[:4] == b"\x89PNG" and content[24:25] == b"\x10":  # of 16 bits, Pillow gives the upper 8
        dark = np.max(picture.convert("RGB").getextrema()) < DARK / 256
    else:
        dark = False
    return "its brightness uses a sixteenth of 16 bits (12 bits in 16?), so it is almost black" if dark else ""


def _refuse_large(picture: Image.Image, content: bytes, pixels: int) -> None:
    count = picture.width * picture.height
    if not count:
        raise UnreadableError(f"a picture of {picture.width} x {picture.height} pixels, which shows nothing")
    if picture.mode in SCALED:
        raise UnreadableError("brightness in 32 bits, whose scale is not known; save it with 8 or 16 bits")
    if count * _bytes_of_a_pixel(picture, content) > pixels * USUAL_BYTES:
        raise UnreadableError(_bomb(content, pixels * USUAL_BYTES // _bytes_of_a_pixel(picture, content)))
    raw = count * (len(picture.getbands()) if picture.mode != "1" else 1 / 8)
    if raw > LARGE and raw > RATIO * len(content) and not os.environ.get("GRAFT_MOST_PIXELS"):
        raise UnreadableError(_bomb(content, count - 1))
    scans = _scans(content) if picture.format in ("JPEG", "MPO") else None
    if scans is not None and (scans.count > MOST_SCANS or scans.count * count > MOST_SCANNED):
        raise UnreadableError(f"{scans.count} scans or more over {count:,} pixels, which would take too long")


def _bytes_of_a_pixel(picture: Image.Image, content: bytes) -> int:
    if picture.format in ("JPEG", "MPO") and _scans(content) is not None:
        return PROGRESSIVE_BYTES
    return BYTES.get(picture.format or "", USUAL_BYTES)


def _scans(content: bytes) -> Scans | None:
    """The scans of a JPEG file that has several; None for one, as most have."""
    if content.count(b"\xff\xda") <= 1:
        return None
    scans = scans_of(content)
    return scans if scans.count > 1 or scans.progressive else None


def _bomb(content: bytes, pixels: int) -> str:
    return (
        f"more than {pixels // 10**6} million pixels in {len(content):,} bytes (a decompression bomb? "
        "GRAFT_MOST_PIXELS allows more)"
    )


def _agrees_with_checksums(content: bytes) -> bool:
    """Whether each piece of the pixels' data in a PNG file has the CRC that follows it; others do no harm."""
    at = len(PNG)
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] == b"IDAT":
            written = int.from_bytes(content[end : end + 4], "big")
            if crc32(memoryview(content)[at + 4 : end]) != written:
                return False
        at = end + 4
    return True


def _small(content: bytes) -> Any:
    """A JPEG at an eighth of its size: its averages, which are decoded fast."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        picture.draft("RGB", (1, 1))
        return np.asarray(picture)


def _what_else(content: bytes) -> str:
    """What a file is that is no picture that graft reads, and the way out."""
    head = content[:64]
    for beginning, kind in BEGINNINGS.items():
        if head.startswith(beginning):
            return f"a {kind} picture that is truncated, damaged or of a kind that graft does not read. {PHOTO}"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "an AVIF picture that is truncated or damaged"
    if head[4:8] == b"ftyp" and BRANDS & {head[at : at + 4] for at in range(8, 40, 4)}:
        return (
            f"a HEIC photo, which graft does not read. {PHOTO}; an iPhone takes JPEG photos with Settings > Camera > "
            "Formats > Most Compatible"
        )
    if head[:2] == b"\xff\x0a" or head[4:8] == b"JXL ":
        return f"a JPEG XL picture, which graft does not read. {PHOTO}"
    if head[:4] == b"\xff\x4f\xff\x51" or head[4:8] == b"jP  ":
        return f"a JPEG 2000 picture, which graft does not read. {PHOTO}"
    if head.lstrip()[:1] == b"<":
        return "no picture but a page or a drawing in text (HTML, XML or SVG)"
    return f"not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} picture"

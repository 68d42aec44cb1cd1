"""Single values of a program as a table and files hold them: labels as text, pictures as PNG, sounds as WAV."""

import io
import math
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from graft.dataset.cells import one_line
from graft.errors import RequestError
from graft.modalities.image import ORIENTATION, to_picture
from graft.modalities.modality import UnreadableError
from graft.modalities.picture_file import FORMATS
from graft.modalities.samples import said

Kind = Literal["picture", "sound", "file", "text"]
AS_PNG = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})  # modes that a PNG file keeps as they are
WHOLE = 0.1  # of a grey level: nearer to one than that, a number was made from it, if only in 16 bits
MOST_CHANNELS = 32
BEGINNINGS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
    b"FORM": ".aiff",
}
SOUNDS = frozenset({".flac", ".ogg", ".mp3", ".aiff", ".wav", ".opus", ".oga", ".aif"})
WAVE_TYPES = {"uint8": (1, 1), "int16": (1, 2), "int32": (1, 4), "float32": (3, 4)}  # format tag, bytes of a value


@dataclass(frozen=True, slots=True)
class Encoded:
    """The content of a file that holds a sample, and the ending of its name."""

    content: bytes
    suffix: str


def is_missing_value(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, and what pandas has for them."""
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and bool(math.isnan(value)))
    )


def kind_of(value: Any) -> Kind | None:
    """What a value is as a sample; None for what is none, such as a number."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, os.PathLike):
        return "file"
    if _sound(value) is not None:
        return "sound"
    stored = _stored(value)
    if stored is not None:
        return "file" if isinstance(stored, str) else "sound" if stored.suffix in SOUNDS else "picture"
    return "picture" if isinstance(value, Image.Image) or _dimensions(value) in (2, 3) else None


def path_in(value: Any) -> str | None:
    """The path that a value names, where it names a file instead of holding one."""
    stored = os.fspath(value) if isinstance(value, os.PathLike) else _stored(value)
    return os.fsdecode(stored) if isinstance(stored, str | bytes) else None


def encoded(value: Any) -> Encoded:
    """A picture or sound as a file that keeps all of it; raises `UnreadableError` for one that cannot be used."""
    stored = _stored(value)
    if isinstance(stored, Encoded):
        return stored
    unopened = _unopened(value)
    if unopened is not None:
        return unopened
    sound = _sound(value)
    try:
        return _wav(*sound) if sound is not None else _png(value)
    except (MemoryError, UnreadableError):
        raise
    except RequestError as error:
        raise UnreadableError(str(error)) from error
    except Exception as error:  # a lazily opened picture raises whatever its decoder does
        raise UnreadableError(f"it cannot be written ({said(error)})") from error


def label_text(value: Any, classes: Sequence[str] = ()) -> str | None:
    """A label as a table has it, several with | between them; None for a missing one.

    `classes` name whole numbers, of which -1 stands for none, and the places of the ones in a row of 0 and 1. Raises
    `UnreadableError` for what is no label.
    """
    value = _plain(value)
    if is_missing_value(value):
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        value = _named_places(value, classes)
        return "|".join(filter(None, (label_text(one, classes) for one in value)))
    if isinstance(value, Mapping | bytes):
        raise UnreadableError(f"its label is a {type(value).__name__}, and no text or number")
    if classes and isinstance(value, int | np.integer) and not isinstance(value, bool):
        if value == -1:
            return None
        if not 0 <= value < len(classes):
            raise UnreadableError(f"its label {value} is beyond the {len(classes)} names of classes")
        value = classes[int(value)]
    return one_line(str(value))


def cell_text(value: Any, classes: Sequence[str] = ()) -> str:
    """What stands in a cell that holds no sample; nothing for what no cell can hold."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | bytes | Image.Image) or _dimensions(value) > 1:
        return ""
    return label_text(value, classes) or ""


def _named_places(value: Sequence[Any], classes: Sequence[str]) -> Sequence[Any]:
    """The classes at which a row of 0 and 1 has ones; anything else as it is."""
    numbers = all(isinstance(one, int | float) and one in (0, 1) for one in value)
    if len(classes) > 1 and len(value) == len(classes) and numbers:
        return [name for name, one in zip(classes, value, strict=True) if one]
    return value


def _plain(value: Any) -> Any:
    """A tensor as an array, and an array of one value as that value."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _dimensions(value: Any) -> int:
    return value.ndim if isinstance(value, np.ndarray) or hasattr(value, "detach") else 0


def _stored(value: Any) -> Encoded | str | None:
    """A file as Hugging Face keeps it, {"bytes": ..., "path": ...}, or its bytes alone."""
    path = None
    if isinstance(value, Mapping) and {"bytes", "path"} & set(value) and set(value) <= {"bytes", "path"}:
        path, value = value.get("path"), value.get("bytes")
        if value is None:
            return None if path is None else str(path)
    if not isinstance(value, bytes | bytearray | memoryview):
        return None
    content = bytes(value)
    found = next((suffix for beginning, suffix in BEGINNINGS.items() if content.startswith(beginning)), None)
    if content[:4] == b"RIFF":
        found = ".wav" if content[8:12] == b"WAVE" else ".webp"
    return Encoded(content, found or Path(str(path or "")).suffix.lower() or ".png")


def _sound(value: Any) -> tuple[Any, int] | None:
    """The samples and the rate of a sound, where a value is one."""
    if isinstance(value, Mapping) and {"array", "sampling_rate"} <= set(value):
        return value["array"], int(value["sampling_rate"])
    if not isinstance(value, tuple | list) or len(value) != 2 or _dimensions(value[0]) not in (1, 2):
        return None
    rate = _plain(value[1])
    whole = isinstance(rate, int | float | np.number) and not isinstance(rate, bool) and float(rate).is_integer()
    return (value[0], int(rate)) if whole else None


def _unopened(value: Any) -> Encoded | None:
    """The file of a picture that was opened and not decoded yet: decoded, it would stay in memory after its turn."""
    if not isinstance(value, ImageFile.ImageFile) or not value.tile or value.tell() or value.format not in FORMATS:
        return None
    try:
        return _stored(Path(os.fsdecode(value.filename)).read_bytes()) if value.filename else None  # type: ignore[return-value]
    except OSError:  # it lives on in an open handle, perhaps
        return None


def _is_upright(picture: Image.Image) -> bool:
    try:
        return picture.getexif().get(ORIENTATION, 1) == 1
    except Exception:  # what is broken there turns nothing
        return True


def _png(value: Any) -> Encoded:
    picture = value if isinstance(value, Image.Image) else _pixels(value)
    seen = to_picture(picture)  # refuses what shows nothing, and what has no brightness from 0 to 255
    if isinstance(picture, Image.Image) and picture.mode in AS_PNG and _is_upright(picture):
        seen = picture
    elif isinstance(picture, np.ndarray) and (picture.ndim == 2 or picture.shape[2] != 1):
        seen = Image.fromarray(picture)
    file = io.BytesIO()
    seen.save(file, "PNG", icc_profile=None)
    return Encoded(file.getvalue(), ".png")


def _pixels(value: Any) -> NDArray[Any]:
    """Pixels as (height, width) or (height, width, channels) and uint8, where that keeps each value exactly."""
    tensor, array = hasattr(value, "detach"), np.asarray(_plain(value))
    if tensor and array.ndim == 3 and array.shape[0] in (1, 3, 4):
        array = np.ascontiguousarray(array.transpose(1, 2, 0))
    if array.dtype == np.uint8 or array.size == 0 or array.dtype.kind not in "fiu":
        return array
    numbers = array.astype(np.float64)
    if array.dtype.kind == "f" and numbers.max() <= 1:
        numbers *= 255
    levels = np.round(numbers)
    if not (np.isfinite(numbers).all() and levels.min() >= 0 and levels.max() <= 255):
        raise UnreadableError(f"pixels from {array.min():g} to {array.max():g}, {_RAW}")
    if np.abs(numbers - levels).max() > WHOLE:
        raise UnreadableError(f"pixels of {array.dtype} that are none of 256 levels, {_RAW}")
    return levels.astype(np.uint8)


_RAW = "as after normalising: give the pictures as they are, 0 to 255 or 0 to 1, for graft prepares them itself"


def _wav(array: Any, rate: int) -> Encoded:
    """A WAV file of the values as they are; of numbers in 64 or 16 bits with a point, in 32.

    libsndfile would write the time into it, so that the same sound would be another file.
    """
    values = np.asarray(_plain(array))
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    if values.dtype.name not in WAVE_TYPES or not 0 < rate < 2**31:
        raise UnreadableError(f"a sound of {values.dtype} at {rate} Hz. Expected float, int16 or int32, and a rate")
    if values.size == 0 or values.ndim not in (1, 2):
        raise UnreadableError("a sound without any value")
    if values.ndim == 2 and values.shape[0] < values.shape[1]:  # torch has (channels, samples)
        values = values.T
    channels = 1 if values.ndim == 1 else values.shape[1]
    if channels > MOST_CHANNELS or not np.isfinite(values).all():
        raise UnreadableError(
            f"a sound of {channels} channels" if channels > MOST_CHANNELS else "a sound with NaN in it"
        )
    tag, width = WAVE_TYPES[values.dtype.name]
    data = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * width, channels * width, 8 * width)
    chunks = [(b"fmt ", form), (b"fact", struct.pack("<I", len(values))), (b"data", data)]
    body = b"".join(name + struct.pack("<I", len(one)) + one + b"\0" * (len(one) % 2) for name, one in chunks)
    return Encoded(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body, ".wav")

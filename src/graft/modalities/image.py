"""Pictures: an allow-list of formats, decoded to RGB the same way everywhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from graft.errors import RequestError
from graft.modalities.limits import most
from graft.modalities.modality import UnreadableError, read_content
from graft.modalities.picture_file import decoding_bytes, open_picture, refuse_cut, remark_on
from graft.modalities.samples import said
from graft.records import ImagePreprocess

if TYPE_CHECKING:
    from torch import nn

ROWS = 256  # of a picture that are turned into RGB at one time
ORIENTATION = 0x0112  # of EXIF
MARGIN = 0.15  # of each side: inside of that lies what a picture shows
RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class ImageModality:
    """JPEG, PNG, WebP, BMP, AVIF and the first frame of GIF and TIFF; upright, on white, 8-bit RGB."""

    name = "image"
    version = f"pillow-{PIL.__version__}"
    preparation = 1
    augmentation = 2
    views = 6
    margin = "the margin of each picture, its middle hidden,"
    noun = "picture"
    told = frozenset({".heic", ".heif", ".hif", ".jxl", ".jp2"})
    suffixes = told | {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}

    def decoding_bytes(self, content: bytes) -> int:
        return decoding_bytes(content)

    def check(self, content: bytes) -> str:
        """Decode at the lowest resolution the format allows: that reads every byte and finds a truncated file."""
        picture = open_picture(content)
        picture.draft("RGB", (1, 1))
        _load(picture)
        refuse_cut(picture, content)
        return remark_on(picture, content)

    def decode(self, source: Path | bytes, preprocess: ImagePreprocess | None = None) -> Image.Image:
        return to_rgb(_whole(source if isinstance(source, bytes) else read_content(source)))

    def accept(self, thing: Any) -> Image.Image:
        return to_picture(thing)

    def prepare(self, sample: Image.Image, preprocess: ImagePreprocess) -> NDArray[np.uint8]:
        """Resize the shorter side and crop the centre: (crop, crop, 3), RGB, 0 to 255."""
        return resize_and_crop(sample, preprocess)

    def signal(self, sample: Image.Image, preprocess: ImagePreprocess) -> NDArray[np.uint8]:
        """All of its pixels: (height, width, 3), RGB, 0 to 255."""
        return np.array(sample)

    def augment(self, sample: Image.Image, preprocess: ImagePreprocess, rng: np.random.Generator) -> NDArray[np.uint8]:
        """A randomly cropped, flipped and recoloured view: (crop, crop, 3), RGB, 0 to 255."""
        return augment(sample, preprocess, rng)

    def stack(self, samples: Sequence[NDArray[np.uint8]], preprocess: ImagePreprocess) -> NDArray[np.uint8]:
        return np.stack(samples)

    def shape(self, preprocess: ImagePreprocess) -> tuple[int | None, ...]:
        return (preprocess.crop, preprocess.crop, 3)

    def example(self, preprocess: ImagePreprocess) -> NDArray[np.uint8]:
        return np.random.default_rng(0).integers(256, size=(preprocess.crop, preprocess.crop, 3), dtype=np.uint8)

    def entry(self, preprocess: ImagePreprocess) -> "nn.Module":
        """(batch, crop, crop, 3), 0 to 255 -> normalised (batch, 3, crop, crop)."""
        import torch
        from torch import nn

        class Normalised(nn.Module):
            mean: torch.Tensor
            std: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("mean", torch.tensor(preprocess.mean).view(1, 3, 1, 1) * 255)
                self.register_buffer("std", torch.tensor(preprocess.std).view(1, 3, 1, 1) * 255)

            def forward(self, pictures: torch.Tensor) -> torch.Tensor:
                return (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.std

        return Normalised()

    def suit(self, preprocess: ImagePreprocess, sources: Sequence[Path | bytes]) -> ImagePreprocess:
        return preprocess

    def fix(self, preprocess: ImagePreprocess, sources: Sequence[Path | bytes]) -> ImagePreprocess:
        return preprocess

    def made(self, source: Path | bytes) -> tuple[float, ...]:
        """Bytes of the file, width and height."""
        content = source if isinstance(source, bytes) else read_content(source)
        with open_picture(content) as picture:
            return (float(len(content)), float(picture.width), float(picture.height))

    def margin_of(self, prepared: NDArray[np.uint8], preprocess: ImagePreprocess) -> NDArray[np.uint8]:
        hidden = prepared.copy()
        inside = slice(round(MARGIN * len(prepared)), round((1 - MARGIN) * len(prepared)))
        hidden[inside, inside] = np.round(255 * np.array(preprocess.mean))
        return hidden

    def excess(self, preprocess: ImagePreprocess, sources: Sequence[Path | bytes]) -> str:
        return ""


def _whole(content: bytes) -> Image.Image:
    picture = open_picture(content)
    _load(picture)
    refuse_cut(picture, content)
    return picture


def _load(picture: Image.Image) -> None:
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError
        raise UnreadableError(f"truncated or damaged ({said(error)})") from error


def to_rgb(picture: Image.Image) -> Image.Image:
    """Turn a picture of any mode upright and into 8-bit RGB, on white where it is transparent."""
    _load(picture)  # a lazily opened picture may turn out to be truncated
    picture = _upright(picture)
    if picture.mode.startswith("I;16"):  # Pillow's own conversion would clip 16-bit grey to white
        return _in_strips(picture, lambda strip: Image.fromarray((np.asarray(strip) // 257).astype(np.uint8)))
    if picture.has_transparency_data:
        return _in_strips(picture, _on_white)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _upright(picture: Image.Image) -> Image.Image:
    try:
        turned = picture.getexif().get(ORIENTATION, 1) != 1
        return ImageOps.exif_transpose(picture) if turned else picture
    except MemoryError:
        raise
    except Exception:  # a broken EXIF block must not decide whether a picture is readable
        return picture


def _in_strips(picture: Image.Image, turn: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """A picture turned into RGB a few rows at a time, so that no second one of its size is in memory."""
    result = Image.new("RGB", picture.size)
    for top in range(0, picture.height, ROWS):
        strip = picture.crop((0, top, picture.width, min(picture.height, top + ROWS)))
        result.paste(turn(strip).convert("RGB"), (0, top))
    return result


def _on_white(strip: Image.Image) -> Image.Image:
    rgba = strip.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)


def resize_and_crop(picture: Image.Image, preprocess: ImagePreprocess) -> NDArray[np.uint8]:
    """Resize the shorter side to `preprocess.resize` with antialias and crop the centre: (crop, crop, 3).

    Only the pixels that survive the crop are computed: the crop is mapped back to a box in the original, which
    gives Pillow the same sampling positions as resizing everything first, for about half the work.
    """
    width, height = picture.size
    short = min(width, height)
    full_width = max(1, int(preprocess.resize * width / short))
    full_height = max(1, int(preprocess.resize * height / short))
    left = round((full_width - preprocess.crop) / 2)
    top = round((full_height - preprocess.crop) / 2)
    across, down = width / full_width, height / full_height
    box = (
        max(0.0, left * across),
        max(0.0, top * down),
        min(float(width), (left + preprocess.crop) * across),
        min(float(height), (top + preprocess.crop) * down),
    )
    size = (preprocess.crop, preprocess.crop)
    return np.asarray(picture.resize(size, RESAMPLING[preprocess.interpolation], box=box))


def augment(picture: Image.Image, preprocess: ImagePreprocess, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random crop of 25 to 100% of the picture, flipped half of the time, with slightly other light and colour.

    (crop, crop, 3), RGB, 0 to 255; the same generator state gives the same view. Change `augmentation` with it. On the
    val part of fruit the Brier score of rung 2 was 0.363 with 60 to 100%, 0.318 with 25, 0.353 with 10.
    """
    width, height = picture.size
    area = width * height * rng.uniform(0.25, 1.0)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    across, down = min(width, np.sqrt(area * aspect)), min(height, np.sqrt(area / aspect))
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    size = (preprocess.crop, preprocess.crop)
    box = (left, top, left + across, top + down)
    view = picture.resize(size, RESAMPLING[preprocess.interpolation], box=box)
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        view = enhance(view).enhance(rng.uniform(0.8, 1.2))
    return np.asarray(view)


def to_picture(source: Any) -> Image.Image:
    """A PIL picture in RGB from a PIL picture or an array; raises `RequestError` for other shapes and types."""
    if isinstance(source, Image.Image):
        _refuse_many(source.width * source.height)
        if 0 in source.size:
            raise UnreadableError(f"a picture of {source.width} x {source.height} pixels, which shows nothing")
        if source.mode in {"I", "F"}:
            raise RequestError(
                f"A PIL picture of mode {source.mode} and size {source.size} has no brightness from 0 to 255. "
                "Scale it yourself and convert it to mode L or RGB."
            )
        return to_rgb(source)
    if not isinstance(source, np.ndarray):
        raise RequestError(f"A {type(source).__name__} is no picture. Expected a path, a PIL picture or a numpy array.")
    array = np.asarray(source)
    if array.size == 0:
        raise UnreadableError("an array without any pixel")
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise RequestError(
            f"An array of shape {array.shape} and type {array.dtype} is no picture. "
            "Expected (height, width), (height, width, 3) or (height, width, 4) with values 0 to 255 as uint8."
        )
    _refuse_many(array.shape[0] * array.shape[1])
    return to_rgb(Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array))


def _refuse_many(pixels: int) -> None:
    largest = most("GRAFT_MOST_PIXELS")
    if pixels > largest:
        raise UnreadableError(f"{pixels:,} pixels, more than {largest:,} (GRAFT_MOST_PIXELS allows more)")


IMAGE = ImageModality()

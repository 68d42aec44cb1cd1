"""Code for the README of an artifact, in Python: from a file to what the artifact takes, as graft itself reads it."""

from collections.abc import Mapping
from typing import Any

from graft.tasks.table import task_of

OPENED = {
    "image": """
import json, numpy, pathlib
from PIL import Image, ImageOps

manifest = json.loads(pathlib.Path("manifest.json").read_text("utf-8"))
picture = ImageOps.exif_transpose(Image.open("PICTURE.jpg"))  # upright
if picture.mode.startswith("I;16"):  # grey in 16 bits
    picture = Image.fromarray((numpy.asarray(picture) // 257).astype(numpy.uint8))
picture = picture.convert("RGBA")
picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")  # on white
sample = numpy.asarray(picture)  # (height, width, 3), of any size
""",
    "text": """
import json, numpy, pathlib, tokenizers

manifest = json.loads(pathlib.Path("manifest.json").read_text("utf-8"))
settings = manifest["preprocess"]
tokenizer = tokenizers.Tokenizer.from_file("tokenizer.json")
tokenizer.no_padding(), tokenizer.no_truncation()
tokens = tokenizer.encode("A TEXT").ids[: settings["tokens"]][: settings["fixed"]]
tokens += [settings["pad"]] * ((settings["fixed"] or 0) - len(tokens))
sample = numpy.array(tokens, numpy.int64)  # (tokens,)
""",
    "audio": """
import json, numpy, pathlib, soundfile
from scipy.signal import resample_poly

manifest = json.loads(pathlib.Path("manifest.json").read_text("utf-8"))
wave, rate = soundfile.read("RECORDING.wav", dtype="float32", always_2d=True)
wave = wave[:, abs(wave).max(axis=0) > 1e-6].mean(axis=1)  # the channels that are not silent
sample = resample_poly(wave, manifest["preprocess"]["rate"], rate).astype(numpy.float32)  # (time,), any length
""",
}
PREPARED = {
    "image": """
settings, size = manifest["preprocess"], numpy.array(picture.size)
crop, full = settings["crop"], numpy.maximum(1, (settings["resize"] * size / size.min()).astype(int))
start = numpy.round((full - crop) / 2)  # of the centre, in the resized picture
box = numpy.concatenate([numpy.maximum(0, start * size / full), numpy.minimum(size, (start + crop) * size / full)])
method = Image.Resampling[settings["interpolation"].upper()]  # one that smooths what it shrinks
sample = numpy.asarray(picture.resize((crop, crop), method, box=tuple(box)))  # (crop, crop, 3), uint8
""",
    "text": "",
    "audio": """
room = manifest["preprocess"]["samples"]
start, missing = max(0, len(sample) - room) // 2, max(0, room - len(sample))
sample = numpy.pad(sample[start : start + room], (missing // 2, missing - missing // 2))
sample = numpy.clip(numpy.rint(sample * 32767), -32768, 32767).astype(numpy.int16)  # (samples,)
""",
}


def python(manifest: Mapping[str, Any], asked: str) -> str:
    """A whole Python program in Markdown, from the file to the answer, for an artifact that takes any size.

    `asked` turns `sample` into `probabilities`, or what the manifest calls them, and `unknown`.
    """
    return _fenced(OPENED[manifest["modality"]], in_words_of(manifest, asked), task_of(manifest["task"]).asked)


def python_prepared(manifest: Mapping[str, Any], asked: str = "") -> str:
    """The same for an artifact that takes prepared samples; without `asked` it ends with the prepared `sample`."""
    answered = task_of(manifest["task"]).asked if asked else ""
    kind = manifest["modality"]
    return _fenced(OPENED[kind], PREPARED[kind], in_words_of(manifest, asked), answered)


def in_words_of(manifest: Mapping[str, Any], code: str) -> str:
    """Code with the answers called as the manifest calls them."""
    return code.replace("probabilities", str(manifest["outputs"][0]))


def _fenced(*pieces: str) -> str:
    return "\n```python\n" + "\n".join(piece.strip("\n") for piece in pieces if piece) + "\n```\n"

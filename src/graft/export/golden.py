"""Golden vectors: a few inputs as files, with the answers that any faithful runtime must give."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graft.adaptation.model import Model
from graft.errors import WorkError
from graft.export.parity import TorchRuntime, prepared
from graft.modalities.audio import FULL
from graft.modalities.modality import UnreadableError
from graft.modalities.samples import opened
from graft.records import Json
from graft.storage import write_bytes, write_json

FOLDER = "golden"
MOST = 6
SIDE = 320  # pixels of a picture's longer side
CHARACTERS = 500


@dataclass(frozen=True)
class Golden:
    """Samples that may leave with an artifact, and where they come from in words; never the locked test part."""

    contents: Sequence[Any]
    origin: str


def write_golden(model: Model, golden: Golden, folder: Path, whole: bool) -> None:
    """Write some samples, of different answers, without loss, and what the model in torch says of them.

    For artifacts that take prepared samples the prepared arrays are written too, raw and little-endian. Raises
    `WorkError` where none can be read.
    """
    run, entries = TorchRuntime(model).run, []
    for number, content in enumerate(_spread(model, golden, run)):
        name, content = _file(model, content)
        sample = prepared(model, content, whole=False)
        if isinstance(sample, UnreadableError):
            raise AssertionError(f"what was just written can be read: {sample}")
        write_bytes(folder / FOLDER / f"{number}{name}", content)
        answer = run(sample)
        entry: Json = {
            "file": f"{number}{name}",
            "label": model.task.label(answer, model.classes, model.details),
            model.task.output: [float(one) for one in answer],
            "unknown": float(1 - answer.max()),
        }
        if not whole:
            raw = np.ascontiguousarray(sample)
            write_bytes(folder / FOLDER / f"{number}.bin", raw.astype(raw.dtype.newbyteorder("<")).tobytes())
            entry |= {"prepared": f"{number}.bin", "shape": [1, *raw.shape], "type": str(raw.dtype)}
        entries.append(entry)
    write_json(folder / FOLDER / "golden.json", {"origin": golden.origin, "inputs": entries})


def _spread(model: Model, golden: Golden, run: Callable[[Any], Any]) -> list[Any]:
    """As many different answers as there is room for, each the surest of its class."""
    surest: dict[str, tuple[float, Any]] = {}
    for content in golden.contents:
        sample = prepared(model, content, whole=False)
        if not isinstance(sample, UnreadableError):
            answer = run(sample)
            label, sure = model.task.label(answer, model.classes, model.details), float(answer.max())
            if label not in surest or sure > surest[label][0]:
                surest[label] = (sure, content)
    if not surest:
        raise WorkError(
            f"No golden file can be made of {golden.origin}: none can be read. Name some with --golden DIR."
        )
    firsts = [surest[label][1] for label in sorted(surest, key=order_of(model))]
    return [firsts[at] for at in np.unique(np.linspace(0, len(firsts) - 1, MOST).astype(int))]


def order_of(model: Model) -> Callable[[str], Any]:
    """Labels in the order of the classes, or of the letters."""
    numbers = {name: number for number, name in enumerate(model.classes)}
    return lambda label: (numbers.get(label, len(numbers)), label)


def _file(model: Model, content: Any) -> tuple[str, bytes]:
    """A sample as a small file that every platform decodes to the same values, and its suffix."""
    modality = model.modality
    sample = opened(modality, content)
    buffer = io.BytesIO()
    if modality.name == "image":
        picture: Image.Image = sample
        picture.thumbnail((SIDE, SIDE))
        picture.save(buffer, "PNG", optimize=True)
        return ".png", buffer.getvalue()
    if modality.name == "text":
        return ".txt", sample[:CHARACTERS].encode()
    import soundfile

    preprocess = model.backbone.card.preprocess
    wave = np.clip(np.rint(modality.signal(sample, preprocess) * FULL), -FULL - 1, FULL).astype(np.int16)
    soundfile.write(buffer, wave, preprocess.rate, format="WAV", subtype="PCM_16")  # type: ignore[union-attr]
    return ".wav", buffer.getvalue()

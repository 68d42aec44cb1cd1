"""How one sample is shown on a page: a thumbnail, the beginning of a text, or a wave that can be played."""

import base64
import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import escape as escape_html

from graft.escaping import visible
from graft.evaluation.blocks import Exhibit
from graft.modalities.audio import AUDIO
from graft.modalities.image import IMAGE
from graft.modalities.modality import UnreadableError
from graft.modalities.pair import PAIR
from graft.modalities.samples import opened
from graft.modalities.text import TEXT
from graft.storage import sha256_of

THUMBNAIL = 160  # pixels
MOST_CHARACTERS = 240
MOST_BYTES = 200_000  # of a recording that the page carries
BARS = 80
TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".flac": "audio/flac"}


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples that a page may show, below a root, each with the SHA-256 of what it must hold; None: was just read."""

    root: str
    hashes: Mapping[str, str | None]


Find = Callable[[str, str], Path | None]  # root and source, as an evaluation names them -> the file


def nothing(root: str, source: str) -> Path | None:
    """No file at all may be shown."""
    return None


def find_sample(own: Samples, read: Samples | None, root: str, source: str) -> Path | None:
    """The file of a sample that an evaluation names; None for what may not be shown.

    An evaluation lies in the run, which somebody else may have written: it may name any file of this machine. Only a
    file is shown that the run's split lists below its own data, or that was just read for this page, and only while it
    holds what it held then, which whoever wrote the run must have had in hand.
    """
    for known in (own, read):
        if known is None or source not in known.hashes:
            continue
        path = Path(known.root) / source
        with suppress(OSError, ValueError):
            if Path(root).resolve() != Path(known.root).resolve():
                continue
            expected = known.hashes[source]
            if expected is None or sha256_of(path) == expected:
                return path
    return None


def exhibit(noun: str, one: Exhibit, path: Path | None) -> str:
    """HTML that shows a sample, from its file or from the words kept of it; empty where neither is there."""
    try:
        if noun == PAIR.noun:  # its words alone: the picture stands in a table that may have changed
            return f"<blockquote>{_escaped(excerpt(one.text))}</blockquote>"
        if noun == TEXT.noun:
            words = one.text or (opened(TEXT, path) if path is not None else "")
            return f"<blockquote>{_escaped(excerpt(words))}</blockquote>" if words else ""
        if path is None:
            return ""
        return _wave(path) if noun == AUDIO.noun else _thumbnail(path, one.alternative)
    except UnreadableError:
        return ""


def recording(path: Path | None) -> str:
    """HTML that shows a recording; empty where it is not there any more."""
    try:
        return "" if path is None else _wave(path)
    except UnreadableError:
        return ""


def _escaped(text: str) -> str:
    return str(escape_html(visible(text, keep="\n")))


def excerpt(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS].rstrip() + " …"


def _thumbnail(path: Path, alternative: str) -> str:
    picture = opened(IMAGE, path)
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=75)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{_escaped(alternative)}" loading="lazy">'


def _wave(path: Path) -> str:
    """How loud it is over time, and the recording itself where it is short."""
    wave = np.abs(opened(AUDIO, path).wave)
    parts = np.array_split(wave, min(BARS, len(wave)))
    heights = np.array([part.max() for part in parts]) / wave.max()
    bars = "".join(
        f'<rect x="{2 * number}" y="{20 - 19 * height:.1f}" width="1.4" height="{max(0.6, 38 * height):.1f}"/>'
        for number, height in enumerate(heights)
    )
    box = f'viewBox="0 0 {2 * BARS} 40" width="100%" role="img" aria-label="its loudness" fill="var(--leaf)"'
    drawn = f"<svg {box}>{bars}</svg>"
    kind, size = TYPES.get(path.suffix.lower()), path.stat().st_size
    if kind is None or size > MOST_BYTES:
        return drawn
    data = base64.b64encode(path.read_bytes()).decode()
    return f'{drawn}<audio controls preload="none" src="data:{kind};base64,{data}"></audio>'

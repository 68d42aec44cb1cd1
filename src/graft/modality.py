"""What differs between pictures, texts and sounds, as one small interface with one leaf file each."""

import stat
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.records import Preprocess


class UnreadableError(ValueError):
    """A sample that cannot be decoded; the message is one short reason for a report."""


def read_content(path: Path) -> bytes:
    """The bytes of a regular file; raises `UnreadableError` with the reason for anything else.

    A pipe or a device would wait for ever for somebody to write into it.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError("a folder that cannot be read" if path.is_dir() else "not a regular file")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower()) from error


class Modality(Protocol):
    """How samples of one kind are recognised, decoded and turned into what a network takes."""

    name: str
    noun: str  # what one sample is called: "picture"
    suffixes: frozenset[str]
    version: str  # of the decoder: another one may give other values
    augmentation: int  # version of `augment`: kept views of another one are not used

    def check(self, content: bytes) -> None:
        """Decode as cheaply as proves that the whole sample is readable; raise `UnreadableError` if not."""

    def decode(self, source: Path | bytes) -> Any:
        """Decode one sample; raise `UnreadableError` with the reason where that fails."""

    def prepare(self, sample: Any, preprocess: Preprocess) -> NDArray[np.uint8]:
        """Turn a decoded sample into the array that the network's graph takes."""

    def augment(self, sample: Any, preprocess: Preprocess, rng: np.random.Generator) -> NDArray[np.uint8]:
        """The same as `prepare`, varied in ways that leave the label true; `rng` alone decides how."""

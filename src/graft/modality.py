"""What differs between pictures, texts and sounds, as one small interface with one leaf file each."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Prepared = NDArray[Any]  # one sample as the network's graph takes it


class Pair(NamedTuple):
    """A picture's file with the text that belongs to it, as bytes that should be UTF-8."""

    file: Path
    text: bytes


Content = Path | bytes | Pair  # what a sample is decoded from


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
    """How samples of one kind are recognised, decoded and turned into what a network takes.

    `preprocess` is the record of this kind: `ImagePreprocess`, `TextPreprocess`, `AudioPreprocess` or `PairPreprocess`;
    `source` is what samples of this kind are decoded from: a file or its bytes, or a `Pair`.
    """

    name: str
    noun: str  # what one sample is called: "picture"
    suffixes: frozenset[str]
    version: str  # of the decoder: another one may give other values
    augmentation: int  # version of `augment`: kept views of another one are not used
    views: int  # varied views from which training on kept activations draws
    margin: str  # what `margin_of` leaves of a sample, in words; empty where samples have no margin

    def check(self, content: bytes) -> str:
        """Decode as cheaply as proves that the whole sample is readable; raise `UnreadableError` if not.

        What is wrong with a sample that can be used all the same is given in a few words; empty where nothing is.
        """

    def decode(self, source: Any) -> Any:
        """Decode one sample; raise `UnreadableError` with the reason where that fails."""

    def accept(self, thing: Any) -> Any:
        """A decoded sample from what a program holds in memory; raise `RequestError` where it is none."""

    def prepare(self, sample: Any, preprocess: Any) -> Prepared:
        """Turn a decoded sample into the array that the network's graph takes."""

    def signal(self, sample: Any, preprocess: Any) -> Prepared:
        """What a device has in hand of a decoded sample, and hands to an exported graph that prepares it itself."""

    def augment(self, sample: Any, preprocess: Any, rng: np.random.Generator) -> Prepared:
        """The same as `prepare`, varied in ways that leave the label true; `rng` alone decides how."""

    def stack(self, samples: Sequence[Prepared], preprocess: Any) -> Prepared:
        """Prepared samples side by side, the shorter ones filled up so that the network does not see it."""

    def shape(self, preprocess: Any) -> tuple[int | None, ...]:
        """The shape of a prepared sample; None where it differs from sample to sample."""

    def example(self, preprocess: Any) -> Prepared:
        """A prepared sample of noise, the same every time: what networks are measured and compared on."""

    def entry(self, preprocess: Any) -> "nn.Module":
        """What stands before the network: prepared samples, stacked -> its input."""

    def suit(self, preprocess: Any, sources: Sequence[Any]) -> Any:
        """The same settings for samples such as these: how much of each the network shall see."""

    def fix(self, preprocess: Any, sources: Sequence[Any]) -> Any:
        """The same settings with one shape for all of these samples, so that what networks make of them can be kept."""

    def made(self, source: Any) -> tuple[float, ...]:
        """Numbers that tell how a sample was made and must not tell what it shows; none where there are none."""

    def margin_of(self, prepared: Prepared, preprocess: Any) -> Prepared:
        """The same with all hidden but what should not tell the class."""

    def excess(self, preprocess: Any, sources: Sequence[Any]) -> str:
        """In words what of these samples the network will not see; empty where it sees all."""

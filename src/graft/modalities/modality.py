"""What differs between pictures, texts and sounds, as one small interface with one leaf file each."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.modalities.limits import most

if TYPE_CHECKING:
    from torch import nn

Prepared = NDArray[Any]  # one sample as the network's graph takes it


class Pair(NamedTuple):
    """A picture's file with the text that belongs to it, as bytes that should be UTF-8."""

    file: Path
    text: bytes


Content = Path | bytes | Pair  # what a sample is decoded from
BETWEEN = b"\0"  # stands between the text and the picture of a pair: no text holds it


class UnreadableError(ValueError):
    """A sample that cannot be decoded; the message is one short reason for a report."""


def file_size(path: Path) -> int:
    """The bytes of a regular file; raises `UnreadableError` with the reason for anything else, and for one too large.

    A pipe or a device would wait for ever for somebody to write into it.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise UnreadableError("a name that no file can have (zero bytes, or half a character)") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("a folder that cannot be read" if path.is_dir() else "not a regular file")
    largest = most("GRAFT_MOST_FILE_MB")
    if status.st_size > largest * 10**6:
        raise UnreadableError(
            f"{status.st_size / 1e6:,.0f} MB in one file; more than {largest:,} MB (GRAFT_MOST_FILE_MB allows more)"
        )
    return status.st_size


def read_content(path: Path) -> bytes:
    """The bytes of a regular file; raises `UnreadableError` as `file_size` does."""
    file_size(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower()) from error


def joined(pair: Pair) -> bytes:
    """The content of both, text first: what a pair is known by. Raises `UnreadableError` where the file is gone."""
    return pair.text + BETWEEN + read_content(pair.file)


def content_of(source: Content) -> bytes:
    """What a source holds, as bytes; raises `UnreadableError` where its file cannot be read."""
    if isinstance(source, bytes):
        return source
    return joined(source) if isinstance(source, Pair) else read_content(source)


class Modality(Protocol):
    """How samples of one kind are recognised, decoded and turned into what a network takes.

    `preprocess` is the record of this kind: `ImagePreprocess`, `TextPreprocess`, `AudioPreprocess` or `PairPreprocess`;
    `source` is what samples of this kind are decoded from: a file or its bytes, or a `Pair`.
    """

    name: str
    noun: str  # what one sample is called: "picture"
    suffixes: frozenset[str]  # of files that are opened; what they are, their content decides
    told: frozenset[str]  # those of them that are opened only to say how to convert such files
    version: str  # of the decoder: another one may give other values
    preparation: int  # version of `prepare`: kept features of another one are not used
    augmentation: int  # version of `augment`: kept views of another one are not used
    views: int  # varied views from which training on kept activations draws
    margin: str  # what `margin_of` leaves of a sample, in words; empty where samples have no margin

    def decoding_bytes(self, content: bytes) -> int:
        """About how much memory decoding this takes, told by its header; raise `UnreadableError` beyond the limits."""

    def check(self, content: bytes) -> str:
        """Decode as cheaply as proves that the whole sample is readable; raise `UnreadableError` if not.

        What is wrong with a sample that can be used all the same is given in a few words; empty where nothing is.
        """

    def decode(self, source: Any, preprocess: Any = None) -> Any:
        """Decode one sample; raise `UnreadableError` with the reason where that fails.

        With the settings of a network, of a long sample no more than `prepare` and `augment` look at. Nobody calls
        this, `check` or `accept` but `graft.modalities.samples`, which knows what else may be raised.
        """

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

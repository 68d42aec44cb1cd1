"""The one place where samples are read, checked and decoded: whatever goes wrong becomes that sample's own reason."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from graft.errors import GraftError, RequestError
from graft.modalities.limits import DECODING
from graft.modalities.modality import Content, Modality, Pair, UnreadableError, content_of, file_size

LARGE = 32_000_000  # bytes of a file: of larger ones, one at a time is in memory
MOST_CHARACTERS = 300  # of a reason
PANIC = "PanicException"  # of libraries in Rust, which is no `Exception`

_one_large = Lock()


@dataclass(frozen=True, slots=True)
class Checked:
    """One sample's content hash (None where it could not even be read), or the reason why it cannot be used.

    `remark` says what is wrong with a sample that is used all the same.
    """

    sha256: bytes | None
    error: str | None
    remark: str = ""


class NoSampleError(UnreadableError):
    """Something in memory that is of another kind than the samples of a modality."""


def checked(modality: Modality, source: Content) -> Checked:
    """Hash a sample and prove that it is readable; never raises for what is wrong with it."""
    sha256 = None
    try:
        with _content(source) as content:
            sha256 = hashlib.sha256(content).digest()
            with _room(modality, content):
                return Checked(sha256, None, modality.check(content))
    except UnreadableError as error:
        return Checked(sha256, str(error))


def opened(
    modality: Modality,
    source: Any,
    take: Callable[[Any], Any] | None = None,
    preprocess: Any = None,
    sha256: bytes | None = None,
) -> Any:
    """A decoded sample, or what `take` makes of it; raises `UnreadableError` whatever goes wrong with it.

    `source` is a file, bytes, a pair, something that a program holds in memory, or an error that is already known.
    With `preprocess`, a long sample is decoded no further than a network with these settings looks. `sha256` is what
    its content must have. What concerns the whole machine, as a library that is missing, is raised as it is.
    """
    if isinstance(source, UnreadableError):
        raise source
    take = take or _as_it_is
    if not isinstance(source, Path | bytes | Pair):
        with _reasons():
            return take(accepted(modality, source))
    with _content(source) as content:
        if content and sha256 is not None and hashlib.sha256(content).digest() != sha256:
            raise UnreadableError("the file changed while graft was working")
        with _room(modality, content):
            return take(modality.decode(content, preprocess))


def tried(
    modality: Modality, source: Any, take: Callable[[Any], Any] | None = None, preprocess: Any = None
) -> Any | UnreadableError:
    """The same, with the error returned: without what it would keep in memory."""
    try:
        return opened(modality, source, take, preprocess)
    except UnreadableError as error:
        return type(error)(str(error))


def accepted(modality: Modality, thing: Any) -> Any:
    """A decoded sample from what a program holds in memory; raises `UnreadableError` where it is none."""
    with _reasons():
        try:
            return modality.accept(thing)
        except RequestError as error:
            raise NoSampleError(str(error)) from error


def made(modality: Modality, source: Content) -> tuple[float, ...]:
    """Numbers that tell how a sample was made; raises `UnreadableError` where its head cannot be read."""
    with _content(source) as content:
        return modality.made(content)


@contextmanager
def _content(source: Content) -> Iterator[bytes]:
    with _reasons():
        size = 0 if isinstance(source, bytes) else file_size(source.file if isinstance(source, Pair) else source)
        with _one_large if size > LARGE else nullcontext():
            yield content_of(source)


@contextmanager
def _room(modality: Modality, content: bytes) -> Iterator[None]:
    with DECODING.hold(modality.decoding_bytes(content)):
        yield


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn whatever a decoder raises into an `UnreadableError` with a short reason."""
    try:
        yield
    except (UnreadableError, GraftError):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        raise UnreadableError(reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Why a sample cannot be used, in a few printable words."""
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"damaged ({said(error)})"


def said(error: BaseException) -> str:
    """What an error says, as one line; the name of its type where it says nothing."""
    line = "".join(one if one.isprintable() else " " for one in getattr(error, "error_string", "") or str(error))
    line = " ".join(line.encode("utf-8", "replace").decode().split())
    return line[:MOST_CHARACTERS] or type(error).__name__


def _as_it_is(sample: Any) -> Any:
    return sample

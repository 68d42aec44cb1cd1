"""Files of recordings: what is read of them, in blocks, so that hours of sound are never in memory at once."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import WorkError
from graft.modalities.limits import most
from graft.modalities.modality import UnreadableError
from graft.modalities.samples import said
from graft.modalities.sound_header import Head, mended, what_else

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF")
RATES = (4_000, 192_000)
USUAL_RATE = 48_000  # of which a recording of the greatest length may have as many samples in two channels
BLOCK = 1_000_000  # values that are decoded at one time
UNKNOWN = 2**62  # frames: what libsndfile says where a FLAC from a pipe does not
LARGE, RATIO = 64_000_000, 250  # bytes of sound for each byte of a file, beyond which it was made to fill memory
FULL_VOLUME = 0.99995  # the loudest that 16 bits can say, and what a microphone gives that can follow no further
SILENT = 1e-6  # of full volume: a channel below it carries nothing

Block = NDArray[np.float32]  # (samples, channels)


@dataclass
class Survey:
    """What a pass over all of a recording tells: per channel the loudest sample, and how many lie at full volume."""

    channels: int
    frames: int = 0
    finite: bool = True

    def __post_init__(self) -> None:
        self.loudest = np.zeros(self.channels, np.float32)
        self._full = np.zeros(self.channels, np.intp)
        self._before = np.zeros((3, self.channels), bool)  # of the last three samples: whether at full volume

    def add(self, block: Block) -> None:
        """Take note of the next samples."""
        self.frames += len(block)
        columns = range(block.shape[1])  # one by one, which is three times faster; no number where a sample is none
        loudest = np.array([np.maximum(block[:, one].max(), -block[:, one].min()) for one in columns])
        self.finite &= bool(np.isfinite(loudest).all())
        self.loudest = np.maximum(self.loudest, loudest)
        if not (loudest >= FULL_VOLUME).any() and not self._before.any():
            return
        full = np.concatenate([self._before, np.abs(block) >= FULL_VOLUME])
        three = full[:-2] & full[1:-1] & full[2:]  # three in a row from here on
        begun = three[1:] & ~three[:-1]
        self._full += three[1:].sum(axis=0) + 2 * begun.sum(axis=0)
        self._before = full[-3:]

    @property
    def clipped(self) -> float:
        """The share of the samples that lie at full volume, three or more in a row, in the channel with most."""
        return float(self._full.max() / self.frames) if self.frames else 0.0

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which channels carry something; raises `UnreadableError` where none does, and for what is no sound."""
        if not self.frames:
            raise UnreadableError("no sound in it (0 samples)")
        if not self.finite:
            raise UnreadableError("it holds values that are no numbers")
        alive: NDArray[np.bool_] = self.loudest > SILENT
        if not alive.any():
            raise UnreadableError("silent from beginning to end")
        return alive


class _Bytes(io.BytesIO):
    """Bytes that stay where they are when a damaged file leads before their beginning: a callback must not raise."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: len(self.getbuffer())}[whence]
        return self.tell() if begin + offset < 0 else super().seek(offset, whence)


@contextmanager
def open_sound(content: bytes) -> Iterator[tuple[Any, Head]]:
    """A recording of which only the head was read; raises `UnreadableError` for other files and beyond the limits."""
    if not content:
        raise UnreadableError("the file is empty (0 bytes)")
    other = what_else(content)
    if other:
        raise UnreadableError(other)
    soundfile, head = soundfile_library(), mended(content)
    try:
        with soundfile.SoundFile(_Bytes(head.content)) as file:
            _refuse(file)
            file.seekable = _never  # it would look for its place after each block, which is slow, and fails at the end
            yield file, head
    except soundfile.LibsndfileError as error:
        raise UnreadableError(f"not a WAV, FLAC, OGG or MP3 recording, or damaged ({said(error)})") from error


def soundfile_library() -> Any:
    """The library that reads recordings; raises `WorkError` where it is missing."""
    try:
        import soundfile
    except ImportError as error:
        raise WorkError("Recordings need the extra for them. Install it: pip install 'graft-ml[audio]'") from error
    return soundfile


def blocks_of(file: Any, size: int) -> Iterator[Block]:
    """All that a file of so many bytes holds, whatever its head says; raises `UnreadableError` beyond the limits."""
    count, step = 0, max(1, BLOCK // file.channels)
    while True:
        block: Block = file.read(step, dtype="float32", always_2d=True)
        if not len(block):
            return
        count += len(block)
        refuse_length(count, file.samplerate, file.channels)
        if 2 * count * file.channels > max(LARGE, RATIO * size):
            raise UnreadableError(
                f"more than {RATIO} bytes of sound for each of its {size:,} bytes (made to fill memory?)"
            )
        yield block


def surveyed(content: bytes) -> tuple[Survey, str]:
    """A pass over all of a recording, and what is wrong with its head; empty where nothing is."""
    with open_sound(content) as (file, head):
        survey = Survey(file.channels)
        for block in blocks_of(file, len(content)):
            survey.add(block)
        remark = head.remark
        if not remark and survey.frames < 0.98 * file.frames and file.frames < UNKNOWN:
            remark = f"cut short: it holds {survey.frames / file.frames:.0%} of what its head says"
    return survey, remark


def mono(content: bytes, alive: NDArray[np.bool_], start: int, stop: int) -> NDArray[np.float32]:
    """The average of some channels, from one sample to another: (samples,)."""
    wave = np.empty(stop - start, np.float32)
    at = 0
    with open_sound(content) as (file, _):
        for block in blocks_of(file, len(content)):
            first, last = max(start, at), min(stop, at + len(block))
            if first < last:
                wave[first - start : last - start] = block[first - at : last - at, alive].mean(axis=1)
            at += len(block)
            if at >= stop:
                break
    return wave


def refuse_length(frames: int, rate: int, channels: int) -> None:
    """Raise `UnreadableError` for a recording that is longer than graft reads."""
    longest = most("GRAFT_MOST_SECONDS")
    if frames > longest * rate:
        raise UnreadableError(
            f"{frames / rate / 3600:,.1f} hours long; cut it into pieces of {longest / 60:g} minutes at most, each "
            "with its label (GRAFT_MOST_SECONDS allows more)"
        )
    if frames * channels > longest * USUAL_RATE * 2:
        raise UnreadableError(
            f"{frames / rate / 60:,.1f} minutes of {channels} channels at {rate:,} Hz are more than graft reads; cut "
            "it into pieces (GRAFT_MOST_SECONDS allows more)"
        )


def _never() -> bool:
    return False


def _refuse(file: Any) -> None:
    """Raise `UnreadableError` for a recording that is nothing for graft, before it is decoded."""
    if file.format not in FORMATS:
        raise UnreadableError(f"a {file.format} file; WAV, FLAC, OGG or MP3 is expected")
    if not RATES[0] <= file.samplerate <= RATES[1]:
        raise UnreadableError(f"{file.samplerate:,} samples a second; {RATES[0]:,} to {RATES[1]:,} are expected")
    if file.frames == 0:
        raise UnreadableError("no sound in it (0 samples)")
    if file.frames < UNKNOWN:
        refuse_length(file.frames, file.samplerate, file.channels)

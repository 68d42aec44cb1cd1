"""Recordings: an allow-list of formats, one channel, brought to the network's rate once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import RequestError
from graft.modalities.modality import UnreadableError, read_content
from graft.modalities.sound_file import (
    BLOCK,
    RATES,
    UNKNOWN,
    Block,
    Survey,
    blocks_of,
    mono,
    open_sound,
    refuse_length,
    surveyed,
)
from graft.records import AudioPreprocess

if TYPE_CHECKING:
    from torch import nn

SHORT = 16_000_000  # values of a recording that is read at once; of a longer one, only what is asked for
SPARE = 1.25  # of the length that a network hears: what is played faster takes more
CLIPPED = 0.01  # of a recording at full volume: no tone that is only loud stays there so long
MEASURED = 500  # recordings whose length decides how much the network hears
USUAL = 0.98  # of the recordings are heard whole
FULL = 32767

Wave = NDArray[np.int16]  # (samples,)


@dataclass(frozen=True, slots=True)
class Recording:
    """One channel of sound: full volume is 1, `rate` samples a second.

    `length` is that of the whole, in samples, where `wave` is only its middle.
    """

    wave: NDArray[np.float32]  # (samples,)
    rate: int
    length: int = 0

    @property
    def seconds(self) -> float:
        """How long the whole recording is."""
        return (self.length or len(self.wave)) / self.rate


class AudioModality:
    """WAV, FLAC, OGG, MP3 and AIFF of any width and rate; channels that carry something are averaged."""

    name = "audio"
    noun = "recording"
    preparation = 1
    augmentation = 1
    views = 6
    margin = "the first and last 0.2 seconds of each recording"
    told = frozenset({".m4a", ".m4b", ".aac", ".mp4", ".3gp", ".wma", ".amr", ".caf", ".webm", ".au", ".wv", ".ape"})
    suffixes = told | {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff"}
    version = "soundfile-1"

    def decoding_bytes(self, content: bytes) -> int:
        with open_sound(content) as (file, _):
            frames = 0 if file.frames >= UNKNOWN else file.frames
            return int(4 * (2 * min(frames * file.channels, SHORT) + 4 * BLOCK + frames))

    def check(self, content: bytes) -> str:
        """Decode all of it: only that finds a file that ends too early. One recorded too loud is told."""
        survey, remark = surveyed(content)
        assert survey.alive.any()
        clipped = (
            f"clipped (at full volume for {survey.clipped:.0%} of its length)" if survey.clipped >= CLIPPED else ""
        )
        return "; ".join(one for one in (remark, clipped) if one)

    def decode(self, source: Path | bytes, preprocess: AudioPreprocess | None = None) -> Recording:
        content = source if isinstance(source, bytes) else read_content(source)
        channels, rate = _short(content)
        if channels is not None:
            return _one_channel(channels, rate)
        survey, _ = surveyed(content)
        away = 0 if preprocess is None else _before_the_middle(survey.frames / rate, preprocess) * rate
        wave = mono(content, survey.alive, away, survey.frames - away)
        return Recording(wave, rate, survey.frames)

    def accept(self, thing: Any) -> Recording:
        if not (isinstance(thing, tuple) and len(thing) == 2 and isinstance(thing[0], np.ndarray)):
            raise RequestError(
                f"A {type(thing).__name__} is no recording. Expected (samples, rate): an array of numbers from -1 to "
                "1, or of int16, and the samples a second."
            )
        wave, rate = np.asarray(thing[0]), int(thing[1])
        if wave.size == 0:
            raise UnreadableError("no sound in it (0 samples)")
        known = wave.dtype.kind == "f" or wave.dtype == np.int16
        if wave.ndim not in (1, 2) or not known or not RATES[0] <= rate <= RATES[1]:
            raise RequestError(
                f"An array of shape {wave.shape} and type {wave.dtype} at {rate} Hz is no recording. Expected "
                f"(samples,) or (samples, channels) as float or int16, at {RATES[0]:,} to {RATES[1]:,} Hz."
            )
        refuse_length(len(wave), rate, wave.size // len(wave))
        if wave.dtype == np.int16:
            wave = wave / np.float32(FULL + 1)
        return _one_channel(wave.reshape(len(wave), -1).astype(np.float32), rate)

    def prepare(self, sample: Recording, preprocess: AudioPreprocess) -> Wave:
        """The middle of the recording at the network's rate, amid silence where it is shorter: (samples,)."""
        return _whole(_middle(_at_rate(sample, preprocess.rate), preprocess.samples))

    def signal(self, sample: Recording, preprocess: AudioPreprocess) -> NDArray[np.float32]:
        """All of it at the network's rate, full volume 1: (any number,)."""
        return _at_rate(sample, preprocess.rate)

    def augment(self, sample: Recording, preprocess: AudioPreprocess, rng: np.random.Generator) -> Wave:
        """Faster or slower, louder or softer, shifted, with noise, and with a gap in time and one in frequency.

        The gaps are those of SpecAugment (Park et al. 2019), made in the wave so that any network may hear them.
        """
        speed = rng.uniform(0.9, 1.1)
        wave = _at_rate(sample, round(preprocess.rate / speed / 100) * 100)  # played at the network's own rate
        room = preprocess.samples
        spare = max(0, room - len(wave))
        wave = _middle(wave, room, shift=int(rng.integers(-spare // 4 - 1, spare // 4 + 2)) if spare else 0)
        if spare == 0:
            wave = np.roll(wave, int(rng.integers(-room // 20, room // 20 + 1)))
        wave = _with_gaps(wave * np.float32(10 ** rng.uniform(-0.3, 0.3)), rng)
        loud = float(np.abs(wave).max())
        wave = wave + rng.normal(0, loud * 10 ** rng.uniform(-4, -2), room).astype(np.float32)
        return _whole(wave)

    def stack(self, samples: Sequence[Wave], preprocess: AudioPreprocess) -> Wave:
        return np.stack(samples)

    def shape(self, preprocess: AudioPreprocess) -> tuple[int | None, ...]:
        return (preprocess.samples,)

    def example(self, preprocess: AudioPreprocess) -> Wave:
        return _whole(np.random.default_rng(0).normal(0, 0.1, preprocess.samples).astype(np.float32))

    def entry(self, preprocess: AudioPreprocess) -> "nn.Module":
        """(batch, samples) int16 -> (batch, samples) float32, full volume as the network knows it."""
        import torch
        from torch import nn

        class Volume(nn.Module):
            def forward(self, waves: torch.Tensor) -> torch.Tensor:
                return waves.float() * (preprocess.scale / (FULL + 1))

        return Volume()

    def suit(self, preprocess: AudioPreprocess, sources: Sequence[Path | bytes]) -> AudioPreprocess:
        """Long enough for nearly all of these recordings, within what the network can hear at once."""
        wanted = float(np.quantile(_seconds(sources), USUAL)) * preprocess.rate
        step = preprocess.rate // 10
        return replace(preprocess, samples=int(np.clip(-(-wanted // step) * step, preprocess.least, preprocess.most)))

    def fix(self, preprocess: AudioPreprocess, sources: Sequence[Path | bytes]) -> AudioPreprocess:
        return preprocess

    def made(self, source: Path | bytes) -> tuple[float, ...]:
        """Rate and number of channels; how long it is may well belong to what it says."""
        with open_sound(source if isinstance(source, bytes) else read_content(source)) as (file, _):
            return (float(file.samplerate), float(file.channels))

    def margin_of(self, prepared: Wave, preprocess: AudioPreprocess) -> Wave:
        """Of a recording shorter than a second nothing is left: its ends are no margin."""
        heard = np.flatnonzero(prepared)
        hidden = np.zeros_like(prepared)
        if len(heard) and heard[-1] - heard[0] >= preprocess.rate:
            for end in (heard[0], heard[-1] + 1 - preprocess.rate // 5):
                hidden[end : end + preprocess.rate // 5] = prepared[end : end + preprocess.rate // 5]
        return hidden

    def excess(self, preprocess: AudioPreprocess, sources: Sequence[Path | bytes]) -> str:
        most = preprocess.samples / preprocess.rate
        long = float((_seconds(sources) > most * 1.001).mean())
        if not long:
            return ""
        return f"{long:.0%} of the recordings are longer than {most:.1f} s; the network hears their middle."


def _short(content: bytes) -> tuple[Block | None, int]:
    """What a file holds, (samples, channels), and its samples a second; None of one that is too long to hold."""
    count, held = 0, []
    with open_sound(content) as (file, _):
        if SHORT < file.frames * file.channels < UNKNOWN:
            return None, int(file.samplerate)
        for block in blocks_of(file, len(content)):
            count += block.size
            if count > SHORT:
                return None, int(file.samplerate)
            held.append(block)
        return np.concatenate(held or [np.empty((0, file.channels), np.float32)]), int(file.samplerate)


def _before_the_middle(seconds: float, preprocess: AudioPreprocess) -> int:
    """Whole seconds, so that at any rate the same samples are heard, that are left out at either end."""
    heard = SPARE * preprocess.samples / preprocess.rate + 2  # filters look a little beyond
    return max(0, int((seconds - heard) / 2))


def _one_channel(channels: Block, rate: int) -> Recording:
    """The average of the channels that are not silent; (samples, channels)."""
    survey = Survey(channels.shape[1])
    if len(channels):
        survey.add(channels)
    return Recording(channels[:, survey.alive].mean(axis=1), rate)


def _at_rate(sample: Recording, rate: int) -> NDArray[np.float32]:
    """The wave with `rate` samples a second."""
    from scipy.signal import resample_poly

    if sample.rate == rate:
        return sample.wave
    common = math.gcd(sample.rate, rate)
    result: NDArray[np.float32] = resample_poly(sample.wave, rate // common, sample.rate // common).astype(np.float32)
    return result


def _middle(wave: NDArray[np.float32], samples: int, shift: int = 0) -> NDArray[np.float32]:
    """So many samples from the middle, or the wave in the middle of silence, shifted."""
    if len(wave) >= samples:
        start = (len(wave) - samples) // 2
        return wave[start : start + samples]
    before = int(np.clip((samples - len(wave)) // 2 + shift, 0, samples - len(wave)))
    return np.pad(wave, (before, samples - len(wave) - before))


def _with_gaps(wave: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Up to a tenth of the time silent, and up to a tenth of the frequencies gone."""
    count = len(wave)
    spectrum = np.fft.rfft(wave)
    start, width = rng.uniform(0, 0.9), rng.uniform(0, 0.1)
    spectrum[int(start * len(spectrum)) : int((start + width) * len(spectrum))] = 0
    wave = np.fft.irfft(spectrum, count).astype(np.float32)
    start, width = rng.uniform(0, 0.9), rng.uniform(0, 0.1)
    wave[int(start * count) : int((start + width) * count)] = 0
    return wave


def _whole(wave: NDArray[np.float32]) -> Wave:
    """16 bits, clipped at full volume."""
    result: Wave = np.clip(np.rint(wave * FULL), -FULL - 1, FULL).astype(np.int16)
    return result


def _seconds(sources: Sequence[Path | bytes]) -> NDArray[np.float64]:
    """How long some of these recordings are, spread over all of them; those that cannot be read count for nothing."""
    chosen = np.unique(np.linspace(0, len(sources) - 1, MEASURED).astype(int))
    found = np.array([seconds_of(sources[number]) for number in chosen])
    return found[np.isfinite(found)] if np.isfinite(found).any() else np.array([1.0])


def seconds_of(source: Path | bytes) -> float:
    """How long a recording is, by its head; NaN where it cannot be read."""
    try:
        with open_sound(source if isinstance(source, bytes) else read_content(source)) as (file, _):
            frames = file.frames if file.frames < UNKNOWN else sum(len(block) for block in blocks_of(file, file.frames))
            return float(frames / file.samplerate)
    except (UnreadableError, ValueError, OSError):
        return math.nan


AUDIO = AudioModality()

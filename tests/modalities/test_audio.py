"""Recordings as people have them."""

import io
import re

import numpy as np
import pytest
import soundfile

from graft.errors import RequestError
from graft.modalities.audio import AUDIO, Recording
from graft.modalities.modality import UnreadableError
from graft.records import AudioPreprocess

PREPROCESS = AudioPreprocess(rate=16_000, samples=16_000, least=8_000, most=160_000)


def tone(rate: int, seconds: float = 0.5, channels: int = 1, hertz: float = 440.0) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    return np.stack([wave] * channels, axis=1)


def written(wave: np.ndarray, rate: int, kind: str = "WAV", subtype: str | None = None) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, wave, rate, format=kind, subtype=subtype)
    return content.getvalue()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_width_of_wav(subtype):
    sample = AUDIO.decode(written(tone(16_000), 16_000, subtype=subtype))
    assert np.abs(sample.wave - tone(16_000)[:, 0]).max() < 0.02


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF"])
def test_other_formats(kind):
    sample = AUDIO.decode(written(tone(16_000, 1.0), 16_000, kind))
    assert len(sample.wave) == pytest.approx(16_000, abs=3000)
    assert np.abs(sample.wave).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("rate", [4_000, 11_025, 22_050, 44_100, 96_000, 192_000])
def test_any_rate_becomes_the_network_s(rate):
    prepared = AUDIO.prepare(AUDIO.decode(written(tone(rate, 1.5), rate)), PREPROCESS)
    spectrum = np.abs(np.fft.rfft(prepared))
    assert len(prepared) == 16_000
    assert spectrum.argmax() == pytest.approx(440, abs=2)


def test_a_short_recording_lies_amid_silence_and_of_a_long_one_the_middle_is_heard():
    short = AUDIO.prepare(Recording(np.ones(4_000, np.float32) / 2, 16_000), PREPROCESS)
    assert np.flatnonzero(short)[[0, -1]].tolist() == [6_000, 9_999]
    long = np.zeros(48_000, np.float32)
    long[24_000] = 1
    assert AUDIO.prepare(Recording(long, 16_000), PREPROCESS).argmax() == 8_000


def test_a_channel_that_is_dead_does_not_halve_the_other():
    stereo = tone(16_000, channels=2)
    stereo[:, 1] = 0
    assert np.abs(AUDIO.decode(written(stereo, 16_000)).wave).max() == pytest.approx(0.5, abs=0.01)


def test_full_volume_stays_in_range():
    clipped = np.sign(tone(16_000)).astype(np.float32)
    prepared = AUDIO.prepare(AUDIO.decode(written(clipped, 16_000, subtype="FLOAT")), PREPROCESS)
    assert np.abs(prepared.astype(int)).max() == 32_767
    varied = AUDIO.augment(AUDIO.decode(written(clipped, 16_000)), PREPROCESS, np.random.default_rng(0))
    assert varied.dtype == np.int16


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt broken", "not a WAV"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(200), r"M4A .*ffmpeg -i"),
        (written(np.zeros((800, 1)), 16_000), "silent"),
        (written(np.zeros((0, 1)), 16_000), "0 samples"),
        (written(tone(2_000), 2_000), "samples a second"),
        (written(np.full((800, 1), np.nan), 16_000, subtype="FLOAT"), "no numbers"),
        (written(tone(8_000), 8_000, "AU"), "an AU recording.*ffmpeg"),
    ],
)
def test_what_is_no_recording(content, reason):
    with pytest.raises(UnreadableError, match=reason):
        AUDIO.check(content)


def test_a_recording_at_full_volume_for_long_is_told():
    loud = tone(16_000)
    assert AUDIO.check(written(2 * loud, 16_000)) == ""  # full volume, but only at its peaks
    assert re.fullmatch(r"clipped \(at full volume for \d\d% of its length\)", AUDIO.check(written(4 * loud, 16_000)))


def test_ten_hours_are_refused_before_they_are_decoded(monkeypatch):
    content = bytearray(written(tone(8_000, 0.1), 8_000))
    size = 10 * 3600 * 8_000 * 2
    content[4:8] = (size + 36).to_bytes(4, "little")
    content[40:44] = size.to_bytes(4, "little")
    plain = soundfile.SoundFile.frames
    monkeypatch.setattr(soundfile.SoundFile, "frames", property(lambda self: size // 2))
    with pytest.raises(UnreadableError, match=r"10.0 hours"):
        AUDIO.check(bytes(content))
    assert plain is not None


def test_arrays_of_any_common_type_are_taken_and_others_refused():
    wave = tone(16_000)[:, 0]
    for thing in (wave, wave.astype(np.float32), (wave * 32_767).astype(np.int16), tone(16_000, channels=2)):
        assert np.abs(AUDIO.accept((thing, 16_000)).wave).max() == pytest.approx(0.5, abs=0.01)
    for thing in ((wave.astype(int), 16_000), (wave, 100), (wave[:0], 16_000), (wave * 0, 16_000)):
        with pytest.raises((RequestError, UnreadableError)):
            AUDIO.accept(thing)


def test_how_much_is_heard_follows_from_the_recordings():
    sources = [written(tone(8_000, seconds), 8_000) for seconds in [0.5] * 99 + [4.0]]
    suited = AUDIO.suit(PREPROCESS, sources)
    assert suited.samples == 8_000
    assert "1% of the recordings are longer than 0.5 s" in AUDIO.excess(suited, sources)
    assert AUDIO.suit(PREPROCESS, [written(tone(8_000, 3.04), 8_000)]).samples == 49_600

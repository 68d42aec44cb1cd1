"""Recordings whose heads are wrong, of kinds that telephones make, of hours, and files made to fill the memory."""

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from graft.modalities.audio import AUDIO, SHORT
from graft.modalities.samples import checked, opened, tried
from graft.modalities.sound_file import Survey, _Bytes
from graft.records import AudioPreprocess

RATE = 8_000
PREPROCESS = AudioPreprocess(rate=16_000, samples=16_000, least=8_000, most=160_000)


def tone(seconds: float = 0.6) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(RATE * seconds)) / RATE)


def written(wave: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, wave, rate, format=kind, subtype=subtype)
    return content.getvalue()


def sized(size: int) -> bytes:
    content = bytearray(written(tone()))
    content[40:44] = size.to_bytes(4, "little")
    return bytes(content)


def flac(samples: int) -> bytes:
    """A FLAC whose head says that it holds so many samples."""
    content = bytearray(written(tone(), "FLAC"))
    head = int.from_bytes(content[18:26], "big") & ~((1 << 36) - 1) | samples
    content[18:26] = head.to_bytes(8, "big")
    return bytes(content)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "IMA_ADPCM", "MS_ADPCM", "ULAW", "ALAW", "NMS_ADPCM_32"])
def test_what_telephones_write_is_read(subtype):
    content = written(tone(), subtype=subtype)
    assert checked(AUDIO, content).error is None
    assert len(AUDIO.decode(content).wave) == pytest.approx(4_800, abs=400)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_what_a_pipe_wrote_is_read_to_its_end(size):
    assert checked(AUDIO, sized(size)).remark == ""
    assert len(AUDIO.decode(sized(size)).wave) == 4_800


@pytest.mark.parametrize(("size", "remark"), [(0, "no sound"), (90_000, "cut short"), (2_000, "less than it holds")])
def test_a_head_that_is_wrong_is_told(size, remark):
    told = checked(AUDIO, sized(size))
    assert told.error is None
    assert remark in told.remark


def test_a_head_of_no_samples_before_real_ones_is_read():
    assert len(AUDIO.decode(sized(0)).wave) == 4_800


@pytest.mark.parametrize("kind", ["WAV", "AIFF"])
def test_a_recording_cut_short_is_told(kind):
    content = written(tone(), kind)
    assert not checked(AUDIO, content).remark
    assert "cut short" in checked(AUDIO, content[: len(content) // 2]).remark


def test_an_aiff_cut_short_and_closed_is_told():
    content = bytearray(written(tone(), "AIFF"))
    at = content.index(b"SSND")
    del content[at + 4_000 :]
    content[at + 4 : at + 8] = (len(content) - at - 8).to_bytes(4, "big")
    content[4:8] = (len(content) - 8).to_bytes(4, "big")
    assert "cut short" in checked(AUDIO, bytes(content)).remark


def test_lists_after_the_sound_are_no_sound():
    content = written(tone())
    assert not checked(AUDIO, content + b"LIST\x04\0\0\0INFO").remark


def test_a_flac_from_a_pipe_is_read_and_one_that_claims_too_much_is_told():
    assert checked(AUDIO, flac(0)).error is None
    assert len(AUDIO.decode(flac(0)).wave) == 4_800
    assert "cut short" in checked(AUDIO, flac(48_000)).remark
    tracemalloc.start()
    assert "hours" in str(checked(AUDIO, flac((1 << 36) - 1)).error)
    assert "hours" in str(tried(AUDIO, flac((1 << 36) - 1)))
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_much_silence_in_a_small_file_is_refused():
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", 48_000, 2, format="FLAC") as file:
        second = np.zeros((48_000, 2), np.float32)
        second[0] = 0.5
        for _ in range(400):
            file.write(second)
    assert "fill memory" in str(checked(AUDIO, content.getvalue()).error)


@pytest.mark.parametrize("rate", [4_000, 44_100])
def test_of_a_long_recording_the_middle_is_heard_as_if_all_of_it_were(rate, monkeypatch):
    content = written(np.random.default_rng(0).normal(0, 0.1, (rate * 31 + 17, 2)), rate=rate, subtype="FLOAT")
    whole = AUDIO.decode(content)
    monkeypatch.setattr("graft.modalities.audio.SHORT", 1_000)
    part = AUDIO.decode(content, PREPROCESS)
    assert len(part.wave) < len(whole.wave) / 2
    assert part.seconds == whole.seconds
    assert np.array_equal(AUDIO.prepare(part, PREPROCESS), AUDIO.prepare(whole, PREPROCESS))
    seen = [AUDIO.augment(one, PREPROCESS, np.random.default_rng(1)) for one in (part, whole)]
    assert np.array_equal(*seen)
    assert np.array_equal(AUDIO.decode(content).wave, whole.wave)


@pytest.mark.slow
def test_an_hour_takes_little_memory():
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", 16_000, 1, format="FLAC") as file:
        noise = np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)
        for _ in range(350):
            file.write(noise)
    tracemalloc.start()
    assert checked(AUDIO, content.getvalue()).error is None
    opened(AUDIO, content.getvalue(), lambda one: AUDIO.prepare(one, PREPROCESS), PREPROCESS)
    assert tracemalloc.get_traced_memory()[1] < 250_000_000
    tracemalloc.stop()


@pytest.mark.filterwarnings("error")
def test_a_file_that_leads_before_its_beginning_moves_nowhere():
    file = _Bytes(b"abcd")
    file.seek(2)
    assert file.seek(-3, io.SEEK_CUR) == 2
    assert file.seek(-9, io.SEEK_END) == 2
    assert file.seek(-1, io.SEEK_END) == 3
    assert file.seek(2**62) == 2**62


def test_clipping_is_counted_across_blocks():
    rng = np.random.default_rng(0)
    wave = np.where(rng.random((5_000, 2)) < 0.6, 1.0, 0.1).astype(np.float32)
    expected = []
    for channel in wave.T == 1:
        runs = "".join("x" if one else " " for one in channel).split(" ")
        expected.append(sum(len(run) for run in runs if len(run) > 2) / 5_000)
    for size in (1, 2, 3, 7, 5_000):
        survey = Survey(2)
        for start in range(0, 5_000, size):
            survey.add(wave[start : start + size])
        assert survey.clipped == pytest.approx(max(expected))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\0\0\x20ftypM4A " + bytes(100), "M4A.*ffmpeg"),
        (b"\xff\xf1\x50\x80" + bytes(100), "AAC.*ffmpeg"),
        (b"\x30\x26\xb2\x75" + bytes(100), "WMA.*ffmpeg"),
        (b"#!AMR\n" + bytes(100), "AMR.*ffmpeg"),
    ],
)
def test_other_files_are_named_with_the_way_out(content, reason):
    told = str(checked(AUDIO, content).error)
    assert all(one in told for one in reason.split(".*"))


def test_the_limit_of_seconds_can_be_lowered(monkeypatch):
    monkeypatch.setenv("GRAFT_MOST_SECONDS", "1")
    assert "GRAFT_MOST_SECONDS" in str(checked(AUDIO, written(tone(1.5))).error)
    assert checked(AUDIO, written(tone(0.9))).error is None
    assert SHORT > 1_000_000


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_cut_recording_of_64_bit_sizes_is_told(subtype):
    """RF64, which loggers write: its sizes stand in a chunk of their own."""
    content = written(tone(2.0), "RF64", subtype)
    whole, half = (checked(AUDIO, one) for one in (content, content[: len(content) // 2]))
    assert (whole.error, whole.remark) == (None, "")
    assert "cut short" in half.remark + str(half.error)


def test_a_recording_in_memory_has_the_limit_of_files_too():
    said = tried(AUDIO, (np.broadcast_to(np.float32(0), (10**9,)), 8_000))
    assert "GRAFT_MOST_SECONDS" in str(said)

"""Whatever bytes come: a sample or a reason, in a few seconds and little memory, and never anything else."""

import io
import resource
import time
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from graft.modalities.audio import AUDIO
from graft.modalities.image import IMAGE
from graft.modalities.modality import BETWEEN, Modality
from graft.modalities.pair import PAIR
from graft.modalities.samples import checked, tried
from graft.modalities.text import TEXT
from graft.records import AudioPreprocess, ImagePreprocess

PICTURES = ImagePreprocess(40, 32, "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SOUNDS = AudioPreprocess(rate=8_000, samples=8_000, least=4_000, most=80_000)
MOST_SECONDS, MOST_MB = 5.0, 1_000
FEW, MANY = 80, 1_200  # mutations of each kind; the slow ones are 4,800 together
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds(modality: Modality) -> list[bytes]:
    """Valid files of every format."""
    if modality is TEXT:
        return [b"A text.", "Ein Löwe 🦁 und 中文".encode(), b"\xef\xbb\xbfwith a mark"]
    if modality is PAIR:
        return [b"a text" + BETWEEN + one for one in seeds(IMAGE)[:4]]
    found, content = [], io.BytesIO()
    if modality is AUDIO:
        wave = 0.3 * np.sin(np.arange(2_000) / 5)
        kinds = [("WAV", "PCM_16"), ("WAV", "GSM610"), ("WAV", "IMA_ADPCM"), ("WAV", "G721_32"), ("WAV", "FLOAT")]
        kinds += [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16")]
        for kind, subtype in kinds:
            content = io.BytesIO()
            soundfile.write(content, wave, 8_000, format=kind, subtype=subtype)
            found.append(content.getvalue())
        return found
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 31, 3), np.uint8))
    for kind, mode, options in (
        ("JPEG", "RGB", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("WEBP", "RGB", {}),
        ("BMP", "RGB", {}),
        ("GIF", "P", {}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "L", {}),
        ("AVIF", "RGB", {"speed": 10}),
        ("JPEG", "CMYK", {}),
    ):
        content = io.BytesIO()
        picture.convert(mode).save(content, kind, **options)
        found.append(content.getvalue())
    return found


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A valid file with a few changes of the kinds that break readers."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        at = int(min(rng.integers(len(changed) + 1), rng.integers(len(changed) + 1)))  # heads more often
        match int(rng.integers(6)):
            case 0:
                changed[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                value, size = EDGES[int(rng.integers(len(EDGES)))], int(rng.choice([1, 2, 4]))
                order = "big" if rng.random() < 0.5 else "little"
                changed[at : at + size] = (value % 256**size).to_bytes(size, order)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + int(rng.integers(1, 64))]
            case 4:
                changed[at:at] = rng.bytes(int(rng.integers(1, 32)))
            case _:
                other = int(rng.integers(len(changed) + 1))
                changed[at:at] = changed[other : other + 64]
    return bytes(changed)


def try_all(modality: Modality, content: bytes) -> None:
    """Check, decode and prepare one content; both must agree on nothing but that neither raises."""
    began = time.process_time()  # of its own: a machine that others load is slow without being stuck
    with warnings.catch_warnings():  # Pillow warns of what it mends; a person's terminal shows that once
        warnings.simplefilter("ignore")
        checked(modality, content)
        if modality is IMAGE:
            tried(modality, content, lambda sample: modality.prepare(sample, PICTURES), PICTURES)
        elif modality is AUDIO:
            tried(modality, content, lambda sample: modality.prepare(sample, SOUNDS), SOUNDS)
        else:
            tried(modality, content)
    seconds = time.process_time() - began
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s for {content[:200]!r}"


def megabytes() -> float:
    """The most memory that this process ever took."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def loop(modality: Modality, count: int) -> None:
    rng, files = np.random.default_rng(0), seeds(modality)
    try_all(modality, files[0])  # what is imported on first use is no part of a sample
    before = megabytes()
    for number in range(count):
        try_all(modality, mutated(files[number % len(files)], rng))
    assert megabytes() - before < MOST_MB


EVERY = pytest.mark.parametrize("modality", [IMAGE, AUDIO, TEXT, PAIR], ids=lambda one: one.name)


@EVERY
def test_mutations_of_valid_files(modality):
    loop(modality, FEW)


@EVERY
@pytest.mark.slow
def test_many_mutations_of_valid_files(modality):
    loop(modality, MANY)


@EVERY
def test_valid_files_are_read(modality):
    for content in seeds(modality):
        assert checked(modality, content).error is None


@EVERY
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes(modality, content):
    try_all(modality, content)


HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0", b"\0\0\0\x18ftypavif")
HEADS += (b"RIFF\0\0\0\0WAVEfmt ", b"fLaC", b"OggS", b"FORM\0\0\0\0AIFF", b"ID3", b"\xff\xfb", b"BM")


@settings(max_examples=100, deadline=None)
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=300))
def test_any_bytes_behind_a_head_that_is_known(head, rest):
    for modality in (IMAGE, AUDIO):
        try_all(modality, head + rest)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_in_memory(text):
    tried(TEXT, text)

"""What every kind of sample must do, so that nothing after it needs to know which kind it is."""

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from graft.backbones import DEFAULTS, open_backbone
from graft.errors import RequestError
from graft.modalities.modality import UnreadableError
from graft.modalities.table import MODALITIES, modality_of


def picture() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(255, size=(40, 30, 3), dtype=np.uint8)).save(content, "PNG")
    return content.getvalue()


def sound() -> bytes:
    content = io.BytesIO()
    soundfile.write(content, 0.3 * np.sin(np.arange(8000) / 9), 8000, format="WAV")
    return content.getvalue()


CONTENT = {"image": picture(), "text": b"where is the parcel that I ordered?", "audio": sound()}
THINGS = {"image": Image.new("RGB", (9, 9)), "text": "hello there", "audio": (np.ones(4000, np.float32) / 2, 8000)}


@pytest.fixture(params=[name for name in MODALITIES if name != "pair"])  # pairs: tests/test_pair.py
def modality(request):
    return modality_of(request.param)


@pytest.fixture
def preprocess(modality):
    return open_backbone(DEFAULTS[modality.name]).card.preprocess


def fits(prepared: np.ndarray, shape: tuple) -> bool:
    return prepared.ndim == len(shape) and all(b in (None, a) for a, b in zip(prepared.shape, shape, strict=True))


def test_a_sample_becomes_an_array_of_the_stated_shape(modality, preprocess):
    sample = modality.decode(CONTENT[modality.name])
    prepared = modality.prepare(sample, preprocess)
    assert fits(prepared, modality.shape(preprocess))
    assert prepared.dtype == modality.example(preprocess).dtype
    assert fits(modality.example(preprocess), modality.shape(preprocess))
    np.testing.assert_array_equal(prepared, modality.prepare(sample, preprocess))


def test_a_varied_view_depends_on_its_generator_alone(modality, preprocess):
    sample = modality.decode(CONTENT[modality.name])
    one, same, other = (modality.augment(sample, preprocess, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or not np.array_equal(one, other)
    assert fits(one, modality.shape(preprocess))


def test_samples_side_by_side_enter_the_network(modality, preprocess):
    prepared = [modality.prepare(modality.accept(THINGS[modality.name]), preprocess), modality.example(preprocess)]
    batch = modality.stack(prepared, preprocess)
    assert len(batch) == 2
    inputs = modality.entry(preprocess)(torch.from_numpy(batch))
    assert torch.isfinite(inputs.float()).all()


def test_with_one_shape_for_all_there_is_one(modality, preprocess):
    sources = [CONTENT[modality.name]] * 3
    fixed = modality.fix(modality.suit(preprocess, sources), sources)
    shape = modality.shape(fixed)
    assert None not in shape
    assert modality.prepare(modality.decode(sources[0]), fixed).shape == shape
    assert modality.augment(modality.decode(sources[0]), fixed, np.random.default_rng(0)).shape == shape
    assert type(fixed) is type(preprocess)
    assert replace(fixed) == fixed


def test_what_is_empty_or_of_another_kind_cannot_be_read(modality):
    with pytest.raises(UnreadableError):
        modality.check(b"")
    for name, content in CONTENT.items():
        if name != modality.name:
            with pytest.raises(UnreadableError):
                modality.check(b"\xff\xfe\x00" + content if modality.name == "text" else content)
    modality.check(CONTENT[modality.name])


def test_a_file_that_is_not_there_is_unreadable(modality, tmp_path):
    with pytest.raises(UnreadableError, match="no such file"):
        modality.decode(tmp_path / "gone")


def test_things_of_other_kinds_are_refused(modality):
    for name, thing in THINGS.items():
        if name != modality.name:
            with pytest.raises(RequestError, match="no "):
                modality.accept(thing)


def test_how_samples_were_made_is_numbers_of_one_length(modality):
    assert len({len(modality.made(CONTENT[modality.name])) for _ in range(2)}) == 1


def test_an_unknown_kind_is_told():
    with pytest.raises(RequestError, match="Expected: image, text, audio"):
        modality_of("smell")


def test_of_a_margin_only_the_middle_is_hidden(modality, preprocess):
    """Pictures lose their middle, recordings all but their ends, and texts have no margin."""
    if modality.name == "audio":
        preprocess = replace(preprocess, samples=3 * preprocess.rate)
        prepared = np.pad(np.full(2 * preprocess.rate, 99, np.int16), preprocess.rate // 2)
    else:
        prepared = modality.prepare(modality.decode(CONTENT[modality.name]), preprocess)
    left = modality.margin_of(prepared, preprocess)
    assert left.shape == prepared.shape
    assert left.dtype == prepared.dtype
    same = np.flatnonzero((left == prepared).reshape(len(left), -1).all(axis=1))
    if modality.margin:
        assert not np.array_equal(left, prepared)
        assert same[0] == 0
        assert same[-1] == len(left) - 1
    else:
        assert np.array_equal(left, prepared)
    if modality.name == "audio":
        assert np.flatnonzero(left).tolist() == [
            *range(preprocess.rate // 2, preprocess.rate // 2 + preprocess.rate // 5),
            *range(5 * preprocess.rate // 2 - preprocess.rate // 5, 5 * preprocess.rate // 2),
        ]
        assert not modality.margin_of(prepared[: preprocess.rate], preprocess).any()  # half a second has no margin
    if modality.name == "image":
        hidden = (left != prepared).any(axis=2).mean()
        assert 0.45 < hidden < 0.5  # 0.7 of each side

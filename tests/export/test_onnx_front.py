"""What ONNX graphs do before the network equals what Python does, for any size and length."""

import numpy as np
import onnxruntime
import openvino
import pytest
from PIL import Image

from graft.export.onnx_front import front
from graft.export.onnx_resize import blocks_of
from graft.modalities.audio import AUDIO, Recording
from graft.modalities.image import resize_and_crop
from graft.records import AudioPreprocess, ImagePreprocess, TextPreprocess


def session(preprocess) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(front(preprocess).SerializeToString())


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    "size", [(640, 480), (480, 640), (300, 300), (1600, 400), (256, 256), (31, 47), (100, 1), (1, 60), (901, 700)]
)
@pytest.mark.parametrize("resize", [256, 224])  # with 224 the borders show
def test_pictures_are_resized_as_pillow_does(interpolation, size, resize):
    half = (0.5, 0.5, 0.5)
    preprocess = ImagePreprocess(resize, 224, interpolation, half, half)
    noise = np.random.default_rng(0).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    (found,) = session(preprocess).run(None, {"pictures": noise[None]})
    expected = resize_and_crop(Image.fromarray(noise), preprocess)
    difference = np.abs(found[0].astype(int) - expected)
    assert difference.max() <= 2  # where one rounds up and the other down, in both directions
    assert (difference > 1).mean() < 1e-4
    assert difference.mean() < 0.06  # 256 to 224 pixels bring about halves, which Pillow rounds by its 22nd bit


@pytest.mark.parametrize("crop", [1, 64, 227, 260])  # one block and many, of any size
def test_a_crop_of_any_size_is_cut_into_equal_blocks(crop):
    blocks = blocks_of(crop)
    assert blocks.count * blocks.size == crop
    assert blocks.size <= 40 or blocks.count == 1
    half = (0.5, 0.5, 0.5)
    preprocess = ImagePreprocess(crop + 30, crop, "bicubic", half, half)
    noise = np.random.default_rng(0).integers(256, size=(2, 201, 333, 3), dtype=np.uint8)
    (found,) = session(preprocess).run(None, {"pictures": noise})
    expected = [resize_and_crop(Image.fromarray(one), preprocess) for one in noise]
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_openvino_reads_the_same_resize(interpolation):
    half = (0.5, 0.5, 0.5)
    preprocess = ImagePreprocess(256, 224, interpolation, half, half)
    graph = openvino.Core().read_model(front(preprocess).SerializeToString())
    network = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for width, height in [(640, 480), (1600, 400), (31, 47)]:
        noise = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
        expected = resize_and_crop(Image.fromarray(noise), preprocess)
        assert np.abs(network(noise[None])[0][0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("length", [1, 999, 16_000, 16_001, 24_000, 24_001, 90_000])
def test_waves_are_cut_and_filled_as_in_python(length):
    preprocess = AudioPreprocess(16_000, 24_000, 8_000, 160_000)
    wave = np.random.default_rng(0).normal(0, 0.5, length).astype(np.float32)
    (found,) = session(preprocess).run(None, {"waves": wave[None]})
    assert np.array_equal(found[0], AUDIO.prepare(Recording(wave, 16_000), preprocess))


def test_texts_need_nothing_before_the_network():
    assert front(TextPreprocess("", 128, 0, None)) is None

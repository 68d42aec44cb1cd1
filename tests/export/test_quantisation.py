"""8 bits: values survive on any processor, and the work is seen while it goes on."""

import numpy as np
import onnx
import onnxruntime
import pytest

from graft.export import quantisation
from graft.export.quantisation import RANGES, in_8_bits

CLASSES, CHANNELS = 6, 32


@pytest.fixture
def network() -> onnx.ModelProto:
    """One layer whose weights are as large as they can be, so that two products together exceed 16 bits."""
    rng = np.random.default_rng(0)
    weights = rng.choice([-1.0, 0.98, 1.0], (CLASSES, CHANNELS, 1, 1)).astype(np.float32) / 2_000
    text = f"""
    <ir_version: 10, opset_import: ["": 18]>
    network (uint8[batch, 4, 4, {CHANNELS}] sample) => (float[batch, {CLASSES}] probabilities) {{
        pixels = Cast<to=1>(sample)
        planes = Transpose<perm=[0, 3, 1, 2]>(pixels)
        seen = Conv(planes, weights)
        middle = GlobalAveragePool(seen)
        logits = Flatten(middle)
        probabilities = Softmax(logits)
    }}"""
    graph = onnx.parser.parse_model(text)
    graph.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    onnx.checker.check_model(graph)
    return graph


@pytest.fixture
def samples() -> list[np.ndarray]:
    return list(np.random.default_rng(1).integers(180, 256, (20, 4, 4, CHANNELS)).astype(np.uint8))


def answers(graph: onnx.ModelProto, samples: list[np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"sample": one[None]})[0] for one in samples])


def test_large_weights_and_bright_samples_do_not_overflow(network, samples):
    whole = answers(network, samples)
    small = in_8_bits(network, "sample", samples, samples)
    assert np.abs(answers(small, samples) - whole).max() < 0.01
    stored = {tensor.name: tensor for tensor in small.graph.initializer}
    assert stored["weights_quantized"].data_type == onnx.TensorProto.UINT8
    assert (onnx.numpy_helper.to_array(stored["weights_zero_point"]) == 128).all()


def test_what_is_left_in_half_precision_stands_in_order(samples, monkeypatch):
    """ONNX wants every tensor made before it is used; the layer left out is widened in front of it."""
    rng = np.random.default_rng(0)
    text = f"""
    <ir_version: 10, opset_import: ["": 18]>
    network (uint8[batch, 4, 4, {CHANNELS}] sample) => (float[batch, {CLASSES}] probabilities) {{
        pixels = Cast<to=1>(sample)
        planes = Transpose<perm=[0, 3, 1, 2]>(pixels)
        seen = Conv(planes, first)
        bright = Relu(seen)
        known = Conv(bright, second)
        middle = GlobalAveragePool(known)
        logits = Flatten(middle)
        probabilities = Softmax(logits)
    }}"""
    graph = onnx.parser.parse_model(text)
    for name, shape in [("first", (8, CHANNELS, 1, 1)), ("second", (CLASSES, 8, 1, 1))]:
        values = rng.normal(0, 0.01, shape).astype(np.float32)
        graph.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    for number, node in enumerate(graph.graph.node):
        node.name = f"{node.op_type}_{number}"
    whole = answers(graph, samples)
    monkeypatch.setattr(quantisation, "KEPT", (0.9,))  # the first of both layers
    small = in_8_bits(graph, "sample", samples, samples)
    onnx.checker.check_model(small)
    assert {"first", "second_quantized"} <= {tensor.name.removesuffix(".half") for tensor in small.graph.initializer}
    assert np.abs(answers(small, samples) - whole).max() < 0.01


class Counting:
    """A watch that keeps how far each task came."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.steps: list[int] = []

    def task(self, title, total, unit):
        from contextlib import nullcontext

        self.totals[title] = total
        return nullcontext(self.steps.append)

    def say(self, message):
        raise AssertionError(message)


def test_every_sample_is_a_step_and_all_steps_are_made(network, samples):
    watch = Counting()
    in_8_bits(network, "sample", samples, samples, watch)
    (total,) = watch.totals.values()
    assert sum(watch.steps) == total
    assert watch.steps.count(1) >= min(RANGES, len(samples)) + 2 * len(samples)


def test_what_hears_keeps_its_precision_up_to_the_logarithm(samples):
    """Power spans many powers of ten: soft samples would all be zero in 256 steps beside loud ones."""
    rng = np.random.default_rng(0)
    text = f"""
    <ir_version: 10, opset_import: ["": 18]>
    network (uint8[batch, 4, 4, {CHANNELS}] sample) => (float[batch, {CLASSES}] probabilities) {{
        pixels = Cast<to=1>(sample)
        planes = Transpose<perm=[0, 3, 1, 2]>(pixels)
        heard = Conv(planes, front)
        squared = Mul(heard, heard)
        power = Mul(squared, squared)
        bands = Log(power)
        seen = Conv(bands, weights)
        middle = GlobalAveragePool(seen)
        logits = Flatten(middle)
        probabilities = Softmax(logits)
    }}"""
    graph = onnx.parser.parse_model(text)
    front = rng.normal(size=(CHANNELS, CHANNELS, 1, 1)).astype(np.float32)
    weights = rng.normal(0, 0.01, size=(CLASSES, CHANNELS, 1, 1)).astype(np.float32)
    graph.graph.initializer.append(onnx.numpy_helper.from_array(front, "front"))
    graph.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    soft = [(one // 100).astype(np.uint8) for one in samples]
    whole = answers(graph, [*samples, *soft])
    small = in_8_bits(graph, "sample", [*samples, *soft], samples)
    kept = {tensor.name for tensor in small.graph.initializer}
    assert not any("front" in name and "quantized" in name for name in kept)
    assert "weights_quantized" in kept
    assert np.abs(answers(small, [*samples, *soft]) - whole).max() < 0.02

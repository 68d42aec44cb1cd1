"""Smaller ONNX graphs: weights in half precision, or weights and activations in 8 bits."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.modality import Prepared

if TYPE_CHECKING:
    import onnx

SMALL = 1_000  # values of a tensor below which half precision saves nothing
KEPT = (0.0, 0.03, 0.08, 0.15, 0.3, 0.45)  # share of the weights, from the entry on, that may stay in half precision
FAITHFUL = 0.99  # of the blends must get the answer that they had in single precision
BLENDED = 0.75  # of one sample, and the rest of another: as unsure a sample as real ones from elsewhere
RANGES = 128  # samples that set the ranges of activations
QUANTISED = ("Conv", "Gemm", "MatMul")


def in_half_precision(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same graph with its weights kept in half precision; runtimes widen them once, when they open it.

    It computes in single precision, so that it is as fast and as faithful on any processor. In place.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            continue
        name = tensor.name
        most = float(np.finfo(np.float16).max)
        tensor.CopyFrom(numpy_helper.from_array(np.clip(values, -most, most).astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.wide", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    return graph


def in_8_bits(
    graph: "onnx.ModelProto", entry: str, samples: Sequence[Prepared], varied: Sequence[Prepared]
) -> "onnx.ModelProto":
    """Quantised after training: weights by channel, activations by the ranges that prepared `samples` bring about.

    The first layers hold few weights and lose most answers (on fruit 7% of the answers changed with all layers in 8
    bits, 1.4% with the first 15% of the weights left out), so as many of them stay in half precision as it takes for
    blends of `varied` training samples to keep their answers. Weights take 7 of the 8 bits: on processors without
    VNNI the sum of two full products saturates.
    """
    import onnx
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as scratch:
        shaped, small = Path(scratch) / "shaped.onnx", Path(scratch) / "small.onnx"
        _shaped(graph, shaped)
        blends = _blends(varied)
        wanted = _answers(shaped, entry, blends)
        for share in KEPT:
            quantization.quantize_static(
                shaped,
                small,
                _Reader(entry, samples[:RANGES]),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                nodes_to_exclude=_first(onnx.load(shaped), share),
            )
            if (_answers(small, entry, blends) == wanted).mean() >= FAITHFUL:
                break
        return in_half_precision(onnx.load(small))


def in_8_bits_by_token(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """Quantised for transformers: weights by channel, activations by the range that each input turns out to have.

    Their activations differ too much from one token to the next for ranges that are set beforehand.
    """
    import onnx
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as scratch:
        shaped, small = Path(scratch) / "shaped.onnx", Path(scratch) / "small.onnx"
        _shaped(graph, shaped)
        quantization.quantize_dynamic(
            shaped, small, per_channel=True, reduce_range=True, weight_type=quantization.QuantType.QInt8
        )
        return in_half_precision(onnx.load(small))


def _shaped(graph: "onnx.ModelProto", file: Path) -> None:
    """Write the graph with its constants folded and the shapes of all tensors."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        onnx.save(graph, plain)
        quant_pre_process(plain, file, skip_symbolic_shape=True)


def _first(graph: "onnx.ModelProto", share: float) -> list[str]:
    """The names of the first layers, as many as hold this share of all weights."""
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.graph.initializer}
    layers = [
        (node.name, sizes[node.input[1]])
        for node in graph.graph.node
        if node.op_type in QUANTISED and node.input[1] in sizes
    ]
    room = share * sum(size for _, size in layers)
    held = np.cumsum([size for _, size in layers])
    return [name for (name, _), so_far in zip(layers, held, strict=True) if so_far <= room]


def _blends(varied: Sequence[Prepared]) -> list[Prepared]:
    following = [*varied[1:], *varied[:1]]
    return [
        np.rint(BLENDED * one.astype(np.float32) + (1 - BLENDED) * other).astype(one.dtype)
        for one, other in zip(varied, following, strict=True)
    ]


def _answers(file: Path, entry: str, samples: Sequence[Prepared]) -> NDArray[np.intp]:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return np.array([int(session.run(None, {entry: one[None]})[0].argmax()) for one in samples])


class _Reader:
    """Hands the samples to ONNX Runtime's calibration, one at a time."""

    def __init__(self, entry: str, samples: Sequence[Prepared]) -> None:
        self.entry = entry
        self.rows: Iterator[Prepared] = iter(samples)

    def get_next(self) -> dict[str, Any] | None:
        sample = next(self.rows, None)
        return None if sample is None else {self.entry: sample[None]}

    def __iter__(self) -> "_Reader":
        return self

    def __next__(self) -> dict[str, Any]:
        following = self.get_next()
        if following is None:
            raise StopIteration
        return following

"""Smaller ONNX graphs: weights in half precision, or weights and activations in 8 bits."""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.modalities.modality import Prepared
from graft.progress import SILENT, Advance, Watch
from graft.telemetry import without_telemetry

if TYPE_CHECKING:
    import onnx

SMALL = 1_000  # values of a tensor below which half precision saves nothing
KEPT = (0.0, 0.03, 0.08, 0.15, 0.3, 0.45)  # share of the weights, from the entry on, that may stay in half precision
FAITHFUL = 0.99  # of the blends must get the answer that they had in single precision
BLENDED = 0.75  # of one sample, and the rest of another: as unsure a sample as real ones from elsewhere
RANGES = 128  # samples that set the ranges of activations
QUANTISED = ("Conv", "Gemm", "MatMul")
MIDDLE = 128  # where zero lies in bytes without a sign


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
    graph: "onnx.ModelProto",
    entry: str,
    samples: Sequence[Prepared],
    varied: Sequence[Prepared],
    watch: Watch = SILENT,
) -> "onnx.ModelProto":
    """Quantised after training: weights by channel, activations by the ranges that prepared `samples` bring about.

    The first layers hold few weights and lose most answers, so as many of them stay in half precision as it takes for
    blends of `varied` training samples to keep their answers. Weights are stored without a sign: processors without
    VNNI overflow where a byte without a sign meets one that has it, unless one bit stays unused, and that bit is half
    of all that 8 bits lose (a frozen network for fruit changed 5.1% of its answers to blends with it, and 11.3%
    without).
    """
    import onnx

    blends = _blends(varied)
    rounds = len(KEPT) + 1
    title = "Choosing what stays in half precision"
    with (
        tempfile.TemporaryDirectory() as scratch,
        watch.task(title, min(RANGES, len(samples)) + rounds * len(blends), "samples") as advance,
    ):
        shaped, small = Path(scratch) / "shaped.onnx", Path(scratch) / "small.onnx"
        _shaped(graph, shaped)
        whole = onnx.load(shaped)
        hearing = _hearing(whole)
        ranges = _ranges(shaped, entry, samples[:RANGES], advance)
        wanted = _answers(shaped, entry, blends, advance)
        for tried, share in enumerate(KEPT, 1):
            found = _with_ranges(shaped, ranges, [*hearing, *_first(whole, share, hearing)])
            onnx.save(found, small)
            if (_answers(small, entry, blends, advance) == wanted).mean() >= FAITHFUL:
                advance((len(KEPT) - tried) * len(blends))
                break
        return in_half_precision(found)


def _ranges(file: Path, entry: str, samples: Sequence[Prepared], advance: Advance) -> Any:
    """The least and the largest value of every activation, as ONNX Runtime keeps them."""
    without_telemetry()
    from onnxruntime.quantization import calibrate

    with tempfile.TemporaryDirectory() as scratch:
        calibrator = calibrate.create_calibrator(
            file, _operators(), augmented_model_path=str(Path(scratch) / "augmented.onnx")
        )
        calibrator.collect_data(_Reader(entry, samples, advance))
        return calibrator.compute_data()


def _with_ranges(file: Path, ranges: Any, excluded: Sequence[str]) -> "onnx.ModelProto":
    """What `quantize_static` of ONNX Runtime does once it knows the ranges, with weights that have no sign."""
    import onnx

    without_telemetry()
    from onnxruntime.quantization import QDQQuantizer, QuantType

    quantizer = QDQQuantizer(
        onnx.load(file),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=[],
        nodes_to_exclude=list(excluded),
        op_types_to_quantize=_operators(),
        extra_options={},
    )
    with _without_remarks():
        quantizer.quantize_model()
    quantizer.model.topological_sort()  # ONNX asks for it; ONNX Runtime alone would do without
    quantised: onnx.ModelProto = quantizer.model.model
    return _without_signs(quantised)


@contextmanager
def _without_remarks() -> Iterator[None]:
    """ONNX Runtime remarks that a weight of one dimension has no channels, and quantises it as a whole."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _operators() -> list[str]:
    without_telemetry()
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    return sorted({*QDQRegistry, *QLinearOpsRegistry})


def _without_signs(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same values, with weights and their zeros 128 higher. In place."""
    from onnx import TensorProto, numpy_helper

    tensors = {tensor.name: tensor for tensor in graph.graph.initializer}
    widened = (node.input for node in graph.graph.node if node.op_type == "DequantizeLinear")
    names = {name for inputs in widened for name in (inputs[0], inputs[2]) if name in tensors}
    for tensor in (tensors[name] for name in sorted(names)):
        if tensor.data_type == TensorProto.INT8:
            raised = numpy_helper.to_array(tensor).astype(np.int16) + MIDDLE
            tensor.CopyFrom(numpy_helper.from_array(raised.astype(np.uint8), tensor.name))
    return graph


def in_8_bits_by_token(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """Quantised for transformers: weights by channel, activations by the range that each input turns out to have.

    Their activations differ too much from one token to the next for ranges that are set beforehand.
    """
    import onnx

    without_telemetry()
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as scratch:
        shaped, small = Path(scratch) / "shaped.onnx", Path(scratch) / "small.onnx"
        _shaped(graph, shaped)
        quantization.quantize_dynamic(
            shaped, small, per_channel=True, reduce_range=True, weight_type=quantization.QuantType.QInt8
        )
        return in_half_precision(onnx.load(small))


def _shaped(graph: "onnx.ModelProto", file: Path) -> None:
    """Write the graph with its constants folded, the shapes of all tensors, and a name for each node."""
    import onnx

    without_telemetry()
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        onnx.save(graph, plain)
        quant_pre_process(plain, file, skip_symbolic_shape=True)
    found = onnx.load(file)
    for number, node in enumerate(found.graph.node):
        node.name = node.name or f"node.{number}"
    onnx.save(found, file)


def _hearing(graph: "onnx.ModelProto") -> list[str]:
    """The names of all nodes before the first layer behind the last logarithm: a front end that hears, or none.

    Power spans eight powers of ten before its logarithm is taken, which 256 steps cannot tell.
    """
    nodes = graph.graph.node
    logarithms = [number for number, node in enumerate(nodes) if node.op_type == "Log"]
    if not logarithms:
        return []
    behind = (number for number in range(logarithms[-1], len(nodes)) if nodes[number].op_type in QUANTISED)
    return [node.name for node in nodes[: next(behind, len(nodes))]]


def _first(graph: "onnx.ModelProto", share: float, hearing: Sequence[str]) -> list[str]:
    """The names of the first layers behind what hears, as many as hold this share of their weights."""
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in graph.graph.initializer}
    layers = [
        (node.name, sizes[node.input[1]])
        for node in graph.graph.node
        if node.op_type in QUANTISED and node.input[1] in sizes and node.name not in set(hearing)
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


def _answers(file: Path, entry: str, samples: Sequence[Prepared], advance: Advance) -> NDArray[np.intp]:
    without_telemetry()
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    answers = []
    for one in samples:
        answers.append(int(session.run(None, {entry: one[None]})[0].argmax()))
        advance(1)
    return np.array(answers)


class _Reader:
    """Hands the samples to ONNX Runtime's calibration, one at a time."""

    def __init__(self, entry: str, samples: Sequence[Prepared], advance: Advance) -> None:
        self.entry, self.advance = entry, advance
        self.rows: Iterator[Prepared] = iter(samples)

    def get_next(self) -> dict[str, Any] | None:
        sample = next(self.rows, None)
        if sample is None:
            return None
        self.advance(1)
        return {self.entry: sample[None]}

    def __iter__(self) -> "_Reader":
        return self

    def __next__(self) -> dict[str, Any]:
        following = self.get_next()
        if following is None:
            raise StopIteration
        return following

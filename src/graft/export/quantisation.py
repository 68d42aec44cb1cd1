"""Smaller ONNX graphs: weights in half precision, or weights and activations in 8 bits."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.modality import Prepared

if TYPE_CHECKING:
    import onnx

SMALL = 1_000  # values of a tensor below which half precision saves nothing


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


def in_8_bits(graph: "onnx.ModelProto", entry: str, samples: Sequence[Prepared], static: bool) -> "onnx.ModelProto":
    """Quantised after training: weights by channel, and activations by what `samples` bring about.

    Transformers are quantised with `static` false: their activations differ too much from one token to the next, so
    the range is taken anew each time. Weights take 7 of the 8 bits: on processors without VNNI the sum of two full
    products saturates (on 333 views of fruit 92% of the answers stayed the same with 8 bits, 99.7% with 7).
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as scratch:
        plain, shaped, small = (Path(scratch) / f"{name}.onnx" for name in ("plain", "shaped", "small"))
        onnx.save(graph, plain)
        quant_pre_process(plain, shaped, skip_symbolic_shape=True)
        if static:
            quantization.quantize_static(
                shaped,
                small,
                _Reader(entry, samples),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
                extra_options={"CalibMovingAverage": False, "WeightSymmetric": True},
            )
        else:
            quantization.quantize_dynamic(
                shaped, small, per_channel=True, reduce_range=True, weight_type=quantization.QuantType.QInt8
            )
        return onnx.load(small)


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

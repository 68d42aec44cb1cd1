"""OpenVINO: for Intel and ARM processors, with the preprocessing inside."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graft.adaptation.model import Model
from graft.export.preparing import python
from graft.export.target import Material, Probabilities, Variant
from graft.export.to_onnx import whole_graph
from graft.modalities.modality import Prepared
from graft.telemetry import without_telemetry


class OpenVINOTarget:
    """model.xml and model.bin, made from the same graph as ONNX, any number of samples at once."""

    name = "openvino"
    file = "model.xml"
    variants: tuple[Variant, ...] = ("fp32", "fp16", "int8")
    whole = True
    packages: tuple[str, ...] = ("onnx", "onnxscript", "onnxruntime", "openvino")
    extra = "export"
    verifiable = True
    companions: tuple[str, ...] = ()

    def refuses(self, model: Model) -> str | None:
        return None

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        """The weights of fp16 are those of the ONNX graph in fp16: it computes in single precision all the same."""
        without_telemetry()
        import openvino

        graph = openvino.Core().read_model(whole_graph(material, variant).SerializeToString())
        openvino.serialize(graph, folder / self.file, folder / "model.bin")

    def open(self, folder: Path) -> "OpenVINORuntime":
        return OpenVINORuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        return python(manifest, PYTHON)


class OpenVINORuntime:
    """OpenVINO on the processor, in single precision."""

    def __init__(self, file: Path) -> None:
        without_telemetry()
        import openvino

        compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        self.request = compiled.create_infer_request()
        self._one_at_a_time = threading.Lock()

    def run(self, sample: Prepared) -> Probabilities:
        with self._one_at_a_time:
            self.request.infer([np.ascontiguousarray(sample[None])])
            answer: Probabilities = self.request.get_output_tensor(0).data[0].astype(np.float64)
        return answer


PYTHON = """
import openvino

network = openvino.Core().compile_model("model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
probabilities, unknown = network(sample[None]).values()
"""
OPENVINO = OpenVINOTarget()

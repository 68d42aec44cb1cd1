"""OpenVINO: for Intel and ARM processors, with the preprocessing inside."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.adaptation.model import Model
from graft.export.target import Material, Probabilities, Variant
from graft.export.to_onnx import whole_graph
from graft.modality import Prepared

if TYPE_CHECKING:
    import openvino

PILLOW = {"cubic": "bicubic_pillow", "linear_onnx": "bilinear_pillow", "linear": "bilinear_pillow"}


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
        import openvino

        graph = openvino.Core().read_model(whole_graph(material, variant).SerializeToString())
        _resize_as_pillow_does(graph)
        openvino.serialize(graph, folder / self.file, folder / "model.bin")

    def open(self, folder: Path) -> "OpenVINORuntime":
        return OpenVINORuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        return f"""
```python
import json, openvino

manifest = json.load(open("manifest.json", encoding="utf-8"))
network = openvino.Core().compile_model("model.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})
probabilities, unknown = network(sample[None]).values()  # sample: {manifest["input"]["meaning"]}
print(manifest["classes"][probabilities[0].argmax()], "not sure" if unknown[0] > manifest["unknown_threshold"] else "")
```
"""


class OpenVINORuntime:
    """OpenVINO on the processor, in single precision."""

    def __init__(self, file: Path) -> None:
        import openvino

        compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        self.request = compiled.create_infer_request()

    def run(self, sample: Prepared) -> Probabilities:
        self.request.infer([np.ascontiguousarray(sample[None])])
        answer: Probabilities = self.request.get_output_tensor(0).data[0].astype(np.float64)
        return answer


def _resize_as_pillow_does(graph: "openvino.Model") -> None:
    """Give every resize the mode that computes what Pillow does; ONNX's own is up to 0.07 off in probabilities."""
    from openvino import opset11
    from openvino.utils import replace_node

    for node in graph.get_ordered_ops():
        if node.get_type_name() != "Interpolate":
            continue
        attributes = node.get_attributes()
        sizes, two = node.input_value(1), opset11.constant(np.array([2, 3], np.int64))
        spatial = opset11.gather(sizes, two, opset11.constant(np.array(0, np.int64)))
        resized = opset11.interpolate(
            node.input_value(0),
            spatial,
            mode=PILLOW[attributes["mode"]],
            shape_calculation_mode="sizes",
            coordinate_transformation_mode="half_pixel",
            cube_coeff=attributes["cube_coeff"],
            axes=two,
        )
        replace_node(node, resized)


OPENVINO = OpenVINOTarget()

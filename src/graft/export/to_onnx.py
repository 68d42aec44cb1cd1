"""ONNX: one file for servers, browsers and phones, with the preprocessing inside."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.adaptation.model import Model
from graft.export.classifier import example, outputs_of, program
from graft.export.onnx_front import IR, NAMES, OPSET, front
from graft.export.operators import told_where
from graft.export.preparing import in_words_of, python
from graft.export.quantisation import in_8_bits, in_8_bits_by_token, in_half_precision
from graft.export.target import Material, Probabilities, Variant
from graft.modalities.modality import Prepared
from graft.telemetry import without_telemetry

if TYPE_CHECKING:
    import onnx


class OnnxTarget:
    """A file for ONNX Runtime and whatever else reads ONNX, opset 18, any number of samples at once."""

    name = "onnx"
    file = "model.onnx"
    variants: tuple[Variant, ...] = ("fp32", "fp16", "int8")
    whole = True
    packages: tuple[str, ...] = ("onnx", "onnxscript", "onnxruntime")
    extra = "export"
    verifiable = True
    companions: tuple[str, ...] = ()

    def refuses(self, model: Model) -> str | None:
        return None

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        import onnx

        onnx.save(whole_graph(material, variant), folder / self.file)

    def open(self, folder: Path) -> "OnnxRuntime":
        return OnnxRuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        kind = manifest["modality"]
        return python(manifest, PYTHON.format(name=NAMES[kind])) + in_words_of(manifest, JAVASCRIPT[kind])


class OnnxRuntime:
    """ONNX Runtime on the processor."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        without_telemetry()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.entry = self.session.get_inputs()[0].name
        self.answer = self.session.get_outputs()[0].name

    def run(self, sample: Prepared) -> Probabilities:
        answer: Probabilities = np.asarray(
            self.session.run([self.answer], {self.entry: sample[None]})[0][0], np.float64
        )
        return answer


def whole_graph(material: Material, variant: Variant) -> "onnx.ModelProto":
    """The graph from what a device has in hand to probabilities and the unknown score."""
    import onnx

    model = material.model
    kind = model.backbone.card.modality
    before = front(model.backbone.card.preprocess)
    entry = NAMES[kind] if before is None else "sample"
    graph = network_graph(model, entry)
    if variant == "fp16":
        graph = in_half_precision(graph)
    elif variant == "int8":
        if kind == "text":
            graph = in_8_bits_by_token(graph)
        else:
            graph = in_8_bits(graph, entry, material.calibration, material.varied, material.watch)
    graph.ir_version = IR
    if before is not None:
        joined = [(before.graph.output[0].name, entry)]
        graph = onnx.compose.merge_models(
            onnx.compose.add_prefix(before, "front/", rename_inputs=False, rename_outputs=False), graph, joined
        )
    for value in (*graph.graph.input, *graph.graph.output):  # one name for the open dimension, whoever made it
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(graph)
    return graph


def network_graph(model: Model, entry: str) -> "onnx.ModelProto":
    """The graph from prepared samples on."""
    import torch

    exported = program(model, batched=True)
    samples = torch.from_numpy(np.array(example(model, 2)))
    with told_where(exported, "ONNX"):
        made = torch.onnx.export(
            exported,
            (samples,),
            input_names=[entry],
            output_names=list(outputs_of(model)),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    if made is None:
        raise AssertionError("torch.onnx.export gives a program where dynamo is on")
    return made.model_proto


PYTHON = """
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
probabilities, unknown = session.run(None, {{"{name}": sample[None]}})
"""
JAVASCRIPT = {
    "image": """
```javascript
import * as ort from "onnxruntime-web";
const session = await ort.InferenceSession.create("model.onnx");
const picture = await createImageBitmap(file); // of a File or Blob; the browser turns it upright
const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
context.fillStyle = "white"; // beneath what is transparent
context.fillRect(0, 0, picture.width, picture.height);
context.drawImage(picture, 0, 0);
const { data, width, height } = context.getImageData(0, 0, picture.width, picture.height);
const sample = Uint8Array.from({ length: width * height * 3 }, (_, at) => data[Math.floor(at / 3) * 4 + (at % 3)]);
const { probabilities } = await session.run({ pictures: new ort.Tensor("uint8", sample, [1, height, width, 3]) });
```
""",
    "text": """
```javascript
import * as ort from "onnxruntime-web";
import { Tokenizer } from "@huggingface/tokenizers";
const session = await ort.InferenceSession.create("model.onnx");
const { preprocess } = await (await fetch("manifest.json")).json();
const tokenizer = new Tokenizer(await (await fetch("tokenizer.json")).json(), {});
const ids = tokenizer.encode("A TEXT").ids.slice(0, preprocess.fixed ?? preprocess.tokens);
while (ids.length < preprocess.fixed) ids.push(preprocess.pad);
const sample = BigInt64Array.from(ids, BigInt);
const { probabilities } = await session.run({ tokens: new ort.Tensor("int64", sample, [1, sample.length]) });
```
""",
    "audio": """
```javascript
import * as ort from "onnxruntime-web";
const session = await ort.InferenceSession.create("model.onnx");
const { preprocess } = await (await fetch("manifest.json")).json();
const bytes = await file.arrayBuffer(); // of a File or Blob
const sound = await new OfflineAudioContext(1, 1, preprocess.rate).decodeAudioData(bytes); // resamples
const sample = sound.getChannelData(0); // the first channel
const { probabilities } = await session.run({ waves: new ort.Tensor("float32", sample, [1, sample.length]) });
```
""",
}
ONNX = OnnxTarget()

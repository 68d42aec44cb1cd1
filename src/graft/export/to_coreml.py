"""Core ML: for iPhones and Macs. Converted anywhere, run on macOS alone."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.adaptation.model import Model
from graft.errors import WorkError
from graft.export.classifier import classifier, example, outputs_of
from graft.export.operators import told_where
from graft.export.preparing import python_prepared
from graft.export.quiet import quiet
from graft.export.target import Material, Probabilities, Runtime, Variant
from graft.modalities.modality import Prepared

if TYPE_CHECKING:
    from torch import nn


class CoreMLTarget:
    """model.mlpackage for iOS 17 and later; pictures come as a CVPixelBuffer of the prepared size."""

    name = "coreml"
    file = "model.mlpackage"
    variants: tuple[Variant, ...] = ("fp32", "fp16")
    whole = False
    packages: tuple[str, ...] = ("coremltools",)
    extra = "mobile"
    verifiable = sys.platform == "darwin"
    companions: tuple[str, ...] = ()

    def refuses(self, model: Model) -> str | None:
        return None

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        import torch

        with quiet():  # bars, and that it knows an older torch and another scikit-learn
            import coremltools

            model = material.model
            module, inputs = _as_core_ml_takes_it(model)
            with torch.no_grad():
                exported = torch.export.export(module, inputs)
            precision = coremltools.precision.FLOAT16 if variant == "fp16" else coremltools.precision.FLOAT32
            kind: Any = coremltools.TensorType(name="samples", shape=inputs[0].shape)
            if model.backbone.card.modality == "image":
                layout = coremltools.colorlayout.RGB
                kind = coremltools.ImageType(name="samples", shape=inputs[0].shape, color_layout=layout)
            with told_where(exported, "Core ML"):
                converted = coremltools.convert(
                    exported.run_decompositions({}),
                    inputs=[kind],
                    outputs=[coremltools.TensorType(name=name) for name in outputs_of(model)],
                    compute_precision=precision,
                    minimum_deployment_target=coremltools.target.iOS17,
                    skip_model_load=True,
                )
            converted.short_description = "Made by graft; see manifest.json"
            converted.save(str(folder / self.file))

    def open(self, folder: Path) -> Runtime:
        if not self.verifiable:
            raise WorkError("Core ML runs on macOS alone. Open this artifact there.")
        return CoreMLRuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        return f"""
```swift
let model = try MLModel(contentsOf: MLModel.compileModel(at: packageURL))
let input = try MLDictionaryFeatureProvider(dictionary: ["samples": MLFeatureValue(pixelBuffer: prepared)])
let output = try model.prediction(from: input)
let probabilities = output.featureValue(for: "probabilities")!.multiArrayValue!
let unknown = output.featureValue(for: "unknown")!.multiArrayValue![0].floatValue
// above {manifest["unknown_threshold"]:.3f}: not sure
```

What is left to do first, in Python; `sample` is what golden/*.bin hold:
{python_prepared(manifest)}"""


class CoreMLRuntime:
    """Core ML on a Mac."""

    def __init__(self, package: Path) -> None:
        import coremltools

        self.model = coremltools.models.MLModel(str(package))
        outputs = self.model.get_spec().description.output
        self.answer = next(one.name for one in outputs if one.name != "unknown")
        self._one_at_a_time = threading.Lock()

    def run(self, sample: Prepared) -> Probabilities:
        from PIL import Image

        given: Any = Image.fromarray(sample) if sample.ndim == 3 else sample[None].astype(np.float32)
        with self._one_at_a_time:
            answer: Probabilities = np.asarray(self.model.predict({"samples": given})[self.answer][0], np.float64)
        return answer


def _as_core_ml_takes_it(model: Model) -> "tuple[nn.Module, tuple[Any, ...]]":
    """The classifier behind an input of a type that Core ML has: planes of a picture, or numbers."""
    import torch
    from torch import nn

    inner = classifier(model)
    prepared = torch.from_numpy(np.array(example(model, 1)))

    class Planes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            answer: tuple[torch.Tensor, torch.Tensor] = self.inner(samples.permute(0, 2, 3, 1))
            return answer

    if model.backbone.card.modality == "image":
        return Planes().eval(), (prepared.permute(0, 3, 1, 2).float().contiguous(),)
    if model.backbone.card.modality == "text":
        return inner, (prepared.to(torch.int32),)
    return inner, (prepared.float(),)


COREML = CoreMLTarget()

"""ExecuTorch: PyTorch's own runtime for phones, and the graph of torch.export that outlives its format."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graft.adaptation.model import Model
from graft.export.classifier import program
from graft.export.operators import told_where
from graft.export.preparing import python_prepared
from graft.export.quiet import quiet, without_warnings
from graft.export.target import Material, Probabilities, Variant
from graft.modalities.modality import Prepared


class ExecuTorchTarget:
    """model.pte for XNNPACK, one prepared sample at a time, and model.pt2, from which later versions can be made."""

    name = "executorch"
    file = "model.pte"
    variants: tuple[Variant, ...] = ("fp32",)
    whole = False
    packages: tuple[str, ...] = ("executorch", "torchao")
    extra = "mobile"
    verifiable = True
    companions: tuple[str, ...] = ("model.pt2",)

    def refuses(self, model: Model) -> str | None:
        return None

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        import torch

        with quiet():  # of a deprecation inside torchao, and of processors it does not know
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

        exported = program(material.model, batched=False)
        with told_where(exported, "ExecuTorch"), torch.no_grad(), without_warnings():
            torch.export.save(exported, folder / "model.pt2")
            lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
        (folder / self.file).write_bytes(lowered.buffer)

    def open(self, folder: Path) -> "ExecuTorchRuntime":
        return ExecuTorchRuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        tensor = "fromBlobUnsigned" if manifest["input"]["type"] == "uint8" else "fromBlob"
        sizes = ["1", *manifest["input"]["shape"][1:]]
        shape = ", ".join("prepared.size.toLong()" if one == "any" else str(one) for one in sizes)
        return f"""
```kotlin
val module = Module.load(path)  // org.pytorch.executorch, the minor version that wrote it or the next one
val output = module.forward(EValue.from(Tensor.{tensor}(prepared, longArrayOf({shape}))))
val probabilities = output[0].toTensor().dataAsFloatArray
val unknown = output[1].toTensor().dataAsFloatArray[0]  // above {manifest["unknown_threshold"]:.3f}: not sure
```

From a file to the answer in Python; `sample` is what golden/*.bin hold:
{python_prepared(manifest, PYTHON)}"""


class ExecuTorchRuntime:
    """ExecuTorch on the processor."""

    def __init__(self, file: Path) -> None:
        with quiet():
            from executorch.runtime import Runtime

            self.program = Runtime.get().load_program(file)  # kept, for the method does not keep it alive
            self.method = self.program.load_method("forward")
        self._one_at_a_time = threading.Lock()

    def run(self, sample: Prepared) -> Probabilities:
        import torch

        with self._one_at_a_time:
            outputs = self.method.execute([torch.from_numpy(np.array(sample[None]))])
            answer: Probabilities = outputs[0][0].double().numpy()
        return answer


PYTHON = """
import torch
from executorch.runtime import Runtime

method = Runtime.get().load_program("model.pte").load_method("forward")
probabilities, unknown = method.execute([torch.tensor(sample)[None]])
"""
EXECUTORCH = ExecuTorchTarget()

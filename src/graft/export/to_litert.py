"""LiteRT, once TensorFlow Lite: for Android. Its converter pins other versions, so it has an environment of its own."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from filelock import FileLock

from graft.adaptation.model import Model
from graft.errors import WorkError
from graft.export.classifier import program
from graft.export.litert_worker import read_array, write_array
from graft.export.preparing import python_prepared
from graft.export.target import Material, Probabilities, Variant
from graft.modalities.modality import Prepared
from graft.progress import SILENT, Watch
from graft.storage import cache_folder

REQUIREMENT = "litert-torch>=0.10,<0.11"  # Apache-2.0, Google's
FINISHED = "finished"
OWN = "GRAFT_LITERT_PYTHON"  # the Python of an environment that has it already
WORKER = Path(__file__).with_name("litert_worker.py")
TAIL = 600


class LiteRTTarget:
    """model.tflite, one prepared sample at a time; the first export sets the converter's environment up, in minutes."""

    name = "litert"
    file = "model.tflite"
    variants: tuple[Variant, ...] = ("fp32",)
    whole = False
    packages: tuple[str, ...] = ()
    extra = "mobile"
    verifiable = True
    companions: tuple[str, ...] = ()

    def refuses(self, model: Model) -> str | None:
        if None in model.modality.shape(model.backbone.card.preprocess):
            return (
                "LiteRT takes inputs of one size, and the texts of this model differ in length. Use --to onnx or "
                "--to executorch."
            )
        return None

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        import torch

        with tempfile.TemporaryDirectory() as scratch:
            graph = Path(scratch) / "model.pt2"
            torch.export.save(program(material.model, batched=False), graph)
            done = _run([environment(material.watch), WORKER, "convert", graph, folder / self.file])
        if done.returncode:
            raise WorkError(f"LiteRT cannot express this network: {done.stderr[-TAIL:].strip()}")

    def open(self, folder: Path) -> "LiteRTRuntime":
        return LiteRTRuntime(folder / self.file)

    def usage(self, manifest: Mapping[str, Any]) -> str:
        return f"""
```kotlin
val interpreter = CompiledModel.create(path, CompiledModel.Options(Accelerator.CPU))  // com.google.ai.edge.litert
val inputs = interpreter.createInputBuffers()
val outputs = interpreter.createOutputBuffers()
inputs[0].writeInt8(prepared)
interpreter.run(inputs, outputs)
val probabilities = outputs[0].readFloat()
val unknown = outputs[1].readFloat()[0]  // above {manifest["unknown_threshold"]:.3f}: not sure
```

What is left to do first, in Python; `sample` is what golden/*.bin hold:
{python_prepared(manifest)}"""


class LiteRTRuntime:
    """LiteRT's interpreter in its own environment, asked through pipes."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [environment(), WORKER, "answer", file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.questions = cast("BinaryIO", self.process.stdin)
        self.answers = cast("BinaryIO", self.process.stdout)
        self._one_at_a_time = threading.Lock()

    def run(self, sample: Prepared) -> Probabilities:
        try:
            with self._one_at_a_time:
                write_array(self.questions, sample[None])
                answer = read_array(self.answers)
        except (OSError, ValueError, EOFError) as error:
            raise WorkError("LiteRT's interpreter stopped. Run the export again.") from error
        return np.asarray(answer[0], np.float64)

    def __del__(self) -> None:
        process = getattr(self, "process", None)
        if process is not None:
            self.questions.close()
            self.answers.close()
            process.wait(timeout=30)


def environment(watch: Watch = SILENT) -> str:
    """The Python of the converter's environment, which is made where it is missing; raises `WorkError` if it cannot."""
    own = os.environ.get(OWN)
    if own:
        return own
    folder = cache_folder() / "environments" / "litert"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / FINISHED).is_file():
            watch.say(
                f"LiteRT's converter gets an environment of its own, once: 5 GB, some minutes. It lies in {folder}."
            )
            for step in (
                [sys.executable, "-m", "venv", "--clear", folder],
                [python, "-m", "pip", "install", REQUIREMENT],
            ):
                done = _run(step)
                if done.returncode:
                    raise WorkError(f"LiteRT's own environment could not be made: {done.stderr[-TAIL:].strip()}")
            (folder / FINISHED).write_text(REQUIREMENT)
    return str(python)


def _run(step: list[Any]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(part) for part in step], capture_output=True, text=True, check=False)


LITERT = LiteRTTarget()

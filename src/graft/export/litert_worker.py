"""Runs in LiteRT's own environment, without graft: converts a graph of torch.export, or answers what comes by stdin.

python litert_worker.py convert MODEL.pt2 MODEL.tflite; python litert_worker.py answer MODEL.tflite
"""

import io
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy


def convert(graph: str, file: str) -> None:
    """Write a graph of torch.export as a file of LiteRT."""
    import litert_torch
    import torch

    exported = torch.export.load(graph)
    litert_torch.convert(exported.module(), exported.example_inputs[0]).export(file)


def write_array(pipe: BinaryIO, array: Any) -> None:
    """Send an array: its length in bytes, then numpy's own format."""
    content = io.BytesIO()
    numpy.save(content, array, allow_pickle=False)
    pipe.write(len(content.getvalue()).to_bytes(8, "little") + content.getvalue())
    pipe.flush()


def read_array(pipe: BinaryIO) -> Any:
    """Receive an array; raises `EOFError` where there is none any more."""
    head = pipe.read(8)
    if len(head) < 8:
        raise EOFError
    return numpy.load(io.BytesIO(pipe.read(int.from_bytes(head, "little"))), allow_pickle=False)


def answer(file: str) -> None:
    """Answer arrays that come by stdin with the first output, until stdin ends."""
    from ai_edge_litert.interpreter import Interpreter

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not stand among the answers
    interpreter = Interpreter(model_path=file)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    widest = max(interpreter.get_output_details(), key=lambda one: len(one["shape"]))["index"]
    while True:
        try:
            sample = read_array(sys.stdin.buffer)
        except EOFError:
            return
        interpreter.set_tensor(entry, sample)
        interpreter.invoke()
        write_array(answers, interpreter.get_tensor(widest))


if __name__ == "__main__":
    work: dict[str, Callable[..., None]] = {"convert": convert, "answer": answer}
    work[sys.argv[1]](*sys.argv[2:])

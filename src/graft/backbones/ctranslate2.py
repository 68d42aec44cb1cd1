"""The encoder of Whisper from CTranslate2's container, without CTranslate2 (github.com/OpenNMT/CTranslate2, MIT).

A variable is its name (two bytes of length, the text, a zero), one byte of rank, four bytes for each dimension, one
byte of type, four bytes of size, and its values; little-endian (ctranslate2/specs/model_spec.py, version 6).
"""

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
NORMS = {"ffn/layer_norm": "final_layer_norm", "self_attention/layer_norm": "self_attn_layer_norm"}
LINEARS = {"ffn/linear_0": "fc1", "ffn/linear_1": "fc2", "self_attention/linear_1": "self_attn.out_proj"}


def read_variables(content: bytes, start: int, prefix: str) -> dict[str, NDArray[Any]]:
    """Variables one after another from a place in a container on, as long as their names begin with `prefix`."""
    found: dict[str, NDArray[Any]] = {}
    at = start
    while True:
        (length,) = struct.unpack_from("<H", content, at)
        name = content[at + 2 : at + 1 + length].decode("utf-8", "replace")
        if not name.startswith(prefix):
            return found
        at += 2 + length
        rank = content[at]
        shape = struct.unpack_from(f"<{rank}I", content, at + 1)
        kind, size = struct.unpack_from("<BI", content, at + 1 + 4 * rank)
        at += 6 + 4 * rank
        found[name] = np.frombuffer(content, TYPES[kind], size // np.dtype(TYPES[kind]).itemsize, at).reshape(shape)
        at += size


def whisper_encoder(variables: dict[str, NDArray[Any]]) -> "dict[str, Tensor]":
    """The same under the names that transformers gives them, in single precision; queries, keys and values apart."""
    values = {name.removeprefix("encoder/"): value for name, value in variables.items()}
    named = {f"conv{one}.{kind}": values[f"conv{one}/{kind}"] for one in (1, 2) for kind in ("weight", "bias")}
    named |= {"embed_positions.weight": values["position_encodings/encodings"]}
    named |= _norm("layer_norm", "layer_norm", values)
    count = sum(name.endswith("/ffn/linear_0/weight") for name in values)
    for number in range(count):
        theirs, ours = f"layer_{number}", f"layers.{number}"
        for old, new in NORMS.items():
            named |= _norm(f"{theirs}/{old}", f"{ours}.{new}", values)
        for old, new in LINEARS.items():
            named |= {f"{ours}.{new}.{kind}": values[f"{theirs}/{old}/{kind}"] for kind in ("weight", "bias")}
        for kind in ("weight", "bias"):
            parts = np.split(values[f"{theirs}/self_attention/linear_0/{kind}"], 3)
            named |= {f"{ours}.self_attn.{one}_proj.{kind}": part for one, part in zip("qkv", parts, strict=True)}
        del named[f"{ours}.self_attn.k_proj.bias"]  # zeros, because keys have none
    return {name: _tensor(value) for name, value in named.items()}


def _norm(old: str, new: str, values: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{new}.weight": values[f"{old}/gamma"], f"{new}.bias": values[f"{old}/beta"]}


def _tensor(value: NDArray[Any]) -> "Tensor":
    import torch

    return torch.from_numpy(value.astype(np.float32))

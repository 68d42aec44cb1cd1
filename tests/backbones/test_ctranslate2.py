"""Whisper's encoder out of CTranslate2's container: a small one written here, and the packaged one."""

import struct

import numpy as np
import pytest
import torch
import transformers

from conftest import small_whisper
from graft.backbones import open_backbone
from graft.backbones.ctranslate2 import read_variables, whisper_encoder
from graft.backbones.packaged import WHEELS


def variable(name: str, value: np.ndarray, kind: int) -> bytes:
    """As CTranslate2 writes it."""
    text = name.encode() + b"\0"
    about = (
        struct.pack("<H", len(text))
        + text
        + struct.pack("<B", value.ndim)
        + struct.pack(f"<{value.ndim}I", *value.shape)
    )
    return about + struct.pack("<BI", kind, value.nbytes) + value.tobytes()


def container(encoder) -> bytes:
    """The variables of an encoder in half precision, behind one of a decoder and before one that is none of its own."""
    values = {name: value.numpy().astype(np.float16) for name, value in encoder.state_dict().items()}
    written = {f"conv{one}/{kind}": values[f"conv{one}.{kind}"] for one in (1, 2) for kind in ("weight", "bias")}
    written |= {"layer_norm/gamma": values["layer_norm.weight"], "layer_norm/beta": values["layer_norm.bias"]}
    for number in range(2):
        theirs, ours = f"layer_{number}", f"layers.{number}"
        attention = f"{ours}.self_attn"
        no_bias = np.zeros(16, np.float16)
        written |= {
            f"{theirs}/ffn/layer_norm/gamma": values[f"{ours}.final_layer_norm.weight"],
            f"{theirs}/ffn/layer_norm/beta": values[f"{ours}.final_layer_norm.bias"],
            f"{theirs}/self_attention/layer_norm/gamma": values[f"{ours}.self_attn_layer_norm.weight"],
            f"{theirs}/self_attention/layer_norm/beta": values[f"{ours}.self_attn_layer_norm.bias"],
            f"{theirs}/self_attention/linear_0/weight": np.concatenate(
                [values[f"{attention}.{one}_proj.weight"] for one in "qkv"]
            ),
            f"{theirs}/self_attention/linear_0/bias": np.concatenate(
                [values[f"{attention}.q_proj.bias"], no_bias, values[f"{attention}.v_proj.bias"]]
            ),
        }
        for old, new in (
            ("ffn/linear_0", "fc1"),
            ("ffn/linear_1", "fc2"),
            ("self_attention/linear_1", "self_attn.out_proj"),
        ):
            written |= {f"{theirs}/{old}/{kind}": values[f"{ours}.{new}.{kind}"] for kind in ("weight", "bias")}
    content = [variable(f"encoder/{name}", value, 4) for name, value in written.items()]
    content += [variable("encoder/num_heads", np.array(2, np.int16), 2)]
    content += [variable("encoder/position_encodings/encodings", values["embed_positions.weight"], 4)]
    return b"".join(
        [variable("decoder/other", np.ones(3, np.float32), 0), *content, variable("last", np.ones(2, np.int8), 1)]
    )


def test_every_weight_comes_back_under_its_name():
    torch.manual_seed(0)
    encoder = transformers.WhisperModel(small_whisper()).encoder
    start = len(variable("decoder/other", np.ones(3, np.float32), 0))
    found = whisper_encoder(read_variables(container(encoder), start, "encoder/"))
    expected = encoder.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value.half().float()), name


@pytest.mark.skipif(WHEELS["wheel:whisper_base"][1].find() is None, reason="graft-ml[speech] is not installed")
def test_the_packaged_encoder_says_what_ctranslate2_says():
    """A tone that rises for 30 seconds; the numbers are those of CTranslate2 4.8.5 on the same file in float32."""
    module = open_backbone("wheel:whisper_base").module
    time = torch.arange(480_000) / 16_000
    frames = (0.3 * torch.sin(2 * torch.pi * (200 + 100 * time) * time))[None]
    with torch.inference_mode():
        for _, piece in module.pieces[:-1]:
            frames = piece(frames)
        said = module.pieces[-1][1].norm(frames)[0]
    expected = [
        [-0.8053, 0.2420, -0.5410],
        [-0.4403, -0.2268, -0.8135],
        [-1.3554, -0.0266, -0.0368],
        [-0.8155, 0.6155, 0.2151],
        [-0.3967, -0.5344, 0.0929],
        [-0.8112, -0.1126, 0.1812],
    ]
    np.testing.assert_allclose(said[::250, :3], expected, atol=1e-3)
    np.testing.assert_allclose(said.mean(dim=0)[:6], [-0.5597, 0.0543, -0.0440, -0.4859, -0.1550, 0.1054], atol=1e-3)

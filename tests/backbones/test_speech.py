"""Networks that hear: the packaged one against its ONNX files, those of transformers, and pictures of sounds."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import small_whisper
from graft.backbones import open_backbone
from graft.backbones.backbone import hash_of_weights
from graft.backbones.frames import frame_by_frame
from graft.backbones.from_checkpoint import build_for
from graft.backbones.from_random import random_like
from graft.backbones.measure import example_input
from graft.errors import RequestError


def waves(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(2, samples, generator=torch.Generator().manual_seed(seed)) * 0.1


def test_the_packaged_network_says_what_its_onnx_files_say():
    """Windows of 76 frames, 8 apart, as openwakeword cuts them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    place = Path(next(iter(find_spec("openwakeword").submodule_search_locations))) / "resources" / "models"
    module = open_backbone("wheel:speech_embedding").module
    sound = waves(32_000)[:1] * 32_768
    mel = onnxruntime.InferenceSession(place / "melspectrogram.onnx").run(None, {"input": sound.numpy()})[0].squeeze()
    windows = np.stack([mel[at : at + 76] for at in range(0, len(mel) - 75, 8)])[..., None] / 10 + 2
    expected = onnxruntime.InferenceSession(place / "embedding_model.onnx").run(None, {"input_1": windows})[0]
    with torch.inference_mode():
        found = module.every_step(sound)[0].numpy()
        np.testing.assert_allclose(found, expected.squeeze(), atol=1e-4)
        np.testing.assert_allclose(module(sound)[0].numpy(), found.mean(axis=0), atol=1e-5)


def test_each_recording_is_heard_by_itself():
    module = open_backbone("wheel:speech_embedding").module
    loud_beside_soft = torch.cat([waves(24_000)[:1] * 30_000, waves(24_000, 1)[:1] * 30])
    with torch.inference_mode():
        assert torch.allclose(module(loud_beside_soft)[1:], module(loud_beside_soft[1:]), atol=1e-4)


@pytest.mark.parametrize("name", ["wheel:speech_embedding", "spectrogram+random:timm:test_efficientnet@64"])
def test_networks_that_hear_can_be_cut_built_again_and_start_anew(name):
    backbone = open_backbone(name)
    assert len(backbone.stages) > 3
    again = build_for(backbone.card).module
    again.load_state_dict(backbone.module.state_dict())
    inputs = example_input("audio", backbone.card.preprocess)
    with torch.inference_mode():
        assert torch.equal(again.eval()(inputs), backbone.module(inputs))
    assert random_like(backbone, 1).fingerprint != backbone.fingerprint
    assert hash_of_weights(backbone.module.state_dict()) == backbone.weights  # else a saved model is refused


def test_a_higher_tone_is_higher_in_the_spectrogram():
    from graft.backbones.spectrogram import Spectrogram

    time = torch.arange(16_000) / 16_000
    heights = []
    for hertz in (200, 1000, 4000):
        picture = Spectrogram(64)(torch.sin(2 * torch.pi * hertz * time)[None] * 0.5)[0, 0]
        heights.append(int(picture.mean(dim=1).argmax()))
    assert heights[0] > heights[1] > heights[2]


def test_only_pictures_networks_look_at_spectrograms():
    with pytest.raises(RequestError, match="takes no pictures"):
        open_backbone("spectrogram+wheel:minilm_l6")


def config(family: str):
    import transformers

    heard = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "conv_dim": (8, 8),
        "conv_kernel": (10, 8),
        "conv_stride": (5, 4),
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    }
    return {
        "wav2vec2": lambda: transformers.Wav2Vec2Config(**heard),
        "wav2vec2 with the norm first": lambda: transformers.Wav2Vec2Config(**heard, do_stable_layer_norm=True),
        "hubert": lambda: transformers.HubertConfig(**heard),
        "wavlm": lambda: transformers.WavLMConfig(**heard, num_buckets=16, max_bucket_distance=32),
        "wavlm with the norm first": lambda: transformers.WavLMConfig(
            **heard, num_buckets=16, max_bucket_distance=32, do_stable_layer_norm=True
        ),
        "whisper": small_whisper,
    }[family]()


FAMILIES = [
    "wav2vec2",
    "wav2vec2 with the norm first",
    "hubert",
    "wavlm",
    "wavlm with the norm first",
    "whisper",
]


@pytest.mark.parametrize("family", FAMILIES)
def test_encoders_of_transformers_in_pieces(family, tmp_path):
    from transformers import AutoModel

    torch.manual_seed(0)
    model = AutoModel.from_config(config(family)).eval()
    if family.startswith("wavlm"):  # as large as training makes it: at random it would hardly be noticed
        torch.nn.init.normal_(model.encoder.layers[0].attention.rel_attn_embed.weight, std=3)
        for layer in model.encoder.layers:
            torch.nn.init.normal_(layer.attention.v_proj.weight)
    model.save_pretrained(tmp_path / "model")
    backbone = open_backbone(f"hf:{tmp_path / 'model'}")
    sound = waves(16_000)
    with torch.inference_mode():
        found = backbone.module(sound)
        if family == "whisper":
            from transformers import WhisperFeatureExtractor

            extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=2)  # 200 frames: all that it has room for
            long = waves(32_000)
            long[:, 16_000:] *= 1e-5  # far below what it hears beside the loud half
            inputs = extractor([one.numpy() for one in long], sampling_rate=16_000, return_tensors="pt")
            expected = model.encoder(inputs.input_features).last_hidden_state.mean(dim=1)
            found = backbone.module(long)
        else:
            plain = (sound - sound.mean(dim=1, keepdim=True)) / sound.std(dim=1, keepdim=True, correction=0)
            expected = model(plain).last_hidden_state.mean(dim=1)
    assert torch.allclose(found, expected, atol=2e-4)
    assert [stage.name for stage in backbone.stages] == ["embedding", "layers.0", "layers.1", "pool"]
    again = build_for(backbone.card).module
    again.load_state_dict(backbone.module.state_dict())
    with torch.inference_mode():
        assert torch.allclose(again(sound), backbone.module(sound), atol=1e-6)


def test_a_family_that_nobody_took_apart_is_told(tmp_path):
    from transformers import SEWConfig

    SEWConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2).save_pretrained(tmp_path / "sew")
    with pytest.raises(RequestError, match="Speech encoders that graft takes"):
        open_backbone(f"hf:{tmp_path / 'sew'}")


@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_the_spectrogram_transformer_hears_what_its_own_front_end_hears(tmp_path):
    import transformers
    from transformers.models.audio_spectrogram_transformer import (
        feature_extraction_audio_spectrogram_transformer as own,
    )

    torch.manual_seed(0)
    small = transformers.ASTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, max_length=150
    )
    model = transformers.AutoModel.from_config(small).eval()
    torch.nn.init.normal_(model.embeddings.position_embeddings)
    model.save_pretrained(tmp_path / "model")
    extractor = own.ASTFeatureExtractor(max_length=150, mean=-5.0, std=3.0)
    extractor.save_pretrained(tmp_path / "model")
    backbone = open_backbone(f"hf:{tmp_path / 'model'}")
    for seconds in (1.0, 1.4925):  # shorter than it has room for, and as long
        sound = waves(int(16_000 * seconds)) + 0.05
        inputs = extractor([one.numpy() for one in sound], sampling_rate=16_000, return_tensors="pt").input_values
        with torch.inference_mode():
            np.testing.assert_allclose(backbone.module.front(sound), inputs, atol=1e-3)
            expected = model(inputs).pooler_output
            np.testing.assert_allclose(backbone.module(sound), expected, atol=1e-3)
    assert backbone.card.preprocess.most == 149 * 160 + 400
    assert [stage.name for stage in backbone.stages] == ["embedding", "layers.0", "layers.1", "pool"]
    again = build_for(backbone.card).module
    again.load_state_dict(backbone.module.state_dict())
    with torch.inference_mode():
        assert torch.equal(again(sound), backbone.module(sound))
    with pytest.raises(RequestError, match="frame by frame"):
        frame_by_frame(backbone)

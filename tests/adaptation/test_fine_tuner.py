import numpy as np
import pytest
import torch

from graft.adaptation.context import InitialModel
from graft.adaptation.fine_tuner import interpolated, state_of, with_head
from graft.backbones import Backbone, open_backbone
from graft.backbones.halves import halve
from graft.heads.ridge import LinearHead


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return open_backbone("random:timm:test_efficientnet@64")


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_at_step_0_it_answers_as_the_probe_does(backbone, pictures):
    rng = np.random.default_rng(0)
    probe = LinearHead(rng.normal(size=(backbone.card.width, 4)), rng.normal(size=4))
    halves = halve(backbone, 4)
    activations = halves.prefix.module(pictures).view(3, *halves.shape)
    expected = probe.scores(backbone.module(pictures).numpy()) / 0.7
    said = with_head(halves.suffix, InitialModel(backbone, probe, 0.7))(activations).numpy()
    assert np.abs(said - expected).max() < 1e-4


def test_weights_between_two_trainings(backbone):
    first = state_of(backbone.module)
    last = {name: value + 1 if value.is_floating_point() else value for name, value in first.items()}
    assert all(torch.equal(value, first[name]) for name, value in interpolated(first, last, 0).items())
    assert all(torch.equal(value, last[name]) for name, value in interpolated(first, last, 1).items())
    half = interpolated(first, last, 0.5)
    assert torch.allclose(half["conv_stem.weight"], first["conv_stem.weight"] + 0.5)

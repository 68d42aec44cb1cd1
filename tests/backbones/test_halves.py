import pytest
import torch

from graft.backbones import Backbone, open_backbone
from graft.backbones.halves import halve
from graft.errors import RequestError


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return open_backbone("random:timm:test_efficientnet@64")


@torch.no_grad()
@pytest.mark.parametrize("before", range(1, 7))
def test_both_halves_in_a_row_are_the_whole_network(backbone, before):
    pictures = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    halves = halve(backbone, before)
    activations = halves.prefix.module(pictures)
    assert activations.shape == (3, halves.prefix.card.width)
    assert (halves.suffix(activations.view(3, *halves.shape)) - backbone.module(pictures)).abs().max() < 1e-4


def test_training_the_suffix_changes_the_copy_and_never_the_backbone(backbone):
    before = {name: value.clone() for name, value in backbone.module.state_dict().items()}
    halves = halve(backbone, 4)
    with torch.no_grad():
        for parameter in halves.suffix.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in backbone.module.state_dict().items())
    changed = [name for name, value in halves.trunk.state_dict().items() if not torch.equal(value, before[name])]
    assert changed
    assert not any(name.startswith("conv_stem") for name in changed)


def test_prefixes_at_different_cuts_have_different_fingerprints(backbone):
    prints = {halve(backbone, before).prefix.fingerprint for before in (1, 2, 3)} | {backbone.fingerprint}
    assert len(prints) == 4


def test_a_cut_that_is_not_there_names_the_stages(backbone):
    with pytest.raises(RequestError, match="cannot be cut before stage 99: it has 7 .stem, blocks.0"):
        halve(backbone, 99)

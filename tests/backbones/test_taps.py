import torch

from graft.backbones import open_backbone
from graft.backbones.from_checkpoint import build_for
from graft.backbones.taps import tap


@torch.no_grad()
def test_taps_are_the_means_of_each_stage_and_end_with_the_features():
    backbone = open_backbone("random:timm:test_efficientnet@64")
    taps = tap(backbone)
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = taps.backbone.module(pictures)
    assert seen.shape == (2, taps.backbone.card.width)
    assert taps.names == tuple(stage.name for stage in backbone.stages)
    assert torch.allclose(seen[:, taps.slices[-1]], backbone.module(pictures), atol=1e-5)
    stem = backbone.stages[0].module(pictures).mean(dim=(2, 3))
    assert torch.allclose(seen[:, taps.slices[0]], stem, atol=1e-5)


@torch.no_grad()
def test_tokens_are_pooled_too():
    backbone = open_backbone("random:timm:test_vit")
    taps = tap(backbone)
    side = backbone.card.preprocess.crop
    assert taps.backbone.module(torch.zeros(1, 3, side, side)).shape == (1, taps.backbone.card.width)


def test_the_architecture_says_how_to_build_it_again():
    taps = tap(open_backbone("random:timm:test_efficientnet@64"))
    loaded = build_for(taps.backbone.card)
    assert taps.backbone.card.architecture == "taps+timm:test_efficientnet"
    assert loaded.module.state_dict().keys() == taps.backbone.module.state_dict().keys()


def test_a_network_of_one_stage_has_no_taps():
    assert tap(open_backbone("random:timm:regnetx_002")) is None

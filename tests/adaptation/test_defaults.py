import pytest

from graft.adaptation.defaults import default_cut, family_of, full_plan, partial_plan
from graft.backbones import open_backbone


@pytest.mark.parametrize(
    ("architecture", "family", "stage"),
    [
        ("timm:tf_efficientnet_lite0", "mobile", "blocks.4"),
        ("torchvision:resnet18", "residual", "layer4"),
        ("timm:test_vit", "transformer", "blocks.4"),
        ("timm:test_convnext", "convnext", "stages.3"),
        ("timm:regnetx_002", "other", None),
    ],
)
def test_each_family_has_its_cut_and_its_settings(architecture, family, stage):
    backbone = open_backbone(f"random:{architecture}")
    before = default_cut(backbone)
    assert family_of(backbone) == family
    assert (backbone.stages[before].name if before else None) == stage
    for plan in (partial_plan(backbone), full_plan(backbone)):
        plan.check()
        assert plan.optimiser == ("sgd" if family == "residual" and plan.stage_decay < 1 else "adamw")

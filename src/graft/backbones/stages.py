"""Cutting a network into stages, by the names its family gives to its pieces; every cut is checked by running it."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from graft.backbones.measure import example_input
from graft.backbones.stage import Stage
from graft.records import Card

TOLERANCE = 1e-4  # largest difference allowed between the stages in a row and the whole network


class Pooled(nn.Module):
    """What a network does after its last block, up to the features: its own pooling and final normalisation."""

    def __init__(self, modules: Iterable[nn.Module], pool: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.pieces = nn.ModuleList(modules)  # holds the parameters that `pool` uses
        self.pool = pool

    def forward(self, activations: Tensor) -> Tensor:
        return self.pool(activations)


class Embedded(nn.Module):
    """How a vision transformer turns a picture into tokens: patches, class token, positions."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.patch_embed = transformer.patch_embed
        self.norm_pre = transformer.norm_pre
        self._embed: Callable[[Tensor], Tensor] = transformer._pos_embed
        self.positions = nn.ParameterList(
            parameter
            for name in ("cls_token", "pos_embed", "reg_token")
            if (parameter := getattr(transformer, name, None)) is not None
        )

    def forward(self, pictures: Tensor) -> Tensor:
        return self.norm_pre(self._embed(self.patch_embed(pictures)))


def cut(module: nn.Module, card: Card) -> tuple[Stage, ...]:
    """The stages of a network in forward order; one stage where its family is unknown or the check fails."""
    whole = (Stage("whole", module),)
    try:
        stages = next((found for family in FAMILIES if (found := family(module))), None)
        return stages if stages and agrees(stages, module, card) else whole
    except (AttributeError, RuntimeError, TypeError):  # a relative of a family that is built differently
        return whole


@torch.no_grad()
def agrees(stages: tuple[Stage, ...], module: nn.Module, card: Card) -> bool:
    """Whether the stages in a row compute what the whole network computes, on one sample of noise."""
    inputs = example_input(card.modality, card.preprocess)
    activations = inputs
    for stage in stages:
        activations = stage.module(activations)
        if not isinstance(activations, Tensor):
            return False
    expected = module(inputs)
    return expected.shape == activations.shape and bool((expected - activations).abs().max() < TOLERANCE)


def _mobile(module: Any) -> tuple[Stage, ...] | None:
    """EfficientNet and MobileNet of timm: stem, block groups, head."""
    if not all(hasattr(module, name) for name in ("conv_stem", "bn1", "blocks", "conv_head", "forward_head")):
        return None
    blocks = [Stage(f"blocks.{number}", block) for number, block in enumerate(module.blocks)]
    stem = Stage("stem", nn.Sequential(module.conv_stem, module.bn1))
    if hasattr(module, "bn2"):
        head = [module.conv_head, module.bn2, module.global_pool]
    else:
        head = [
            module.global_pool,
            module.conv_head,
            getattr(module, "norm_head", nn.Identity()),
            module.act2,
            module.flatten,
        ]
    return (stem, *blocks, Stage("head", nn.Sequential(*head)))


def _residual(module: Any) -> tuple[Stage, ...] | None:
    """ResNet of timm and of torchvision: stem, four layers, pooling."""
    if not all(hasattr(module, name) for name in ("conv1", "bn1", "layer1", "layer4", "maxpool")):
        return None
    activation = module.act1 if hasattr(module, "act1") else module.relu
    stem = nn.Sequential(module.conv1, module.bn1, activation, module.maxpool)
    layers = [Stage(f"layer{number}", getattr(module, f"layer{number}")) for number in range(1, 5)]
    pool = module.global_pool if hasattr(module, "global_pool") else nn.Sequential(module.avgpool, nn.Flatten(1))
    return (Stage("stem", stem), *layers, Stage("pool", pool))


def _transformer(module: Any) -> tuple[Stage, ...] | None:
    """Vision transformers of timm: embedding, blocks, normalisation and pooling."""
    if not all(hasattr(module, name) for name in ("patch_embed", "_pos_embed", "blocks", "norm", "forward_head")):
        return None
    blocks = [Stage(f"blocks.{number}", block) for number, block in enumerate(module.blocks)]
    norm, head = module.norm, module.forward_head
    pool = Pooled([norm, module.fc_norm], lambda tokens: head(norm(tokens), pre_logits=True))
    return (Stage("embedding", Embedded(module)), *blocks, Stage("pool", pool))


def _convnext(module: Any) -> tuple[Stage, ...] | None:
    """ConvNeXt of timm: stem, four stages, pooling."""
    if not all(hasattr(module, name) for name in ("stem", "stages", "norm_pre", "forward_head")):
        return None
    stages = [Stage(f"stages.{number}", stage) for number, stage in enumerate(module.stages)]
    norm, head = module.norm_pre, module.forward_head
    pool = Pooled([norm, module.head], lambda activations: head(norm(activations), pre_logits=True))
    return (Stage("stem", module.stem), *stages, Stage("pool", pool))


def _sequential_features(module: Any) -> tuple[Stage, ...] | None:
    """Torchvision's EfficientNet, MobileNet, ConvNeXt, VGG: a list of features, pooling, a cut-off classifier."""
    if not all(hasattr(module, name) for name in ("features", "avgpool", "classifier")):
        return None
    if not isinstance(module.features, nn.Sequential) or not isinstance(module.classifier, nn.Sequential):
        return None
    features = [Stage(f"features.{number}", piece) for number, piece in enumerate(module.features)]
    after = [module.avgpool, module.classifier]
    keeps_shape = type(module).__name__ == "ConvNeXt"  # its classifier normalises before it flattens
    pool = nn.Sequential(*after) if keeps_shape else nn.Sequential(after[0], nn.Flatten(1), after[1])
    return (*features, Stage("pool", pool))


def _in_pieces(module: Any) -> tuple[Stage, ...] | None:
    """Networks that graft builds itself and that name their own pieces: encoders of texts and of speech."""
    pieces = getattr(module, "pieces", None)
    return None if pieces is None else tuple(Stage(name, piece) for name, piece in pieces)


def _sounding(module: Any) -> tuple[Stage, ...] | None:
    """A picture network behind a spectrogram: the spectrogram, then the stages of the network."""
    if not all(hasattr(module, name) for name in ("front", "network")):
        return None
    inside = next((found for family in FAMILIES if (found := family(module.network))), None)
    return None if inside is None else (Stage("spectrogram", module.front), *inside)


FAMILIES: tuple[Callable[[Any], tuple[Stage, ...] | None], ...] = (
    _in_pieces,
    _sounding,
    _mobile,
    _residual,
    _transformer,
    _convnext,
    _sequential_features,
)

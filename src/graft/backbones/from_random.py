"""A network with random weights: where pretraining begins, and what transfer is measured against."""

from dataclasses import replace

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.from_checkpoint import build
from graft.backbones.licence import NONE_NEEDED
from graft.errors import RequestError
from graft.records import MOST_SIDE, Card, ImagePreprocess

SYNTAX = "random:ARCHITECTURE or random:ARCHITECTURE@SIDE, for example random:timm:resnet18@64"


def open_random(name: str, seed: int = 0) -> Backbone:
    """An untrained network of `timm:NAME` or `torchvision:NAME`, for pictures of `@SIDE` pixels or its own size.

    Raises `RequestError` for an unknown architecture, or a size it cannot take.
    """
    architecture, at, side = name.partition("@")
    if at and not (side.isascii() and side.isdigit() and 8 <= int(side[:9]) <= MOST_SIDE):
        raise RequestError(
            f"{side!r} is no side of a picture in pixels. Expected {SYNTAX}, with 8 to {MOST_SIDE} pixels."
        )
    loaded, card = _seeded(architecture, seed)
    card = _untrained(card, f"random:{name}")
    if at:
        assert isinstance(card.preprocess, ImagePreprocess)
        preprocess = replace(card.preprocess, resize=int(side), crop=int(side))
        card = replace(card, preprocess=preprocess, macs=_macs(loaded, architecture, int(side)))
    return Backbone(card, lambda: loaded)


def random_like(backbone: Backbone, seed: int) -> Backbone:
    """The same network with random weights: what its pretraining is measured against."""
    import torch

    from graft.backbones.from_checkpoint import build_for

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loaded = build_for(backbone.card)
    return Backbone(_untrained(backbone.card, f"random:{backbone.card.id}"), lambda: loaded)


def _untrained(card: Card, identity: str) -> Card:
    return replace(
        card,
        id=identity,
        licence=NONE_NEEDED,
        source="nothing: random weights",
        licence_source="drawn at random by graft",
        licence_note="",
    )


def _seeded(architecture: str, seed: int) -> tuple[Loaded, Card]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(architecture)


def _macs(loaded: Loaded, architecture: str, side: int) -> int:
    """What one picture of this size costs; raises `RequestError` where the network cannot take it."""
    import torch

    from graft.backbones.measure import macs_of

    try:
        return macs_of(loaded.module, torch.zeros(1, 3, side, side))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise RequestError(f"{architecture} cannot take pictures of {side} pixels: {error}") from error

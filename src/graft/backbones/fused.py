"""Two networks side by side for pictures with a text each: late fusion, each looking at its own part."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.licence import both
from graft.errors import RequestError
from graft.records import Card, PairPreprocess

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRED = "pair:"  # before the JSON that both networks can be built from again
PARTS = ("image", "text")


class Fused(nn.Module):
    """Holds both networks; each runs by itself, so that the fast engine can take them."""

    def __init__(self, image: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.image, self.text = image, text

    def forward(self, pictures: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.image(pictures), self.text(tokens)


def fuse(identity: str, image: Backbone, text: Backbone) -> Backbone:
    """One backbone of two: the first for pictures and the second for texts, or both for sounds.

    Raises `RequestError` for other kinds.
    """
    kinds = (image.card.modality, text.card.modality)
    if kinds == ("audio", "audio"):
        from graft.backbones.side_by_side import hear_together

        return hear_together(identity, image, text)
    if kinds != PARTS:
        raise RequestError(
            f"{identity} is a network for {kinds[0]} and one for {kinds[1]}. Expected one for image, then one for "
            "text, or two for audio."
        )
    described = [
        {"id": one.card.id, "architecture": one.card.architecture, "width": one.card.width} for one in (image, text)
    ]
    licence = both(image.card, text.card)
    card = Card(
        id=identity,
        architecture=PAIRED + json.dumps(described, sort_keys=True),
        modality="pair",
        licence=licence.name,
        source=f"{image.card.source}; {text.card.source}",
        parameters=image.card.parameters + text.card.parameters,
        macs=image.card.macs + text.card.macs,
        width=image.card.width + text.card.width,
        preprocess=PairPreprocess(image.card.preprocess, text.card.preprocess),  # type: ignore[arg-type]
        licence_source=licence.source,
        licence_note=licence.note,
    )
    return Backbone(card, lambda: Loaded(Fused(image.module, text.module).eval()))


def build_fused(card: Card, build: "Callable[[Card], Loaded]") -> Loaded:
    """Both networks with random weights."""
    image, text = (build(part).module for part in cards_of(card))
    return Loaded(Fused(image, text).eval())


def cards_of(card: Card) -> tuple[Card, Card]:
    """The cards of both networks; what counts both together stays with the first."""
    assert isinstance(card.preprocess, PairPreprocess)
    described = json.loads(card.architecture.removeprefix(PAIRED))
    preprocesses: tuple[Any, Any] = (card.preprocess.image, card.preprocess.text)
    image, text = (
        replace(card, modality=kind, preprocess=preprocess, **own)
        for kind, preprocess, own in zip(PARTS, preprocesses, described, strict=True)
    )
    return image, text


def parts_of(backbone: Backbone) -> tuple[Backbone, Backbone]:
    """Both networks as backbones of their own, which share its weights."""
    image, text = cards_of(backbone.card)
    return (
        Backbone(image, lambda: Loaded(backbone.module.image)),  # type: ignore[arg-type]
        Backbone(text, lambda: Loaded(backbone.module.text)),  # type: ignore[arg-type]
    )

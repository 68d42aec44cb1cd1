"""Two networks that hear the same recording: what one misses, the other may have noticed."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.licence import both
from graft.errors import RequestError
from graft.records import AudioPreprocess, Card

if TYPE_CHECKING:
    from collections.abc import Callable

BESIDE = "side-by-side:"  # before the JSON that both networks can be built from again


class SideBySide(nn.Module):
    """(batch, samples), full volume 1 -> (batch, both widths): the features of each, brought to length 1."""

    def __init__(self, first: nn.Module, second: nn.Module, scales: tuple[float, float]) -> None:
        super().__init__()
        self.first, self.second, self.scales = first, second, scales

    def forward(self, waves: Tensor) -> Tensor:
        heard = [part(waves * scale) for part, scale in zip((self.first, self.second), self.scales, strict=True)]
        return torch.cat([nn.functional.normalize(one, dim=1) for one in heard], dim=1)


def hear_together(identity: str, first: Backbone, second: Backbone) -> Backbone:
    """One backbone of two that hear; raises `RequestError` where they want other rates or lengths."""
    one, other = first.card.preprocess, second.card.preprocess
    assert isinstance(one, AudioPreprocess)
    assert isinstance(other, AudioPreprocess)
    least, most = max(one.least, other.least), min(one.most, other.most)
    if one.rate != other.rate or least > most:
        raise RequestError(
            f"{first.card.id} hears {one.least:,} to {one.most:,} samples at {one.rate:,} Hz and {second.card.id} "
            f"{other.least:,} to {other.most:,} at {other.rate:,} Hz. Two networks side by side must hear the same."
        )
    described = [
        {"architecture": part.card.architecture, "scale": heard.scale}
        for part, heard in ((first, one), (second, other))
    ]
    samples = min(most, max(one.samples, other.samples))
    licence = both(first.card, second.card)
    card = Card(
        id=identity,
        architecture=BESIDE + json.dumps(described, sort_keys=True, separators=(",", ":")),
        modality="audio",
        licence=licence.name,
        source=f"{first.card.source}; {second.card.source}",
        parameters=first.card.parameters + second.card.parameters,
        macs=first.card.macs + second.card.macs,
        width=first.card.width + second.card.width,
        preprocess=replace(one, samples=samples, least=least, most=most, scale=1.0),
        licence_source=licence.source,
        licence_note=licence.note,
    )
    scales = (one.scale, other.scale)
    return Backbone(card, lambda: Loaded(SideBySide(first.module, second.module, scales).eval()))


def build_side_by_side(architecture: str, build: "Callable[[str], Loaded]") -> SideBySide:
    """Both networks with random weights, from the architecture of their card."""
    one, other = json.loads(architecture.removeprefix(BESIDE))
    first, second = (build(part["architecture"]).module for part in (one, other))
    return SideBySide(first, second, (one["scale"], other["scale"])).eval()

"""A network that also tells what its earlier stages see: their activations, pooled, before its own features."""

import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.measure import example_input
from graft.backbones.stages import cut
from graft.records import Card

TAPS = "taps+"  # before the name of an architecture: the same network with taps


class Tapped(nn.Module):
    """Inputs of the network -> (batch, width): a mean over places of each stage's output, then the features."""

    def __init__(self, trunk: nn.Module, card: Card) -> None:
        super().__init__()
        self.trunk = trunk
        self._stages = [stage.module for stage in cut(trunk, card)]  # a list, because the trunk holds the weights

    def forward(self, inputs: Tensor) -> Tensor:
        activations, pooled = inputs, []
        for stage in self._stages:
            activations = stage(activations)
            pooled.append(_pooled(activations))
        return torch.cat(pooled, dim=1)


@dataclass(frozen=True)
class Taps:
    """The tapped network as a backbone of its own, and which of its features belong to which stage."""

    backbone: Backbone
    names: tuple[str, ...]
    slices: tuple[slice, ...]


def tap(backbone: Backbone) -> Taps | None:
    """The network with taps; None for one that cannot be cut."""
    if len(backbone.stages) == 1:
        return None
    activations, ends = example_input(backbone.card.modality, backbone.card.preprocess), [0]
    with torch.inference_mode():
        for stage in backbone.stages:
            activations = stage.module(activations)
            ends.append(ends[-1] + _pooled(activations).shape[1])
    name = f"{backbone.card.id} with taps"
    card = replace(backbone.card, id=name, architecture=TAPS + backbone.card.architecture, width=ends[-1])

    def load() -> Loaded:
        return Loaded(Tapped(copy.deepcopy(backbone.module), backbone.card))

    slices = tuple(slice(start, end) for start, end in pairwise(ends))
    return Taps(Backbone(card, load), tuple(stage.name for stage in backbone.stages), slices)


def _pooled(activations: Any) -> Tensor:
    """Pictures lose their places, tokens their number; what is a vector already stays."""
    if activations.ndim == 4:
        pooled: Tensor = activations.mean(dim=(2, 3))
        return pooled
    return activations.mean(dim=1) if activations.ndim == 3 else activations

"""A network cut in two: what comes before the cut can be frozen and run once, what comes after can be trained."""

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graft.backbones.backbone import Backbone, Loaded, hash_of_weights
from graft.errors import RequestError
from graft.records import Preprocess

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Halves:
    """The prefix as a backbone of its own, whose features are the activations at the cut, flattened.

    `trunk` is a copy of the whole network and `suffix` the part of it after the cut, so training the suffix changes
    the trunk's copy and never the backbone.
    """

    prefix: Backbone
    suffix: "nn.Module"  # (batch, *shape) -> (batch, width)
    trunk: "nn.Module"
    shape: tuple[int, ...]  # of one sample's activations


def halve(backbone: Backbone, before: int, largest: Preprocess | None = None) -> Halves:
    """Cut before the stage of this number; raises `RequestError` where the network has no such stage.

    Where samples differ in shape, `largest` gives all of them the largest: the activations of the others are filled up
    with zeros, which no later stage looks at.
    """
    import torch
    from torch import nn

    from graft.backbones.measure import example_input
    from graft.backbones.stages import cut

    names = [stage.name for stage in backbone.stages]
    if not 0 < before < len(names):
        raise RequestError(
            f"{backbone.card.id} cannot be cut before stage {before}: it has {len(names)} ({', '.join(names)}). "
            "A cut needs a stage on either side; a network of one stage can only be trained whole."
        )
    trunk = copy.deepcopy(backbone.module)
    after = nn.Sequential(*(stage.module for stage in cut(trunk, backbone.card)[before:]))
    stem = nn.Sequential(*(stage.module for stage in backbone.stages[:before])).eval()
    with torch.no_grad():
        example = example_input(backbone.card.modality, largest or backbone.card.preprocess)
        shape = tuple(stem(example).shape[1:])
    prefix = Backbone(
        card=replace(
            backbone.card,
            id=f"{backbone.card.id} before {names[before]}",
            parameters=sum(parameter.numel() for parameter in stem.parameters()),
            width=int(torch.Size(shape).numel()),
        ),
        load=lambda: Loaded(nn.Sequential(stem, nn.Flatten(1))),
        known_weights=f"{hash_of_weights(stem.state_dict())} before stage {before}, {shape}",
    )
    return Halves(prefix, after.eval(), trunk.eval(), shape)

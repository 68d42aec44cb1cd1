"""A network that is trained whole: a copy of it, and that copy's stages in a row."""

import copy
from typing import TYPE_CHECKING

from graft.backbones import Backbone

if TYPE_CHECKING:
    from torch import nn


def stages_of(backbone: Backbone) -> "tuple[nn.Sequential, nn.Module]":
    """The stages of a copy of the network in a row, and that copy, whose weights they share."""
    from torch import nn

    from graft.backbones.stages import cut

    trunk = copy.deepcopy(backbone.module)
    return nn.Sequential(*(stage.module for stage in cut(trunk, backbone.card))), trunk

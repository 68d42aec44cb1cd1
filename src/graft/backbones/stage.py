"""The Stage record: a piece of a network that can be run, frozen or trained by itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Stage:
    """A piece of the network with a single tensor entering and a single tensor leaving it."""

    name: str
    module: "nn.Module"

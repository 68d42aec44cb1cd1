"""The Backbone record: a pretrained network as an ordered list of stages, with its card."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones.stage import Stage
from graft.records import Card

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Loaded:
    """A network in memory: `module` maps what its entry gives to pooled features, `source_head` to its old classes."""

    module: "nn.Module"  # (batch, ...) -> (batch, width)
    source_head: "nn.Linear | None" = None


@dataclass(frozen=True)
class Backbone:
    """A pretrained network. Opening it is cheap; the network is loaded when first asked for.

    `known_weights` is a hash of the weights where it is known without loading them (a pinned file, a saved run).
    """

    card: Card
    load: Callable[[], Loaded]
    known_weights: str | None = None

    @cached_property
    def loaded(self) -> Loaded:
        loaded = self.load()
        loaded.module.eval()
        return loaded

    @property
    def module(self) -> "nn.Module":
        return self.loaded.module

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The network in forward order; a network that cannot be cut is one stage."""
        from graft.backbones.stages import cut

        return cut(self.module, self.card)

    @cached_property
    def weights(self) -> str:
        """A hash of the weights."""
        return self.known_weights or hash_of_weights(self.module.state_dict())

    @cached_property
    def fingerprint(self) -> str:
        """A hash of weights, architecture and preprocessing: what the features depend on besides the data."""
        text = "\n".join([self.weights, self.card.architecture, repr(self.card.preprocess)])
        return hashlib.sha256(text.encode()).hexdigest()


def hash_of_weights(weights: "Mapping[str, torch.Tensor] | Mapping[str, NDArray[Any]]") -> str:
    """The SHA-256 over names, types, shapes and values of a state dict, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value: Any = weights[name]
        array = value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()

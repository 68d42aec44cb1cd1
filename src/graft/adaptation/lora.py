"""Low-rank additions to weights, as parametrizations that torch itself can merge (Hu et al. 2021)."""

from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class LowRank(nn.Module):
    """W -> W + (alpha / rank) B A, for W of shape (out, in) or (out, in, 1, 1); B starts at zero."""

    def __init__(self, weight: Tensor, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        out, width = weight.shape[:2]
        rank = min(rank, out, width)
        self.down = nn.Parameter(torch.randn(rank, width, generator=generator) / width**0.5)
        self.up = nn.Parameter(torch.zeros(out, rank))
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.scale * (self.up @ self.down).view_as(weight)


def add_lora(module: nn.Module, rank: int, alpha: float, seed: int) -> None:
    """Freeze a module and add trainable low-rank parts to its linear layers and 1x1 convolutions.

    Raises `ValueError` where it has none. A layer already of lower rank than asked for gets its own rank.
    """
    generator = torch.Generator().manual_seed(seed)
    module.requires_grad_(False)
    layers = [piece for piece in module.modules() if _takes_low_rank(piece)]
    if not layers:
        raise ValueError("no linear layer and no 1x1 convolution to add to")
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank, alpha, generator))


def merge_lora(module: nn.Module) -> None:
    """Write the low-rank parts into the weights: the module has its own names and shapes again."""
    for piece in [*module.modules()]:
        if parametrize.is_parametrized(piece, "weight"):
            parametrize.remove_parametrizations(piece, "weight", leave_parametrized=True)
    module.requires_grad_(True)


def _takes_low_rank(piece: nn.Module) -> TypeGuard[nn.Linear | nn.Conv2d]:
    if isinstance(piece, nn.Linear):
        return True
    return isinstance(piece, nn.Conv2d) and piece.groups == 1 and set(piece.kernel_size) == {1}

"""The cost of a network, counted rather than looked up."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters_of(module: nn.Module) -> int:
    """The number of trainable values of a network."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def macs_of(module: nn.Module, side: int) -> int:
    """Multiply-accumulates for one picture of `side` x `side` pixels, counted while it runs."""
    with FlopCounterMode(display=False) as counter:
        module.eval()(torch.zeros(1, 3, side, side))
    return counter.get_total_flops() // 2

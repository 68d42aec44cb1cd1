"""The cost of a network, counted rather than looked up."""

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from graft.modalities.table import modality_of
from graft.records import Preprocess


def parameters_of(module: nn.Module) -> int:
    """The number of trainable values of a network."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def macs_of(module: nn.Module, inputs: Tensor) -> int:
    """Multiply-accumulates for one sample, counted while it runs."""
    with FlopCounterMode(display=False) as counter:
        module.eval()(inputs)
    return counter.get_total_flops() // 2


@torch.no_grad()
def example_input(modality: str, preprocess: Preprocess) -> Tensor:
    """A sample of noise as the network takes it, in a batch of its own; the same every time."""
    kind = modality_of(modality)
    inputs: Tensor = kind.entry(preprocess)(torch.from_numpy(kind.example(preprocess)[None]))
    return inputs

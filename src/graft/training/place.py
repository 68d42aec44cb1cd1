"""Where training runs, and in which precision: a small object instead of branches in the loop."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Place:
    """A device with the precision it computes in; weights stay in fp32.

    `compiled` steps go through torch.compile, which needs a C++ compiler and up to a minute to begin with: it pays in
    long trainings only, and on the CPU not in those of a fit.
    """

    device: str = "cpu"
    bf16: bool = False
    compiled: bool = False

    @classmethod
    def best(cls, compiled: bool = False) -> "Place":
        """CUDA, then MPS, then the CPU; bf16 where the device computes in it."""
        import torch

        if torch.cuda.is_available():
            return cls("cuda", torch.cuda.is_bf16_supported(), compiled)
        if torch.backends.mps.is_available():
            return cls("mps", compiled=compiled)
        return cls("cpu", bool(torch.cpu._is_avx512_bf16_supported()), compiled)

    def hold(self, module: "nn.Module") -> "nn.Module":
        """Move a module here, channels last."""
        import torch

        moved: Any = module.to(self.device)
        return moved.to(memory_format=torch.channels_last)

    def forward_of(self, module: "nn.Module") -> "Callable[[torch.Tensor], torch.Tensor]":
        """How a module is called in a training step."""
        import torch

        return torch.compile(module) if self.compiled else module

    def bring(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """Move a batch here, channels last where it has channels."""
        import torch

        kept = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
        return tensor.to(self.device, memory_format=kept)

    @contextmanager
    def chance(self, seed: int, step: int) -> Iterator[None]:
        """What networks draw by themselves, such as dropout, follows from the seed and the step alone."""
        import torch

        with torch.random.fork_rng([torch.cuda.current_device()] if self.device == "cuda" else []):
            torch.manual_seed(seed * 1_000_003 + step)
            yield

    def precision(self) -> AbstractContextManager[Any]:
        """The autocast region of a forward pass."""
        import torch

        return torch.autocast(self.device, torch.bfloat16) if self.bf16 else nullcontext()

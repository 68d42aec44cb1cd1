"""Where training runs, and in which precision: a small object instead of branches in the loop."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Place:
    """A device with the precision it computes in; weights stay in fp32."""

    device: str = "cpu"
    bf16: bool = False

    @classmethod
    def best(cls) -> "Place":
        """CUDA, then MPS, then the CPU; bf16 where the device computes in it."""
        import torch

        if torch.cuda.is_available():
            return cls("cuda", torch.cuda.is_bf16_supported())
        if torch.backends.mps.is_available():
            return cls("mps")
        return cls("cpu", bool(torch.cpu._is_avx512_bf16_supported()))

    def hold(self, module: "nn.Module") -> "nn.Module":
        """Move a module here, channels last."""
        import torch

        moved: Any = module.to(self.device)
        return moved.to(memory_format=torch.channels_last)

    def bring(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """Move a batch here, channels last where it has channels."""
        import torch

        kept = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
        return tensor.to(self.device, memory_format=kept)

    def precision(self) -> AbstractContextManager[Any]:
        """The autocast region of a forward pass."""
        import torch

        return torch.autocast(self.device, torch.bfloat16) if self.bf16 else nullcontext()

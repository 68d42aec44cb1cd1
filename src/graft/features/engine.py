"""Running a frozen network fast, and knowing that it still computes the same."""

import copy
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.records import Preprocess

if TYPE_CHECKING:
    import torch
    from torch import nn

Wanted = Literal["fast", "exact"]
FAST_COSINE = 0.999  # mean cosine to the fp32 torch features that a reduced precision must reach
EXACT_COSINE = 0.99999


class Engine(Protocol):
    """Computes features of prepared pictures. `run` may be called from many threads at once."""

    name: str  # names device and precision; part of the cache key
    batch_size: int
    workers: int  # threads that keep it busy when each also decodes

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of up to `batch_size` pictures: (batch, crop, crop, 3) -> (batch, width)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cosine between an engine's features and those of fp32 torch on the same pictures."""

    mean: float
    least: float

    @classmethod
    def between(cls, features: NDArray[np.float32], reference: NDArray[np.float32]) -> "Agreement":
        norms = np.linalg.norm(features, axis=1) * np.linalg.norm(reference, axis=1)
        cosine = (features * reference).sum(axis=1) / np.maximum(norms, 1e-12)
        return cls(float(cosine.mean()), float(cosine.min()))


class TorchEngine:
    """PyTorch on the GPU where there is one, else on the processor."""

    def __init__(self, backbone: Backbone) -> None:
        import torch

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.name = f"torch-{self.device.type}-fp32"
        self.batch_size = 64 if self.device.type == "cuda" else 16
        self.workers = 4
        module = normalised(copy.deepcopy(backbone.module), backbone.card.preprocess)  # moving it must not move theirs
        self._module = module.to(self.device).to(memory_format=torch.channels_last).eval()
        self._one_at_a_time = threading.Lock()

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        exactly = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with self._one_at_a_time, torch.inference_mode(), exactly:
            pictures = torch.from_numpy(np.ascontiguousarray(batch)).to(self.device)
            features: NDArray[np.float32] = self._module(pictures).float().cpu().numpy()
        return features


def normalised(module: "nn.Module", preprocess: Preprocess) -> "nn.Module":
    """The network with its normalisation in front, so that it takes pictures as they are decoded."""
    import torch
    from torch import nn

    class Normalised(nn.Module):
        """(batch, crop, crop, 3) uint8 -> (batch, width) float32."""

        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.trunk = module
            self.register_buffer("mean", torch.tensor(preprocess.mean).view(1, 3, 1, 1) * 255)
            self.register_buffer("std", torch.tensor(preprocess.std).view(1, 3, 1, 1) * 255)

        def forward(self, pictures: "torch.Tensor") -> Any:
            return self.trunk((pictures.permute(0, 3, 1, 2).float() - self.mean) / self.std)

    return Normalised().eval()


def torch_features(backbone: Backbone, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The reference: fp32 features by eager torch, (samples, width)."""
    import torch

    with torch.inference_mode():
        module = normalised(backbone.module, backbone.card.preprocess)
        features: NDArray[np.float32] = module(torch.from_numpy(np.ascontiguousarray(pictures))).numpy()
    return features

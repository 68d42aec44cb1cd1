"""Running a frozen network fast, and knowing that it still computes the same."""

import copy
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone, Loaded
from graft.modalities.modality import Prepared
from graft.modalities.table import modality_of

if TYPE_CHECKING:
    from torch import nn

Wanted = Literal["fast", "exact"]
FAST_COSINE = 0.999  # mean cosine to the fp32 torch features that a reduced precision must reach
EXACT_COSINE = 0.99999


class Engine(Protocol):
    """Computes features of prepared samples. `run` may be called from many threads at once."""

    name: str  # names device and precision; part of the cache key
    batch_size: int
    workers: int  # threads that keep it busy when each also decodes

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        """Features of up to `batch_size` samples of one shape: (batch, *shape) -> (batch, width)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cosine between an engine's features and those of fp32 torch on the same samples."""

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
        own = copy.deepcopy(backbone.module)  # moving it must not move theirs
        module = entered(replace(backbone, load=lambda: Loaded(own)))
        self._module = module.to(self.device).to(memory_format=torch.channels_last).eval()
        self._one_at_a_time = threading.Lock()

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        import torch

        exactly = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        with self._one_at_a_time, torch.inference_mode(), exactly:
            samples = torch.from_numpy(np.array(batch)).to(self.device)
            features: NDArray[np.float32] = self._module(samples).float().cpu().numpy()
        return features


def entered(backbone: Backbone) -> "nn.Module":
    """The network with its entry in front, so that it takes samples as they are prepared."""
    from torch import nn

    card = backbone.card
    return nn.Sequential(modality_of(card.modality).entry(card.preprocess), backbone.module).eval()


def torch_features(backbone: Backbone, samples: Sequence[Prepared]) -> NDArray[np.float32]:
    """The reference: fp32 features by eager torch, (samples, width), each sample by itself."""
    import torch

    module = entered(backbone)
    with torch.inference_mode():
        rows = [module(torch.from_numpy(np.array(sample[None]))).numpy() for sample in samples]
    return below_each_other(rows, backbone.card.width)


def below_each_other(batches: Sequence[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
    """Rows of batches, those of smaller samples filled up with zeros: (samples, width)."""
    features = np.zeros((sum(len(one) for one in batches), width), np.float32)
    at = 0
    for one in batches:
        features[at : at + len(one), : one.shape[1]] = one
        at += len(one)
    return features


def in_batches(samples: Sequence[Prepared], size: int) -> Iterator[tuple[NDArray[np.intp], Prepared]]:
    """Samples of one shape stacked, `size` of them at most, with their numbers: nothing is ever filled up."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for number, sample in enumerate(samples):
        by_shape.setdefault(sample.shape, []).append(number)
    for numbers in by_shape.values():
        for at in range(0, len(numbers), size):
            part = numbers[at : at + size]
            yield np.array(part, np.intp), np.stack([samples[number] for number in part])

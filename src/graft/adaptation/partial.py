"""Rung 2: the last stages trained on cached activations, beginning at the probe, so it starts where rung 1 ended."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graft.backbones.halves import Halves
from graft.ranking.ridge import LinearHead
from graft.training.loop import Limits, Plan, Trained, train

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

BATCH = 64


@dataclass(frozen=True)
class CachedBatches:
    """Random samples in random views, drawn from activations that lie memory-mapped on disk.

    Each epoch visits every sample once, in one of its views; batch and view follow from seed and step alone.
    """

    views: tuple[NDArray[np.float16], ...]  # (samples, flattened activations) each
    labels: NDArray[np.int32]
    rows: NDArray[np.intp]  # of views and labels: those that are trained on
    shape: tuple[int, ...]
    seed: int
    size: int = BATCH

    @property
    def per_epoch(self) -> int:
        return max(1, len(self.rows) // self.size)

    def batch(self, step: int) -> "tuple[Tensor, Tensor]":
        import torch

        epoch, place = divmod(step, self.per_epoch)
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.rows))
        chosen = rng.integers(len(self.views), size=len(self.rows))
        drawn = order[place * self.size : (place + 1) * self.size]
        rows = self.rows[drawn]
        inputs = np.stack([self.views[view][row] for view, row in zip(chosen[drawn], rows, strict=True)])
        inputs = inputs.reshape(len(rows), *self.shape)
        return torch.from_numpy(inputs).float(), torch.from_numpy(self.labels[rows].astype(np.int64))


def with_head(halves: Halves, head: LinearHead, temperature: float) -> "nn.Sequential":
    """The suffix with the probe as its head, temperature folded in: at step 0 its softmax is the probe's answer."""
    import torch
    from torch import nn

    linear = nn.Linear(*head.weight.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(head.weight.T / temperature))
        linear.bias.copy_(torch.from_numpy(head.bias / temperature))
    return nn.Sequential(halves.suffix, linear)


def train_suffix(module: "nn.Sequential", batches: CachedBatches, plan: Plan, limits: Limits) -> Trained:
    """Train suffix and head in place."""
    from graft.training.depthwise import speed_up_depthwise

    speed_up_depthwise(module)
    return train(module, batches, plan, limits)


def scores_of(module: "nn.Sequential", activations: NDArray[np.float16], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Scores in full precision: (samples, flattened activations) -> (samples, classes)."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(activations), BATCH):
            inputs = np.array(activations[start : start + BATCH], np.float32).reshape(-1, *shape)
            parts.append(module(torch.from_numpy(inputs)).double().numpy())
    return np.concatenate(parts)


def interpolated(first: "dict[str, Tensor]", last: "dict[str, Tensor]", share: float) -> "dict[str, Tensor]":
    """Weights between two trainings of the same module: `share` 0 is the first, 1 the last (WiSE-FT, Wortsman 2022)."""
    return {
        name: _between(value, last[name], share) if value.is_floating_point() else value.clone()
        for name, value in first.items()
    }


def _between(first: "torch.Tensor", last: "torch.Tensor", share: float) -> "torch.Tensor":
    if share in (0, 1):  # exact at both ends, which lerp need not be
        return (last if share else first).clone()
    return first.lerp(last, share)


def state_of(module: "nn.Module") -> "dict[str, Tensor]":
    """A copy of a module's weights."""
    return copy.deepcopy(module.state_dict())

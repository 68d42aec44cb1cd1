"""The loop: batches in, a trained module out, the same bits whether or not it was interrupted."""

import math
import time
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from graft.errors import WorkError
from graft.progress import SILENT, Watch
from graft.training.checkpoint import Checkpoints
from graft.training.place import Place


class Batches(Protocol):
    """Training data, addressed by step, so that a resumed run sees what an uninterrupted one would have."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and labels of one step: (batch, ...) and (batch,)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a module is trained: AdamW, linear warm-up, cosine to zero, clipped gradients, averaged weights.

    `head_learning_rate` is for the last module of the sequence, `learning_rate` for the rest. `label_smoothing` is the
    share of probability given to the other classes. Weight decay spares vectors (biases, normalisations).
    """

    steps: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float = 0.01
    warm_up: float = 0.1
    label_smoothing: float = 0.1
    clip: float = 1.0
    average: bool = True


@dataclass
class Trained:
    """What a training left behind: the losses of its course, summed and averaged over the samples of each epoch."""

    seconds: float = 0.0
    steps: int = 0
    losses: list[tuple[float, float]] = field(default_factory=list)  # (sum, mean) per reporting interval


class DivergedError(WorkError):
    """The loss is no number any more: the learning rate was too high for this data."""


@dataclass(frozen=True)
class Limits:
    """Where the training runs, and where its progress and its checkpoints go."""

    place: Place
    watch: Watch = SILENT
    checkpoints: Checkpoints | None = None
    title: str = "Training"
    report_every: int = 20  # steps


def train(module: nn.Sequential, batches: Batches, plan: Plan, limits: Limits) -> Trained:
    """Train a module in place; its last piece is the head. Normalisation statistics stay frozen.

    Raises `DivergedError` where the loss becomes NaN or infinite.
    """
    began = time.perf_counter()
    place = limits.place
    place.hold(module)
    _freeze_statistics(module)
    optimiser = torch.optim.AdamW(_groups(module, plan), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    rates = [group["lr"] for group in optimiser.param_groups]
    average = _Average(module, plan) if plan.average else None
    result = Trained()
    state = _State(module, optimiser, average)
    first = limits.checkpoints.restore(state) if limits.checkpoints else 0
    with limits.watch.task(limits.title, plan.steps, "steps") as advance:
        advance(first)
        total, count = 0.0, 0
        for step in range(first, plan.steps):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * _share(step, plan)
            loss, size = _step(module, batches.batch(step), optimiser, plan, place)
            if not math.isfinite(loss):
                raise DivergedError(f"The loss became {loss} at step {step} of {plan.steps}.")
            if average:
                average.update()
            total, count = total + loss * size, count + size
            result.steps = step + 1
            advance(1)
            if (step + 1) % limits.report_every == 0 or step + 1 == plan.steps:
                result.losses.append((total, total / count))
                total, count = 0.0, 0
            if limits.checkpoints:
                limits.checkpoints.maybe_save(state, step + 1)
    if average:
        average.apply()
    module.eval()
    result.seconds = time.perf_counter() - began
    return result


def _step(
    module: nn.Module, batch: tuple[Tensor, Tensor], optimiser: torch.optim.Optimizer, plan: Plan, place: Place
) -> tuple[float, int]:
    inputs, labels = place.bring(batch[0]), place.bring(batch[1])
    with place.precision():
        scores = module(inputs)
    loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=plan.label_smoothing)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), plan.clip)
    optimiser.step()
    return float(loss.detach()), len(labels)


def _share(step: int, plan: Plan) -> float:
    """The share of the learning rate at a step: linear from zero, then half a cosine back to zero."""
    warm = max(1, round(plan.warm_up * plan.steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, plan.steps - warm)))


def _groups(module: nn.Sequential, plan: Plan) -> list[dict[str, object]]:
    head = {id(parameter) for parameter in module[-1].parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            rate = plan.head_learning_rate if id(parameter) in head else plan.learning_rate
            decay = plan.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def _freeze_statistics(module: nn.Module) -> None:
    """Train mode for dropout, but batch normalisation keeps the statistics of its pretraining; its scales train."""
    module.train()
    for piece in module.modules():
        if isinstance(piece, nn.modules.batchnorm._BatchNorm):
            piece.eval()


class _Average:
    """An exponential moving average of the weights, which takes their place in the end."""

    def __init__(self, module: nn.Module, plan: Plan) -> None:
        self.decay = min(0.999, 1 - 10 / max(plan.steps, 20))
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.kept = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        torch._foreach_lerp_(self.kept, [parameter.data for parameter in self.parameters], 1 - self.decay)

    @torch.no_grad()
    def apply(self) -> None:
        for parameter, kept in zip(self.parameters, self.kept, strict=True):
            parameter.copy_(kept)


class _State:
    """All that a resumed training needs, as named tensors; the learning rate follows from the step alone."""

    def __init__(self, module: nn.Module, optimiser: torch.optim.Optimizer, average: _Average | None) -> None:
        self.module = module
        self.optimiser = optimiser
        self.average = average

    def tensors(self) -> dict[str, Tensor]:
        """The present state; tensors are shared with the training, so write them before the next step."""
        found = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        if self.average:
            found |= {f"average.{number}": value for number, value in enumerate(self.average.kept)}
        return found

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put a saved state back, exactly."""
        module = {k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")}
        self.module.load_state_dict(module)
        saved = self.optimiser.state_dict()
        saved["state"] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, place, key = name.split(".")
                saved["state"].setdefault(int(place), {})[key] = value
        self.optimiser.load_state_dict(saved)
        if self.average:
            for number, kept in enumerate(self.average.kept):
                kept.copy_(tensors[f"average.{number}"])

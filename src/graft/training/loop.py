"""The loop: batches in, a trained module out, the same bits whether or not it was interrupted."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from graft.errors import WorkError
from graft.progress import SILENT, Watch
from graft.training.checkpoint import Checkpoints
from graft.training.losses import Loss, blended, cross_entropy
from graft.training.optimiser import Anchor, Average, make_optimiser, rate_at
from graft.training.place import Place
from graft.training.plan import Plan

PATIENCE = 0.4  # of the steps without a better judgement, after which a training may stop
CLEARLY_WORSE = 1.25  # times the best judgement: less is what a high learning rate does, and it comes back
TOO_MUCH_WORSE = 1.5  # times the error of the start, on samples that are not trained on, is divergence
SETTLED = 0.1  # of the steps after the warm-up until divergence can be told


class Batches(Protocol):
    """Training data, addressed by step, so that a resumed run sees what an uninterrupted one would have."""

    @property
    def per_epoch(self) -> int:
        """How many steps show every sample once."""

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and labels of one step: (batch, ...) and (batch, ...), as the loss takes them."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The loss of one epoch over its samples: their sum, which the classic objective is, and their mean."""

    number: int
    total: float
    mean: float
    judged: float | None = None  # on samples that are not trained on: less is better


@dataclass
class Trained:
    """What a training left behind."""

    steps: int = 0
    planned: int = 0
    seconds: float = 0.0
    epochs: list[Epoch] = field(default_factory=list)
    stopped: str | None = None  # why it ended before its last step


class DivergedError(WorkError):
    """The training went wrong: the learning rate was too high for this data."""


@dataclass(frozen=True)
class Limits:
    """Where the training runs, what bounds it, and who is told.

    `judge` says how bad the module is on samples that are not trained on; after each epoch it decides whether the
    training still improves, and where it has ceased to, the weights that were judged best are delivered. `seconds`
    squeezes the schedule into that time. `loss` is cross-entropy where it is None. `seed` decides what is dropped.
    """

    place: Place
    watch: Watch = SILENT
    checkpoints: Checkpoints | None = None
    title: str = "Training"
    judge: Callable[[nn.Module], float] | None = None
    seconds: float | None = None
    told: Callable[[Epoch], None] = lambda epoch: None
    loss: Loss | None = None
    seed: int = 0


def train(module: nn.Sequential, batches: Batches, plan: Plan, limits: Limits) -> Trained:
    """Train a module in place; its last piece is the head.

    Raises `DivergedError` where the loss becomes NaN or infinite, or much larger than it was at the start. An
    interruption saves a checkpoint first.
    """
    plan.check()
    training = _Training(module, batches, plan, limits)
    with limits.watch.task(limits.title, training.steps, "steps") as advance:
        advance(training.restore())
        try:
            while training.goes_on():
                training.step()
                advance(1)
        except KeyboardInterrupt:
            training.save()
            raise
    return training.finish()


class _Training:
    """A training under way: everything that changes from step to step, and what a checkpoint must hold."""

    def __init__(self, module: nn.Sequential, batches: Batches, plan: Plan, limits: Limits) -> None:
        self.module = limits.place.hold(module)
        self.forward = limits.place.forward_of(self.module)
        self.batches, self.plan, self.limits = batches, plan, limits
        self.steps = plan.steps(batches.per_epoch)
        set_mode(module, plan)
        self.optimiser = make_optimiser(module, plan)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.average = Average(module, self.steps) if plan.average else None
        self.anchor = Anchor(module, plan)
        self.loss = limits.loss or cross_entropy(plan)
        self.micro = plan.batch  # samples that are in memory at once
        self.began = time.monotonic()
        self.before = 0.0  # seconds spent before an interruption
        self.at = 0
        self.total, self.count = 0.0, 0  # of the present epoch
        self.course: list[tuple[float, float, float]] = []  # (sum, mean, judged or NaN) per epoch
        self.first = math.nan  # judgement of the start
        self.best, self.best_at = math.inf, 0
        self.latest = 0.0
        self.best_weights = [] if limits.judge is None else self._copies()

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    @property
    def done(self) -> float:
        """The share of the training that is behind: of its steps, or of its time where that is shorter."""
        timed = self.seconds / (self.before + self.limits.seconds) if self.limits.seconds else 0.0
        return min(1.0, max(self.at / self.steps, timed))

    def goes_on(self) -> bool:
        return self.at < self.steps and (self.at == 0 or self.done < 1) and not self._is_stale()

    def _is_stale(self) -> bool:
        patience = max(PATIENCE * self.steps, self.batches.per_epoch)
        return self.at - self.best_at >= patience and self.latest > CLEARLY_WORSE * self.best

    def step(self) -> None:
        if self.at == 0 and self.limits.judge is not None:
            self.first = self.best = self._judge()
        share = rate_at(self.done, 1 / self.steps, self.plan)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * share
        inputs, labels = self.batches.batch(self.at)
        with self.limits.place.chance(self.limits.seed, self.at):  # of dropout: a resumed training must draw the same
            loss = self._gradients(*blended(inputs, labels, self.plan.mixup, self.at))
        if not math.isfinite(loss):
            raise DivergedError(f"The loss became {loss} at step {self.at} of {self.steps}.")
        if self.plan.clip is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.plan.clip)
        self.optimiser.step()
        self.anchor.pull(self.plan.learning_rate * share)
        if self.average:
            self.average.update()
        self.at += 1
        self.total, self.count = self.total + loss * len(labels), self.count + len(labels)
        if self.at % self.batches.per_epoch == 0 or self.at == self.steps:
            self._end_epoch()
        if self.limits.checkpoints:
            self.limits.checkpoints.maybe_save(self, self.at)

    def _gradients(self, inputs: Tensor, labels: Tensor, others: Tensor | None = None, share: float = 1.0) -> float:
        """The mean loss of a batch, its gradients in place; halves what is in memory at once where that is too much.

        The loss of `labels` counts for `share`, that of `others` for the rest.
        """
        while True:
            try:
                return self._accumulated(inputs, labels, others, share)
            except RuntimeError as error:
                if not _is_out_of_memory(error) or self.micro == 1:
                    raise
                self.micro = max(1, min(self.micro, len(labels)) // 2)
                self.limits.watch.say(
                    f"Memory is short: batches of {len(labels)} are computed {self.micro} samples at a time."
                )

    def _accumulated(self, inputs: Tensor, labels: Tensor, others: Tensor | None, share: float) -> float:
        place, total = self.limits.place, 0.0
        self.optimiser.zero_grad(set_to_none=True)
        for start in range(0, len(labels), self.micro):
            part = slice(start, start + self.micro)
            wanted = place.bring(labels[part])
            with place.precision():
                scores = self.forward(place.bring(inputs[part]))
            loss = self.loss(scores.float(), wanted) / len(labels)
            if others is not None:
                rest = self.loss(scores.float(), place.bring(others[part])) / len(labels)
                loss = share * loss + (1 - share) * rest
            loss.backward()
            total += float(loss.detach())
        return total

    def _end_epoch(self) -> None:
        judged = math.nan
        if self.limits.judge is not None:
            judged = self.latest = self._judge()
            if judged < self.best:
                self.best, self.best_at, self.best_weights = judged, self.at, self._copies()
            settled = self.at > (self.plan.warm_up + SETTLED) * self.steps
            if not math.isfinite(judged) or (settled and judged > TOO_MUCH_WORSE * self.first):
                raise DivergedError(
                    f"The error on samples that are not trained on rose from {self.first:.2f} to {judged:.2f} "
                    f"by step {self.at} of {self.steps}."
                )
        self.course.append((self.total, self.total / self.count, judged))
        self.total, self.count = 0.0, 0
        self.limits.told(_epoch(len(self.course), self.course[-1]))

    def _judge(self) -> float:
        assert self.limits.judge is not None
        if self.average:
            self.average.swap()
        self.module.eval()
        judged = self.limits.judge(self.module)
        set_mode(self.module, self.plan)
        if self.average:
            self.average.swap()
        return judged

    def _copies(self) -> list[Tensor]:
        """The weights that would be delivered now."""
        parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        return [one.detach().clone() for one in (self.average.kept if self.average else parameters)]

    def save(self) -> None:
        if self.limits.checkpoints and self.at:
            self.limits.checkpoints.save(self, self.at)

    def restore(self) -> int:
        """Go on from the newest checkpoint; how many steps are behind."""
        self.at = self.limits.checkpoints.restore(self) if self.limits.checkpoints else 0
        return self.at

    def finish(self) -> Trained:
        """Deliver the weights; the last checkpoint stays, so that the same training need not be done again."""
        why = None
        if self.at < self.steps:
            why = "the error on samples that are not trained on fell no more" if self._is_stale() else "time"
        if self.limits.checkpoints:
            self.save()
        if self.average:
            self.average.swap()
        if self.best_weights and self.at < self.steps and self._is_stale():
            parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
            with torch.no_grad():
                for parameter, best in zip(parameters, self.best_weights, strict=True):
                    parameter.copy_(best)
        self.module.eval()
        epochs = [_epoch(number, figures) for number, figures in enumerate(self.course, 1)]
        return Trained(self.at, self.steps, round(self.seconds, 2), epochs, why)

    def tensors(self) -> dict[str, Tensor]:
        """All that a resumed training needs, as named tensors, shared with the training: write before the next step."""
        found = {f"module.{name}": value for name, value in self.module.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            found |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        if self.average:
            found |= {f"average.{number}": value for number, value in enumerate(self.average.kept)}
        found |= {f"best.{number}": value for number, value in enumerate(self.best_weights)}
        progress = (self.seconds, self.total, self.count, self.first, self.best, self.best_at)
        found["progress"] = torch.tensor(progress, dtype=torch.float64)
        found["course"] = torch.tensor(self.course, dtype=torch.float64).reshape(-1, 3)
        return found

    def restore_from(self, tensors: dict[str, Tensor]) -> None:
        """Put a saved state back, exactly."""
        module = {name.removeprefix("module."): v for name, v in tensors.items() if name.startswith("module.")}
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
        for number, best in enumerate(self.best_weights):
            best.copy_(tensors[f"best.{number}"])
        self.before, self.total, count, self.first, self.best, best_at = tensors["progress"].tolist()
        self.count, self.best_at = int(count), int(best_at)
        self.course = [(total, mean, judged) for total, mean, judged in tensors["course"].tolist()]
        if self.limits.judge is not None and self.course:
            self.latest = self.course[-1][2]


def set_mode(module: nn.Module, plan: Plan) -> None:
    """Train mode for dropout; where the plan freezes them, batch normalisation keeps its statistics."""
    module.train()
    if plan.frozen_statistics:
        for piece in module.modules():
            if isinstance(piece, nn.modules.batchnorm._BatchNorm):
                piece.eval()


def _epoch(number: int, figures: tuple[float, float, float]) -> Epoch:
    total, mean, judged = figures
    return Epoch(number, total, mean, None if math.isnan(judged) else judged)


def _is_out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)

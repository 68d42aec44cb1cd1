"""A network with a head while it is trained: its weights before and after, and all that lies between."""

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.backbones import Backbone, Loaded
from graft.backbones.backbone import hash_of_weights
from graft.heads.ridge import LinearHead, Scores
from graft.training.checkpoint import Checkpoints
from graft.training.depthwise import speed_up_depthwise
from graft.training.loop import Batches, DivergedError, Limits, Trained, train
from graft.training.losses import Loss
from graft.training.plan import Plan

if TYPE_CHECKING:
    from torch import Tensor, nn

TRIES = 3  # learning rates, each a third of the last, where training diverges
LEAST_JUDGING = 20  # samples below which an error on them says too little to stop a training by
MOST_DRIFT = 0.3  # of the weights, relative to their norm: more is forgetting, not adapting
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trained weights; 0 is where the training began

State = dict[str, "Tensor"]


def brier(scores: Scores, context: TrainingContext) -> float:
    """How bad scores of the deciding samples are, as their task judges them."""
    return context.judge(scores).brier


@dataclass
class FineTuner:
    """`module` is a sequence of stages and a head; `trunk` is the whole network, which shares the stages' weights."""

    name: str
    backbone: Backbone
    module: "nn.Sequential"
    trunk: "nn.Module"
    batches: Batches | None  # None where nothing is trained
    deciding: "Callable[[], Iterable[Tensor]]"  # inputs of the deciding samples, in order
    shares: Sequence[float] = SHARES
    prepare: "Callable[[nn.Sequential], None]" = lambda module: None  # before training; `settle` undoes its form
    settle: "Callable[[nn.Sequential], None]" = lambda module: None
    loss: Loss | None = None  # of a batch; that of the task where it is None
    judged: "Callable[[Scores, TrainingContext], float] | None" = brier  # after each epoch; None leaves it out

    def fit(self, plan: Plan, context: TrainingContext) -> FitResult:
        """Train, at a third of the learning rates where that diverges, and judge what lies between start and end."""
        first = state_of(self.module)
        trained, alarms = self._trained(plan, context, first)
        last = state_of(self.module)
        scores = {}
        for share in self.shares:
            self.module.load_state_dict(interpolated(first, last, share))
            scores[share] = self.scores() if len(context.deciding) else np.zeros((0, context.dataset.outputs))

        def deliver(share: float) -> tuple[Backbone, LinearHead]:
            return self._delivered(interpolated(first, last, share))

        return FitResult(self.name, trained, scores, deliver, tuple(alarms))

    def fixed(self, name: str, state: State) -> FitResult:
        """The network with these weights, untrained, as a strategy would give it."""
        self.module.load_state_dict(state)
        return FitResult(name, Trained(), {1.0: self.scores()}, lambda share: self._delivered(state))

    def _delivered(self, state: State) -> tuple[Backbone, LinearHead]:
        self.module.load_state_dict(state)
        linear: Any = self.module[-1]
        weight, bias = (value.detach().numpy().astype(np.float64) for value in (linear.weight, linear.bias))
        return with_weights(self.backbone, state_of(self.trunk)), LinearHead(weight.T, bias)

    def _trained(self, plan: Plan, context: TrainingContext, first: State) -> tuple[Trained, list[str]]:
        alarms: list[str] = []
        speed_up_depthwise(self.module)

        judged = self.judged

        def judge(module: "nn.Module") -> float:
            return judged(self.scores(context), context) if judged else 0.0

        for attempt in range(TRIES):
            tried = replace(
                plan,
                learning_rate=plan.learning_rate / 3**attempt,
                head_learning_rate=plan.head_learning_rate / 3**attempt,
            )
            limits = Limits(
                place=context.place,
                watch=context.watch,
                checkpoints=self._checkpoints(tried, context),
                title=f"Training {self.name}",
                judge=judge if judged and len(context.deciding) >= LEAST_JUDGING else None,
                seconds=None if context.deadline is None else max(1.0, context.deadline - time.perf_counter()),
                told=context.told,
                loss=self.loss or context.dataset.task.loss(tried),
                seed=context.seed,
            )
            try:
                trained = self._once(tried, limits)
                self._check_drift(first)
            except DivergedError as error:
                alarms.append(str(error))
                context.watch.say(f"{error} Trying again with a third of the learning rate.")
                self.module.load_state_dict(first)
            else:
                return trained, alarms
        context.watch.say("Training diverged at every learning rate.")
        return Trained(), alarms

    def _once(self, plan: Plan, limits: Limits) -> Trained:
        assert self.batches is not None
        self.prepare(self.module)
        try:
            return train(self.module, self.batches, plan, limits)
        finally:
            self.settle(self.module.to("cpu"))

    def _check_drift(self, first: State) -> None:
        """Raise `DivergedError` where the body's weights moved too far; from random weights they may."""
        drift = _drift(first, state_of(self.module))
        if drift > MOST_DRIFT and len(self.shares) > 1:
            raise DivergedError(f"The weights moved by {drift:.0%} of their norm, which is forgetting.")

    def _checkpoints(self, plan: Plan, context: TrainingContext) -> Checkpoints | None:
        if context.checkpoints is None:
            return None
        what = (
            self.name,
            self.backbone.fingerprint,
            context.dataset.fingerprint,
            context.seed,
            len(context.train),
            plan,
        )
        return Checkpoints(context.checkpoints, " ".join(map(str, what)), context.checkpoint_seconds, context.watch)

    def scores(self, context: TrainingContext | None = None) -> Scores:
        """Scores of the deciding samples, (samples, classes): in full precision, or as fast as a task's place can."""
        import torch

        parts = []
        with torch.inference_mode():
            for inputs in self.deciding():
                if context is None:
                    parts.append(self.module(inputs).double().numpy())
                    continue
                with context.place.precision():
                    parts.append(self.module(context.place.bring(inputs)).double().cpu().numpy())
        return np.concatenate(parts)


def with_head(body: "nn.Module", start: InitialModel) -> "nn.Sequential":
    """A network with a head, its temperature folded in: at step 0 it answers as the start does."""
    import torch
    from torch import nn

    linear = nn.Linear(*start.head.weight.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(start.head.weight.T / start.temperature))
        linear.bias.copy_(torch.from_numpy(start.head.bias / start.temperature))
    return nn.Sequential(body, linear)


def interpolated(first: State, last: State, share: float) -> State:
    """Weights between two trainings of the same module: `share` 0 is the first, 1 the last (WiSE-FT, Wortsman 2022)."""
    return {
        name: _between(value, last[name], share) if value.is_floating_point() else last[name].clone()
        for name, value in first.items()
    }


def _between(first: "Tensor", last: "Tensor", share: float) -> "Tensor":
    if share in (0, 1):  # exact at both ends, which lerp need not be
        return (last if share else first).clone()
    return first.lerp(last, share)


def averaged(ends: "Sequence[tuple[Backbone, LinearHead]]", context: TrainingContext) -> list[FitResult]:
    """Whole networks between the first of the ends and each other, and the mean of all others where there are several.

    Every end is a network of one architecture with its head, temperature folded in.
    """
    from graft.adaptation.batches import clean_inputs
    from graft.adaptation.stages import stages_of

    first = ends[0][0]
    body, trunk = stages_of(first)
    preprocess = first.card.preprocess
    states = []
    for backbone, head in ends:
        trunk.load_state_dict(backbone.module.state_dict())
        states.append(state_of(with_head(body, InitialModel(backbone, head, 1.0))))
    mixtures: dict[str, State] = {
        f"{share:.0%} of training {number}": interpolated(states[0], state, share)
        for number, state in enumerate(states[1:], 1)
        for share in SHARES[1:-1]
    }
    if len(states) > 2:
        mixtures["the mean of the trainings"] = interpolated(states[1], states[-1], 0.5)
    module = with_head(body, InitialModel(first, ends[0][1], 1.0))
    fine_tuner = FineTuner(
        "",
        first,
        module,
        trunk,
        None,
        lambda: clean_inputs(context.dataset, context.rows[context.deciding], preprocess, 64),
    )
    return [fine_tuner.fixed(name, state) for name, state in mixtures.items()]


def _drift(first: State, last: State) -> float:
    """How far the body's weights moved, relative to their norm; the head, named 1.*, may move as it likes."""
    names = [name for name, value in first.items() if name.startswith("0.") and value.ndim > 1]
    moved = sum(float((last[name] - first[name]).square().sum()) for name in names)
    return float(np.sqrt(moved / max(sum(float(first[name].square().sum()) for name in names), 1e-12)))


def state_of(module: "nn.Module") -> State:
    """A copy of a module's weights."""
    return copy.deepcopy(module.state_dict())


def with_weights(backbone: Backbone, state: State) -> Backbone:
    """The backbone with other weights, as a network without anything that was made for training."""

    def load() -> Loaded:
        module = copy.deepcopy(backbone.module)
        module.load_state_dict(state)
        return Loaded(module)

    return replace(backbone, load=load, known_weights=hash_of_weights(state))

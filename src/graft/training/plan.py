"""The Plan of a training: every number that decides its course, and nothing about where it runs."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from graft.errors import RequestError


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network is trained. Its last piece is the head, the piece before it a sequence of stages.

    The number of steps is `epochs` over the data, but at least `least_steps` and at most `most_steps`.
    `learning_rate` is for the last stage, `stage_decay` multiplies it for each earlier one, `head_learning_rate` is
    for the head. `warm_up` is the share of the steps over which rates rise from zero; after that they follow half a
    cosine to zero, or stay. `label_smoothing` is the share of probability given to the other classes, `class_weights`
    weigh the loss of each class. `mixup` above 0 trains on blends of two samples with the loss of both, shares drawn
    from Beta(mixup, mixup) (Zhang et al. 2018). Weight decay and the pull towards the starting weights (`anchor`:
    L2-SP, Li et al. 2018, decoupled as in AdamW) spare vectors, such as biases and normalisations, and the pull spares
    the head. `clip` bounds the norm of the gradients, `average` delivers an exponential moving average of the weights.
    """

    epochs: float = 20
    batch: int = 64
    learning_rate: float = 5e-4
    head_learning_rate: float = 5e-4
    stage_decay: float = 1.0
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.9  # of SGD
    nesterov: bool = True
    schedule: Literal["cosine", "constant"] = "cosine"
    warm_up: float = 0.1
    weight_decay: float = 0.01
    anchor: float = 0.0
    label_smoothing: float = 0.1
    class_weights: tuple[float, ...] | None = None
    mixup: float = 0.0
    clip: float | None = 1.0
    average: bool = True
    frozen_statistics: bool = True  # of batch normalisation
    least_steps: int = 1
    most_steps: int = 1_000_000

    def steps(self, per_epoch: int) -> int:
        """How many steps are taken where an epoch has so many."""
        return min(self.most_steps, max(self.least_steps, math.ceil(self.epochs * per_epoch)))

    def check(self) -> None:
        """Raise `RequestError` that names every value out of range, together."""
        problems = [
            f"{name} is {value}. Expected {wanted}."
            for name, value, right, wanted in (
                ("epochs", self.epochs, 0 < self.epochs < math.inf, "a number above 0"),
                ("batch", self.batch, self.batch >= 1, "1 or more"),
                ("learning_rate", self.learning_rate, 0 <= self.learning_rate <= 10, "a number from 0 to 10"),
                (
                    "head_learning_rate",
                    self.head_learning_rate,
                    0 <= self.head_learning_rate <= 10,
                    "a number from 0 to 10",
                ),
                ("stage_decay", self.stage_decay, 0 < self.stage_decay <= 1, "a share above 0, up to 1"),
                ("optimiser", self.optimiser, self.optimiser in ("adamw", "sgd"), "adamw or sgd"),
                ("schedule", self.schedule, self.schedule in ("cosine", "constant"), "cosine or constant"),
                ("momentum", self.momentum, 0 <= self.momentum < 1, "a number from 0 to below 1"),
                ("warm_up", self.warm_up, 0 <= self.warm_up < 1, "a share from 0 to below 1"),
                ("weight_decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "0 or more"),
                ("anchor", self.anchor, 0 <= self.anchor < math.inf, "0 or more"),
                ("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "a share from 0 to below 1"),
                ("mixup", self.mixup, 0 <= self.mixup < math.inf, "0 or more"),
                ("clip", self.clip, self.clip is None or self.clip > 0, "a number above 0, or None"),
            )
            if not right
        ]
        if problems:
            raise RequestError("\n".join(problems))


@dataclass(frozen=True, slots=True)
class PlanChanges:
    """What somebody wants otherwise than the plans that suit a family of networks; None leaves it to them.

    `epochs` are then exactly so many, whatever the least and most steps of a plan; `learning_rate` is that of the last
    stage, and that of the head changes in proportion.
    """

    epochs: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    label_smoothing: float | None = None

    def on(self, plan: Plan) -> Plan:
        """The plan with these changes."""
        if self.epochs is not None:
            plan = replace(plan, epochs=self.epochs, least_steps=1, most_steps=10**9)
        if self.batch_size is not None:
            plan = replace(plan, batch=self.batch_size)
        if self.learning_rate is not None:
            times = self.learning_rate / plan.learning_rate if plan.learning_rate else 1.0
            plan = replace(plan, learning_rate=self.learning_rate, head_learning_rate=plan.head_learning_rate * times)
        if self.label_smoothing is not None:
            plan = replace(plan, label_smoothing=self.label_smoothing)
        return plan

    @property
    def any(self) -> bool:
        """Whether anything is changed at all."""
        return self != PlanChanges()

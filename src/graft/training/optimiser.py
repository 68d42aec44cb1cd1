"""What the loop steps with: parameter groups, learning rates over time, the average of the weights."""

import math

import torch
from torch import nn

from graft.training.plan import Plan


def make_optimiser(module: nn.Sequential, plan: Plan) -> torch.optim.Optimizer:
    """The optimiser of a plan, one group for each pair of learning rate and weight decay."""
    groups = parameter_groups(module, plan)
    if plan.optimiser == "sgd":
        return torch.optim.SGD(
            groups, lr=plan.learning_rate, momentum=plan.momentum, nesterov=plan.nesterov and plan.momentum > 0
        )
    return torch.optim.AdamW(groups, lr=plan.learning_rate)


def parameter_groups(module: nn.Sequential, plan: Plan) -> list[dict[str, object]]:
    """Layer-wise learning rates: the head has its own, each stage `stage_decay` times that of the next."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    body = [*module[:-1]]
    stages = [*body[0]] if len(body) == 1 and isinstance(body[0], nn.Sequential) else body
    pieces = [(module[-1], plan.head_learning_rate)]
    pieces += [(stage, plan.learning_rate * plan.stage_decay**depth) for depth, stage in enumerate(reversed(stages))]
    seen: set[int] = set()
    for piece, rate in pieces:
        for parameter in piece.parameters():
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                decay = plan.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def rate_at(done: float, one_step: float, plan: Plan) -> float:
    """The share of the learning rates of a step before which so much was done: a linear rise, then half a cosine."""
    if done < plan.warm_up:
        return min(1.0, (done + one_step) / plan.warm_up)
    if plan.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (done - plan.warm_up) / (1 - plan.warm_up)))


class Average:
    """An exponential moving average of the weights, which takes their place in the end."""

    def __init__(self, module: nn.Module, steps: int) -> None:
        self.decay = min(0.999, 1 - 10 / max(steps, 20))
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.kept = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the present weights."""
        torch._foreach_lerp_(self.kept, [parameter.data for parameter in self.parameters], 1 - self.decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Put the average where the weights are, and keep those instead."""
        for parameter, kept in zip(self.parameters, self.kept, strict=True):
            present = parameter.detach().clone()
            parameter.copy_(kept)
            kept.copy_(present)


class Anchor:
    """The pull of the body's matrices towards the weights they had at the start."""

    def __init__(self, module: nn.Sequential, plan: Plan) -> None:
        self.strength = plan.anchor
        body = [parameter for piece in module[:-1] for parameter in piece.parameters()]
        self.parameters = [parameter for parameter in body if parameter.requires_grad and parameter.ndim > 1]
        self.start = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def pull(self, rate: float) -> None:
        """One step of decay towards the start, at the present learning rate."""
        if self.strength and self.parameters:
            torch._foreach_lerp_([parameter.data for parameter in self.parameters], self.start, rate * self.strength)

"""The strategies: how a backbone becomes a classifier. Each is an object that works alone, over the one loop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from graft.adaptation.batches import (
    CachedBatches,
    LiveBatches,
    Order,
    clean_inputs,
    lengths_of,
    sizes_of,
    without_filling,
)
from graft.adaptation.defaults import default_cut, full_plan, partial_plan, scratch_plan
from graft.adaptation.stages import stages_of
from graft.adaptation.statistics import gather_statistics
from graft.adaptation.task import Grown, Start, Task
from graft.adaptation.trainee import SHARES, Trainee, with_head
from graft.backbones import Backbone
from graft.errors import RequestError
from graft.features import CLEAN, augmented_views, extract_all, extract_views, refuse_gone
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead
from graft.machine import usable_cores
from graft.training.loop import Trained
from graft.training.plan import Plan
from graft.workers import workers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

INPUTS = 64  # samples of a forward pass that judges


class Strategy(Protocol):
    """A way from a network with a head to a better one."""

    @property
    def name(self) -> str:
        """What is trained."""

    @property
    def from_probe(self) -> bool:
        """Whether the training begins at a head that was fitted on frozen features; at zero if not."""

    def grow(self, start: Start, task: Task) -> Grown:
        """Train on the task's training samples and score its deciding ones."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The head alone, in closed form: logistic regression or ridge on frozen features."""

    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
    name: str = "the head"
    from_probe: bool = False

    def grow(self, start: Start, task: Task) -> Grown:
        features = extract_all(task.dataset, task.rows, start.backbone, task.watch, task.cache_gb)
        head = refit(self.head, Samples(features[task.train], task.labels[task.train]), task.classes)
        scores = {1.0: head.scores(features[task.deciding])}
        return Grown(self.name, Trained(), scores, lambda share: (start.backbone, head))


@dataclass(frozen=True, slots=True)
class Partial:
    """The last stages, from `from_stage` on, on activations of varied views that are computed once and kept on disk.

    Without `from_stage` and `plan` the family of the network decides, without `views` the kind of sample. Raises
    `RequestError` for a network or a stage that cannot be cut.
    """

    from_stage: int | None = None
    plan: Plan | None = None
    views: int | None = None
    name: str = "the last stages"
    from_probe: bool = True

    def grow(self, start: Start, task: Task) -> Grown:
        from graft.backbones.halves import halve

        before = default_cut(start.backbone) if self.from_stage is None else self.from_stage
        if before is None:
            raise RequestError(
                f"{start.backbone.card.id} cannot be cut into stages, so its last ones cannot be trained alone. "
                "Train it whole: how=Full(), or --effort best."
            )
        plan = self.plan or partial_plan(start.backbone)
        plan.check()
        card, data = start.backbone.card, task.dataset
        largest = data.modality.fix(card.preprocess, [data.content(int(row)) for row in task.rows])
        halves = halve(start.backbone, before, largest)
        wanted = (CLEAN, *augmented_views(self._views_that_fit(halves.prefix.card.width, task), task.seed))
        views = extract_views(task.dataset, task.rows, halves.prefix, wanted, task.watch, task.cache_gb)
        refuse_gone(data, views[0])
        varied, clean = tuple(view.matrix for view in views[1:]), views[0].matrix
        varying = None in data.modality.shape(card.preprocess)
        order = order_of(task, plan)
        if varying:
            order = replace(order, sizes=sizes_of(clean[task.train], halves.shape))

        def deciding() -> "Iterable[Tensor]":
            import torch

            for at in range(0, len(task.deciding), INPUTS):
                part = np.array(clean[task.deciding[at : at + INPUTS]], np.float32).reshape(-1, *halves.shape)
                yield torch.from_numpy(without_filling(part) if varying else part)

        return Trainee(
            name=f"the stages from {start.backbone.stages[before].name}",
            backbone=start.backbone,
            module=with_head(halves.suffix, start),
            trunk=halves.trunk,
            batches=CachedBatches(varied, task.labels, task.train, halves.shape, order),
            deciding=deciding,
        ).grow(plan, task)

    def _views_that_fit(self, width: int, task: Task) -> int:
        """As many views as the cache may hold beside the clean one; raises `RequestError` where not even one fits."""
        gigabytes = len(task.rows) * width * 2 / 1e9  # of one view, in half precision
        wanted = task.dataset.modality.views if self.views is None else self.views
        fitting = min(wanted, int(task.cache_gb / gigabytes) - 1)
        if fitting < 1:
            raise RequestError(
                f"Training the last stages needs {2 * gigabytes:.1f} GB for activations, and the cache may take "
                f"{task.cache_gb:.1f} GB. Allow more with --cache-gb, or train from a later stage."
            )
        if fitting < wanted:
            task.watch.say(f"{fitting} instead of {wanted} varied views fit into {task.cache_gb:.1f} GB.")
        return fitting


@dataclass(frozen=True, slots=True)
class Full:
    """All stages, but for the first `frozen_stages`, on pictures that are varied anew in every epoch."""

    plan: Plan | None = None
    frozen_stages: int = 1
    varied: bool = True
    name: str = "all stages"
    from_probe: bool = True

    def grow(self, start: Start, task: Task) -> Grown:
        body, trunk = stages_of(start.backbone)
        for stage in [*body][: self.frozen_stages if len(body) > self.frozen_stages else 0]:
            stage.requires_grad_(False)
        plan = self.plan or full_plan(start.backbone)
        return on_pictures(self.name, start, with_head(body, start), trunk, plan, task, self.varied)


@dataclass(frozen=True, slots=True)
class LoRA:
    """All stages through low-rank additions to linear layers and 1x1 convolutions (Hu et al. 2021), merged at the end.

    The weights become W + (alpha / rank) B A with B starting at zero, so training begins exactly at the start.
    """

    rank: int = 8
    alpha: float = 16.0
    plan: Plan | None = None
    name: str = "low-rank additions"
    from_probe: bool = True

    def grow(self, start: Start, task: Task) -> Grown:
        from graft.adaptation.lora import add_lora, merge_lora

        if self.rank < 1:
            raise RequestError(f"rank is {self.rank}. Expected 1 or more.")
        body, trunk = stages_of(start.backbone)
        plan = self.plan or replace(full_plan(start.backbone), optimiser="adamw", learning_rate=5e-4, stage_decay=1.0)
        return on_pictures(
            self.name,
            start,
            with_head(body, start),
            trunk,
            replace(plan, anchor=0.0),
            task,
            prepare=lambda module: add_lora(module[0], self.rank, self.alpha, task.seed),
            settle=lambda module: merge_lora(module[0]),
        )


@dataclass(frozen=True, slots=True)
class Scratch:
    """All stages from random weights: what the architecture learns from this data alone."""

    plan: Plan | None = None
    varied: bool = True
    name: str = "all stages from random weights"
    from_probe: bool = False

    def grow(self, start: Start, task: Task) -> Grown:
        from graft.backbones.from_random import random_like

        card, preprocess = start.backbone.card, start.backbone.card.preprocess
        fresh = random_like(start.backbone, task.seed)
        backbone = Backbone(replace(fresh.card, source=str(task.dataset.root)), fresh.load)
        start = Start(backbone, LinearHead(np.zeros((card.width, task.classes)), np.zeros(task.classes)), 1.0)
        body, trunk = stages_of(backbone)
        plan = self.plan or scratch_plan()
        return on_pictures(
            self.name,
            start,
            with_head(body, start),
            trunk,
            plan,
            task,
            self.varied,
            shares=(1.0,),
            settle=lambda module: gather_statistics(module, preprocess, task),
        )


def order_of(task: Task, plan: Plan) -> Order:
    """In which order the training samples are shown."""
    return Order(len(task.train), plan.batch, task.seed)


def on_pictures(
    name: str,
    start: Start,
    module: "nn.Sequential",
    trunk: "nn.Module",
    plan: Plan,
    task: Task,
    varied: bool = True,
    shares: Sequence[float] = SHARES,
    **hooks: Any,  # `prepare` and `settle` of the trainee
) -> Grown:
    """Train a whole network on pictures that are decoded as they are needed."""
    plan.check()
    preprocess = start.backbone.card.preprocess
    rows = task.rows[task.train]
    order = replace(order_of(task, plan), sizes=lengths_of(task.dataset, rows, preprocess))
    with workers(usable_cores()) as pool:
        return Trainee(
            name=name,
            backbone=start.backbone,
            module=module,
            trunk=trunk,
            batches=LiveBatches(task.dataset, rows, preprocess, order, pool, varied),
            deciding=lambda: clean_inputs(task.dataset, task.rows[task.deciding], preprocess, INPUTS),
            shares=shares,
            **hooks,
        ).grow(plan, task)

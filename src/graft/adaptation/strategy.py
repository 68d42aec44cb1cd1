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
from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.defaults import default_cut, full_plan, partial_plan, scratch_plan
from graft.adaptation.fine_tuner import SHARES, FineTuner, with_head
from graft.adaptation.stages import stages_of
from graft.adaptation.statistics import gather_statistics
from graft.backbones import Backbone
from graft.errors import RequestError
from graft.features import CLEAN, augmented_views, extract_all, extract_views, refuse_gone
from graft.heads.probe import Candidate, Samples, refit
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

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        """Train on the task's training samples and score its deciding ones."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The head alone, in closed form: logistic regression or ridge on frozen features."""

    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
    name: str = "the head"
    from_probe: bool = False

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        features = extract_all(context.dataset, context.rows, start.backbone, context.watch, context.cache_gb)
        head = refit(self.head, Samples(features[context.train], context.labels[context.train]), context.objective)
        scores = {1.0: head.scores(features[context.deciding])}
        return FitResult(self.name, Trained(), scores, lambda share: (start.backbone, head))


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

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        from graft.backbones.halves import halve

        before = default_cut(start.backbone) if self.from_stage is None else self.from_stage
        if before is None:
            raise RequestError(
                f"{start.backbone.card.id} cannot be cut into stages, so its last ones cannot be trained alone. "
                "Train it whole: how=Full(), or --effort best."
            )
        plan = self.plan or context.changes.on(partial_plan(start.backbone))
        plan.check()
        card, data = start.backbone.card, context.dataset
        largest = data.modality.fix(card.preprocess, [data.content(int(row)) for row in context.rows])
        halves = halve(start.backbone, before, largest)
        wanted = (CLEAN, *augmented_views(self._views_that_fit(halves.prefix.card.width, context), context.seed))
        views = extract_views(context.dataset, context.rows, halves.prefix, wanted, context.watch, context.cache_gb)
        refuse_gone(data, views[0])
        varied, clean = tuple(view.matrix for view in views[1:]), views[0].matrix
        varying = None in data.modality.shape(card.preprocess)
        order = order_of(context, plan)
        if varying:
            order = replace(order, sizes=sizes_of(clean[context.train], halves.shape))

        def deciding() -> "Iterable[Tensor]":
            import torch

            for at in range(0, len(context.deciding), INPUTS):
                part = np.array(clean[context.deciding[at : at + INPUTS]], np.float32).reshape(-1, *halves.shape)
                yield torch.from_numpy(without_filling(part) if varying else part)

        return FineTuner(
            name=f"the stages from {start.backbone.stages[before].name}",
            backbone=start.backbone,
            module=with_head(halves.suffix, start),
            trunk=halves.trunk,
            batches=CachedBatches(varied, context.labels, context.train, halves.shape, order),
            deciding=deciding,
        ).fit(plan, context)

    def _views_that_fit(self, width: int, context: TrainingContext) -> int:
        """As many views as the cache may hold beside the clean one; raises `RequestError` where not even one fits."""
        gigabytes = len(context.rows) * width * 2 / 1e9  # of one view, in half precision
        wanted = context.dataset.modality.views if self.views is None else self.views
        fitting = min(wanted, int(context.cache_gb / gigabytes) - 1)
        if fitting < 1:
            raise RequestError(
                f"Training the last stages needs {2 * gigabytes:.1f} GB for activations, and the cache may take "
                f"{context.cache_gb:.1f} GB. Allow more with --cache-gb, or train from a later stage."
            )
        if fitting < wanted:
            context.watch.say(f"{fitting} instead of {wanted} varied views fit into {context.cache_gb:.1f} GB.")
        return fitting


@dataclass(frozen=True, slots=True)
class Full:
    """All stages, but for the first `frozen_stages`, on pictures that are varied anew in every epoch."""

    plan: Plan | None = None
    frozen_stages: int = 1
    varied: bool = True
    name: str = "all stages"
    from_probe: bool = True

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        body, trunk = stages_of(start.backbone)
        for stage in [*body][: self.frozen_stages if len(body) > self.frozen_stages else 0]:
            stage.requires_grad_(False)
        plan = self.plan or context.changes.on(full_plan(start.backbone))
        return on_pictures(self.name, start, with_head(body, start), trunk, plan, context, self.varied)


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

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        from graft.adaptation.lora import add_lora, merge_lora

        if self.rank < 1:
            raise RequestError(f"rank is {self.rank}. Expected 1 or more.")
        body, trunk = stages_of(start.backbone)
        usual = replace(full_plan(start.backbone), optimiser="adamw", learning_rate=5e-4, stage_decay=1.0)
        plan = self.plan or context.changes.on(usual)
        return on_pictures(
            self.name,
            start,
            with_head(body, start),
            trunk,
            replace(plan, anchor=0.0),
            context,
            prepare=lambda module: add_lora(module[0], self.rank, self.alpha, context.seed),
            settle=lambda module: merge_lora(module[0]),
        )


@dataclass(frozen=True, slots=True)
class Scratch:
    """All stages from random weights: what the architecture learns from this data alone."""

    plan: Plan | None = None
    varied: bool = True
    name: str = "all stages from random weights"
    from_probe: bool = False

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        from graft.backbones.from_random import random_like

        card, preprocess = start.backbone.card, start.backbone.card.preprocess
        fresh = random_like(start.backbone, context.seed)
        backbone = Backbone(replace(fresh.card, source=str(context.dataset.root)), fresh.load)
        start = InitialModel(backbone, context.zero_head(card.width), 1.0)
        body, trunk = stages_of(backbone)
        plan = self.plan or scratch_plan()
        return on_pictures(
            self.name,
            start,
            with_head(body, start),
            trunk,
            plan,
            context,
            self.varied,
            shares=(1.0,),
            settle=lambda module: gather_statistics(module, preprocess, context),
        )


def order_of(context: TrainingContext, plan: Plan) -> Order:
    """In which order the training samples are shown."""
    return Order(len(context.train), plan.batch, context.seed)


def on_pictures(
    name: str,
    start: InitialModel,
    module: "nn.Sequential",
    trunk: "nn.Module",
    plan: Plan,
    context: TrainingContext,
    varied: bool = True,
    shares: Sequence[float] = SHARES,
    **hooks: Any,  # `prepare` and `settle` of the fine-tuner
) -> FitResult:
    """Train a whole network on pictures that are decoded as they are needed."""
    plan.check()
    preprocess = start.backbone.card.preprocess
    rows = context.rows[context.train]
    order = replace(order_of(context, plan), sizes=lengths_of(context.dataset, rows, preprocess))
    with workers(usable_cores()) as pool:
        return FineTuner(
            name=name,
            backbone=start.backbone,
            module=module,
            trunk=trunk,
            batches=LiveBatches(context.dataset, rows, preprocess, order, pool, varied),
            deciding=lambda: clean_inputs(context.dataset, context.rows[context.deciding], preprocess, INPUTS),
            shares=shares,
            **hooks,
        ).fit(plan, context)

"""The arms of an audit: the same task without pretraining, without a network, and with labels that mean nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graft.adaptation.context import InitialModel, TrainingContext
from graft.adaptation.defaults import partial_plan, scratch_plan
from graft.adaptation.model import Model
from graft.adaptation.recorded import restored
from graft.adaptation.rungs import rung_kind
from graft.adaptation.strategy import Probe, Scratch, Strategy
from graft.backbones import Backbone
from graft.backbones.from_random import random_like
from graft.backbones.shallow import SEEN, shallow
from graft.dataset.task import Answers
from graft.errors import WorkError
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead
from graft.modalities.modality import Content
from graft.progress import Watch
from graft.records import Json

PERMUTATIONS = 5  # of labels: one alone may agree with the true ones by chance where samples of a class are alike
HEAD = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make a classifier from a task; `seeds` of them differ in what is random."""

    key: str
    name: str
    fit: Callable[[TrainingContext], Model]
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how often the arms train: `seconds` bounds each training from scratch, `seeds` repeat it."""

    seconds: float | None
    seeds: int
    steps: int  # times those of the fine-tuning that scratch may take


def arms_of(backbone: Backbone, how: Strategy, budget: Budget, blind: str = "the majority class") -> list[Arm]:
    """All arms but the delivered model.

    `how` is the strategy that made it, for the labels that mean nothing; where the time is bounded these teach the
    probe, not `how`: a leak shows there too. `blind` says what the best answer without a look is.
    """

    def random_features(context: TrainingContext) -> Model:
        return probed(random_like(backbone, context.seed), context)

    def from_scratch(context: TrainingContext) -> Model:
        plan = scratch_plan()
        plan = replace(plan, epochs=budget.steps * partial_plan(backbone).epochs)
        ends = None if budget.seconds is None else time.perf_counter() + budget.seconds
        return fit_strategy(backbone, Scratch(plan), replace(context, deadline=ends))

    def permuted(context: TrainingContext) -> Model:
        rows = context.rows[context.train]
        labels = context.dataset.labels.copy()
        labels[rows] = np.random.default_rng(context.seed).permutation(labels[rows])
        way = how if budget.seconds is None else Probe()
        return fit_strategy(backbone, way, replace(context, dataset=replace(context.dataset, labels=labels)))

    return [
        Arm("majority", blind, lambda context: commonest(shallow(backbone), context)),
        Arm(
            "shortcut",
            f"no network: {SEEN[backbone.card.modality]}",
            lambda context: probed(shallow(backbone), context),
        ),
        Arm("random", "random features", random_features, 3),
        Arm("scratch", "the same network from scratch", from_scratch, budget.seeds),
        Arm("probe", "the frozen pretrained network", lambda context: probed(backbone, context)),
        Arm("permuted", "permuted labels", permuted, PERMUTATIONS),
    ]


def commonest(nothing: Backbone, context: TrainingContext) -> Model:
    """Always the class with most training samples."""
    bias = context.objective.nothing(context.labels[context.train])
    return model_of(nothing, replace(context.zero_head(nothing.card.width), bias=bias), context)


def probed(backbone: Backbone, context: TrainingContext) -> Model:
    """A logistic head on a frozen network."""
    features = extract_all(context.dataset, context.rows, backbone, context.watch, context.cache_gb)
    head = refit(HEAD, Samples(features[context.train], context.labels[context.train]), context.objective)
    return model_of(backbone, head, context)


def fit_strategy(backbone: Backbone, how: Strategy, context: TrainingContext) -> Model:
    """What a strategy makes of a backbone, from its probe where it begins there."""
    if how.from_probe:
        features = extract_all(context.dataset, context.rows, backbone, context.watch, context.cache_gb)
        head = refit(HEAD, Samples(features[context.train], context.labels[context.train]), context.objective)
    else:
        head = context.zero_head(backbone.card.width)
    return model_of(*how.fit(InitialModel(backbone, head, 1.0), context).deliver(1.0), context)


def model_of(backbone: Backbone, head: LinearHead, context: TrainingContext) -> Model:
    """A model of its parts; uncalibrated, which no comparison depends on."""
    data = context.dataset
    head = data.head_in_units(head)
    weight, bias = np.ascontiguousarray(head.weight.T, np.float32), head.bias.astype(np.float32)
    return Model(backbone, data.classes, weight, bias, 1.0, {}, task=data.task)


def strategy_of(provenance: Json) -> Strategy:
    """What made a model, as one strategy: that of graft.adapt, or that of its rung; raises as `rung_kind` does."""
    if "strategy" in provenance:
        return restored(provenance["strategy"])
    return rung_kind(str(provenance.get("rung", "1"))).strategy()


def predicted(model: Model, paths: Sequence[Content], watch: Watch, margin_only: bool = False) -> Answers:
    """The answer to each file, or to its margin; raises `WorkError` where one cannot be read."""
    found = np.empty((len(paths), len(model.classes)))
    for number, answer in model.predict(paths, watch, margin_only):
        if isinstance(answer, Exception):
            raise WorkError(f"{paths[number]!r} cannot be read any more: {answer}.") from answer
        found[number] = answer
    return found

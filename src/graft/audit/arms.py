"""The arms of an audit: the same task without pretraining, without a network, and with labels that mean nothing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.defaults import partial_plan, scratch_plan
from graft.adaptation.model import Model
from graft.adaptation.recorded import restored
from graft.adaptation.strategy import Partial, Probe, Scratch, Strategy
from graft.adaptation.task import Start, Task
from graft.backbones import Backbone
from graft.backbones.from_random import random_like
from graft.backbones.shallow import SEEN, shallow
from graft.errors import WorkError
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead
from graft.modality import Content
from graft.progress import Watch
from graft.records import Json

PERMUTATIONS = 5  # of labels: one alone may agree with the true ones by chance where samples of a class are alike
HEAD = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make a classifier from a task; `seeds` of them differ in what is random."""

    key: str
    name: str
    grow: Callable[[Task], Model]
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How long and how often the arms train: `seconds` bounds each training from scratch, `seeds` repeat it."""

    seconds: float | None
    seeds: int
    steps: int  # times those of the fine-tuning that scratch may take


def arms_of(backbone: Backbone, how: Strategy, budget: Budget) -> list[Arm]:
    """All arms but the delivered model. `how` is the strategy that made it, for the labels that mean nothing.

    Where the time is bounded these teach the probe, not `how`: a leak shows there too.
    """

    def random_features(task: Task) -> Model:
        return probed(random_like(backbone, task.seed), task)

    def from_scratch(task: Task) -> Model:
        plan = scratch_plan()
        plan = replace(plan, epochs=budget.steps * partial_plan(backbone).epochs)
        ends = None if budget.seconds is None else time.perf_counter() + budget.seconds
        return grown(backbone, Scratch(plan), replace(task, deadline=ends))

    def permuted(task: Task) -> Model:
        rows = task.rows[task.train]
        labels = task.dataset.labels.copy()
        labels[rows] = np.random.default_rng(task.seed).permutation(labels[rows])
        way = how if budget.seconds is None else Probe()
        return grown(backbone, way, replace(task, dataset=replace(task.dataset, labels=labels)))

    return [
        Arm("majority", "the majority class", lambda task: commonest(shallow(backbone), task)),
        Arm("shortcut", f"no network: {SEEN[backbone.card.modality]}", lambda task: probed(shallow(backbone), task)),
        Arm("random", "random features", random_features, 3),
        Arm("scratch", "the same network from scratch", from_scratch, budget.seeds),
        Arm("probe", "the frozen pretrained network", lambda task: probed(backbone, task)),
        Arm("permuted", "permuted labels", permuted, PERMUTATIONS),
    ]


def commonest(nothing: Backbone, task: Task) -> Model:
    """Always the class with most training samples."""
    bias = np.bincount(task.labels[task.train], minlength=task.classes).astype(np.float64)
    return model_of(nothing, LinearHead(np.zeros((nothing.card.width, task.classes)), bias), task)


def probed(backbone: Backbone, task: Task) -> Model:
    """A logistic head on a frozen network."""
    features = extract_all(task.dataset, task.rows, backbone, task.watch, task.cache_gb)
    head = refit(HEAD, Samples(features[task.train], task.labels[task.train]), task.classes)
    return model_of(backbone, head, task)


def grown(backbone: Backbone, how: Strategy, task: Task) -> Model:
    """What a strategy makes of a backbone, from its probe where it begins there."""
    if how.from_probe:
        features = extract_all(task.dataset, task.rows, backbone, task.watch, task.cache_gb)
        head = refit(HEAD, Samples(features[task.train], task.labels[task.train]), task.classes)
    else:
        head = LinearHead(np.zeros((backbone.card.width, task.classes)), np.zeros(task.classes))
    return model_of(*how.grow(Start(backbone, head, 1.0), task).deliver(1.0), task)


def model_of(backbone: Backbone, head: LinearHead, task: Task) -> Model:
    """A model of its parts; uncalibrated, which no answer depends on."""
    weight, bias = np.ascontiguousarray(head.weight.T, np.float32), head.bias.astype(np.float32)
    return Model(backbone, task.dataset.classes, weight, bias, 1.0, {})


def strategy_of(provenance: Json) -> Strategy:
    """What made a model, as one strategy: that of graft.adapt, or by its rung the probe, pairs, last or all stages."""
    from graft.adaptation.contrastive import Contrastive
    from graft.adaptation.strategy import Full

    if "strategy" in provenance:
        return restored(provenance["strategy"])
    trained = str(provenance.get("rung", "1")).removesuffix("b")  # beneath a head that looks at several stages
    if trained == "1":
        return Probe()
    if trained == "1p":
        return Contrastive()
    return Partial() if trained == "2" else Full()


def predicted(model: Model, paths: Sequence[Content], watch: Watch, margin_only: bool = False) -> NDArray[np.intp]:
    """The class of each file, or of its margin; raises `WorkError` where one cannot be read."""
    found = np.empty(len(paths), np.intp)
    for number, answer in model.predict(paths, watch, margin_only):
        if isinstance(answer, Exception):
            raise WorkError(f"{paths[number]!r} cannot be read any more: {answer}.") from answer
        found[number] = int(answer.argmax())
    return found

"""Where a climb stands: a model that may be delivered, and what becomes of it once nothing is left to decide."""

from dataclasses import dataclass, replace

from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.multitap import head_on_stages
from graft.adaptation.rungs import rung_kind
from graft.backbones import Backbone
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead, Scores

PROBES = ("1", "1b")  # rungs that are fitted on all samples at once
PAIRED = "1p"  # the rung of contrastive pairs


@dataclass(frozen=True, slots=True)
class Incumbent:
    """A model that may be delivered, with its scores on the deciding samples by a head that never saw them.

    Where its head looks at several stages of a network that was trained before, `beneath` is that network as it stood,
    and `looks_from` the first feature that the head looks at.
    """

    rung: str
    name: str
    backbone: Backbone
    head: LinearHead
    temperature: float
    scores: Scores
    samples: int  # that it was fitted on
    beneath: "Incumbent | None" = None
    looks_from: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The standing after the deciding samples taught too, and the training that it took, if it took one."""

    incumbent: Incumbent
    what: str
    result: FitResult | None = None


def finish(incumbent: Incumbent, cut: int | None, chosen: Candidate, context: TrainingContext) -> Finished:
    """What was decided goes on for a quarter of its course on all samples, those that decided among them.

    Nothing can be measured on it; the figures stay those of the network that was judged. A network that pairs have
    taught stays as it is, and its head is fitted on all samples; so is one that looks at several stages.
    """
    if incumbent.beneath is not None:
        below = finish(incumbent.beneath, cut, chosen, context)
        backbone, head = head_on_stages(below.incumbent.backbone, context, chosen, incumbent.looks_from)
        return Finished(_on_all(incumbent, context, backbone, head), below.what, below.result)
    goes_on = rung_kind(incumbent.rung).finish
    if goes_on is None:
        features = extract_all(context.dataset, context.rows, incumbent.backbone, context.watch, context.cache_gb)
        head = refit(chosen, Samples(features, context.labels), context.objective)
        return Finished(_on_all(incumbent, context, incumbent.backbone, head), "the head on all samples")
    how = goes_on(incumbent.backbone, cut, context.changes)
    result = how.fit(InitialModel(incumbent.backbone, incumbent.head, 1.0), context.on_everything())
    return Finished(_on_all(incumbent, context, *result.deliver(1.0)), "the same on all samples", result)


def _on_all(incumbent: Incumbent, context: TrainingContext, backbone: Backbone, head: LinearHead) -> Incumbent:
    only_head = rung_kind(incumbent.rung).finish is None
    name = f"{incumbent.name}, {'head on all samples' if only_head else 'then on all samples'}"
    return replace(incumbent, name=name, backbone=backbone, head=head, samples=len(context.rows))

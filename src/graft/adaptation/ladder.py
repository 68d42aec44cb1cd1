"""The ladder: every rung is a finished model, and each later rung must earn its place."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.guard import SHARES, Blend, Decision, decide
from graft.adaptation.partial import CachedBatches, interpolated, scores_of, state_of, train_suffix, with_head
from graft.adaptation.probe import Probe, Samples, refit
from graft.backbones import Backbone, Loaded
from graft.backbones.backbone import hash_of_weights
from graft.backbones.halves import Halves, default_cut, halve
from graft.data import Dataset
from graft.features import CLEAN, augmented_views, extract_views
from graft.progress import Watch
from graft.ranking.folds import make_folds, stratified_rank
from graft.ranking.ridge import LinearHead
from graft.training.checkpoint import Checkpoints
from graft.training.loop import DivergedError, Limits, Plan, Trained
from graft.training.place import Place

if TYPE_CHECKING:
    from torch import Tensor, nn

VIEWS = 6  # varied views of each training sample, kept as activations
EPOCHS = 20
LEAST_STEPS, MOST_STEPS = 100, 3000
LEARNING_RATE = 5e-4
TRIES = 3  # learning rates, each a third of the last, where training diverges
LEAST_DECIDING = 4  # samples below which no gain can be shown at all
DECIDING_SHARE = 0.15  # of train, where there is no val part to decide on


@dataclass(frozen=True, slots=True)
class Climb:
    """What a rung works on: the samples in one order, which of them train, and what must not be exceeded."""

    dataset: Dataset
    rows: NDArray[np.intp]  # of the data set, train and val
    in_train: NDArray[np.bool_]  # (rows,)
    seed: int
    cache_gb: float
    watch: Watch
    checkpoints: Path

    def deciding(self, groups: NDArray[np.intp] | None) -> NDArray[np.bool_]:
        """The samples that decide: the val part, or a stratified share of train where there is none."""
        if not self.in_train.all():
            return ~self.in_train
        labels = self.dataset.labels[self.rows]
        if groups is not None:
            decided: NDArray[np.bool_] = make_folds(labels, groups, self.seed)[0] == 0
            return decided
        return stratified_rank(labels, self.seed) >= 1 - DECIDING_SHARE


@dataclass(frozen=True, slots=True)
class Rung:
    """What a rung made: a backbone and a head, or None for both where the rung below is better."""

    backbone: Backbone | None
    head: LinearHead | None
    decision: Decision
    scores: NDArray[np.float64]  # of the delivered blend on the deciding samples
    deciding: NDArray[np.intp]  # which rows those are
    trained: Trained
    cut_before: str


def partial_rung(backbone: Backbone, samples: Samples, probe: Probe, climb: Climb) -> Rung | None:
    """Train the last stages from the probe on cached activations; None for a network that cannot be cut."""
    before = default_cut(backbone)
    if before is None:
        climb.watch.say(f"{backbone.card.id} cannot be cut into stages, so its last ones cannot be trained alone.")
        return None
    deciding = climb.deciding(samples.groups)
    if deciding.sum() < LEAST_DECIDING:
        climb.watch.say(f"Only {deciding.sum()} pictures could decide on more training: the probe is kept.")
        return None
    halves = halve(backbone, before)
    views = extract_views(
        climb.dataset,
        climb.rows,
        halves.prefix,
        (CLEAN, *augmented_views(VIEWS, climb.seed)),
        climb.watch,
        climb.cache_gb,
    )
    train = np.flatnonzero(~deciding)
    clean = views[0].matrix[deciding]
    batches = CachedBatches(tuple(view.matrix for view in views[1:]), samples.labels, train, halves.shape, climb.seed)
    start = refit(probe.chosen, samples.take(train), len(climb.dataset.classes))
    module, first, trained = _trained(halves, start, probe.temperature, batches, climb)
    last = state_of(module)
    blends = []
    for share in SHARES:
        module.load_state_dict(interpolated(first, last, share))
        blends.append(Blend(share, scores_of(module, clean, halves.shape)))
    decision = decide(blends, samples.labels[deciding])
    module.load_state_dict(interpolated(first, last, decision.share))
    kept = decision.share > 0
    linear: Any = module[-1]
    return Rung(
        backbone=_with_weights(backbone, halves) if kept else None,
        head=LinearHead(
            linear.weight.detach().numpy().T.astype(np.float64), linear.bias.detach().numpy().astype(np.float64)
        )
        if kept
        else None,
        decision=decision,
        scores=blends[SHARES.index(decision.share)].scores,
        deciding=np.flatnonzero(deciding),
        trained=trained,
        cut_before=backbone.stages[before].name,
    )


def _trained(
    halves: Halves, start: LinearHead, temperature: float, batches: CachedBatches, climb: Climb
) -> "tuple[nn.Sequential, dict[str, Tensor], Trained]":
    """Train, at a third of the learning rate where it diverges; the module, its weights before, and the course."""
    steps = int(np.clip(EPOCHS * batches.per_epoch, LEAST_STEPS, MOST_STEPS))
    module = with_head(halves, start, temperature)
    first = state_of(module)
    for attempt in range(TRIES):
        rate = LEARNING_RATE / 3**attempt
        plan = Plan(steps=steps, learning_rate=rate, head_learning_rate=rate)
        identity = f"{halves.prefix.fingerprint} {climb.dataset.fingerprint} {climb.seed} {plan}"
        checkpoints = Checkpoints(climb.checkpoints, identity, watch=climb.watch)
        limits = Limits(Place.best(), climb.watch, checkpoints, "Training the last stages")
        try:
            trained = train_suffix(module, batches, plan, limits)
        except DivergedError as error:
            climb.watch.say(f"{error} Trying again with a third of the learning rate.")
            module.load_state_dict(first)
            checkpoints.clear()
            continue
        checkpoints.clear()
        return module.to("cpu"), first, trained
    climb.watch.say("Training diverged at every learning rate: the probe is kept.")
    return module.to("cpu"), first, Trained()


def _with_weights(backbone: Backbone, halves: Halves) -> Backbone:
    """The backbone with the trained weights of the halves' trunk, as a network without anything made for training."""
    import copy

    state = state_of(halves.trunk)

    def load() -> Loaded:
        module = copy.deepcopy(backbone.module)
        module.load_state_dict(state)
        return Loaded(module)

    return replace(backbone, load=load, known_weights=hash_of_weights(state))

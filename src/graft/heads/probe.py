"""The first rung: a linear head on frozen features, chosen by log-loss on samples it was not fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graft.errors import RequestError
from graft.heads.basis import Basis
from graft.heads.folds import stratified_rank
from graft.heads.judgement import Judgement
from graft.heads.objective import Objective
from graft.heads.ridge import PENALTIES, LinearHead, Scores, Targets, cross_validate

LEAST_VAL = 50  # a given val part smaller than this is too small to choose by
MOST_FOLDED = 10_000  # samples that take part in cross-validation; the head itself is fitted on all
LOGISTIC_WORK = 2e9  # samples x rank x classes up to which logistic regression takes seconds
LOGISTIC_CELLS = 4e7  # samples x rank up to which its inputs, in single precision, stay below 160 MB
LOGISTIC_FOLD_WORK = 2e8  # the same, for fitting it once per fold

Chooser = Literal["val", "cross-validation"]


@dataclass(frozen=True, slots=True)
class Samples:
    """Features with their targets, and groups where samples belong together."""

    features: NDArray[np.floating]  # (samples, width)
    labels: Targets  # (samples,), or (samples, outputs)
    groups: NDArray[np.intp] | None = None  # (samples,)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> "Samples":
        return Samples(self.features[rows], self.labels[rows], None if self.groups is None else self.groups[rows])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of head that was tried, with its log-loss (at its best temperature) on samples it was not fitted on.

    `accuracy` is how right its answers are on average, as its task counts it.
    """

    kind: str  # ridge, or the one that its task fits in steps
    penalty: float  # for ridge in units of the mean squared singular value
    log_loss: float
    accuracy: float
    temperature: float


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted and calibrated head, with the honest scores it was chosen by."""

    head: LinearHead
    temperature: float
    chosen: Candidate
    candidates: tuple[Candidate, ...]
    chosen_on: Chooser
    held_out_scores: Scores  # (held-out samples, classes), by heads that never saw them
    held_out_rows: NDArray[np.intp]  # which samples those scores belong to
    cross_validated_accuracy: float | None  # on train, told beside the accuracy on a given val part
    figures: Mapping[str, float] = field(default_factory=dict)  # of the chosen one, for a person


def fit_probe(
    samples: Samples, in_train: NDArray[np.bool_], val_was_given: bool, objective: Objective, seed: int
) -> Probe:
    """Fit heads, choose one by log-loss, and refit it on all samples; those not `in_train` are the val part.

    A val part that the user kept apart chooses, if it has at least 50 samples: it may come from another day or place
    than the train part, which no cross-validation can imitate. Otherwise cross-validation chooses, unless there are
    so many classes that the samples it can take have no two of a class. Raises `RequestError` where nothing can be
    held out.
    """
    if (~in_train).sum() >= LEAST_VAL and (val_was_given or 2 * objective.outputs > MOST_FOLDED):
        return _chosen_on_val(samples, in_train, objective, seed)
    return _chosen_by_folds(samples, objective, seed)


def _chosen_on_val(samples: Samples, in_train: NDArray[np.bool_], objective: Objective, seed: int) -> Probe:
    train, val = samples.take(np.flatnonzero(in_train)), samples.take(np.flatnonzero(~in_train))
    basis = Basis.of(train.features)
    tried: list[_Tried] = []
    near = None
    for relative in PENALTIES:
        head = objective.ridge(basis, train.labels, relative * basis.squares.mean())
        tried.append(_tried("ridge", float(relative), head.scores(val.features), val.labels, objective))
    if _stepwise_fits(len(samples), basis, objective.outputs):
        near = objective.fit_stepwise(basis, train.labels, np.arange(len(train)))
        tried.append(_tried(objective.stepwise, 0.0, near.scores(val.features), val.labels, objective))
    best = min(tried, key=lambda one: one.candidate.log_loss)
    return Probe(
        head=refit(best.candidate, samples, objective, near),
        temperature=best.candidate.temperature,
        chosen=best.candidate,
        candidates=tuple(one.candidate for one in tried),
        chosen_on="val",
        held_out_scores=best.scores,
        held_out_rows=np.flatnonzero(~in_train),
        cross_validated_accuracy=accuracy_by_folds(train, objective, seed, basis),
        figures=best.judged.figures,
    )


def _chosen_by_folds(samples: Samples, objective: Objective, seed: int) -> Probe:
    rows = _stratified_subset(objective.strata(samples.labels), MOST_FOLDED, seed)
    part = samples if len(rows) == len(samples) else samples.take(rows)
    folds = objective.folds(part.labels, part.groups, seed)
    held_out = np.flatnonzero(folds[0] >= 0)
    if len(held_out) == 0:
        raise RequestError(
            "Nothing can be held out to measure a model: no class has two samples, or all belong to one group. "
            "Add samples, or name smaller groups with --group."
        )
    basis = Basis.of(part.features)
    targets = objective.encoded(part.labels)
    tried: list[_Tried] = []
    penalties = [float(relative * basis.squares.mean()) for relative in PENALTIES]
    by_penalty = cross_validate(basis, targets, penalties, folds)
    for relative, by_repeat in zip(PENALTIES, by_penalty, strict=True):
        scores = by_repeat.mean(axis=0)[held_out]
        tried.append(_tried("ridge", float(relative), scores, part.labels[held_out], objective))
    best = min(tried, key=lambda one: one.candidate.log_loss)
    if _stepwise_fits(len(samples), basis, objective.outputs):
        work = len(part) * len(basis.squares) * objective.outputs
        scored = _stepwise_by_folds(basis, part.labels, objective, folds[0], one_fold=work > LOGISTIC_FOLD_WORK)
        common = ~np.isnan(scored[held_out, 0])
        labels = part.labels[held_out][common]
        place = list(PENALTIES).index(best.candidate.penalty)
        ridge = by_penalty[place, 0, held_out]  # on the folds that the other had
        rival = objective.judge(ridge[common], labels)
        tried.append(_tried(objective.stepwise, 0.0, scored[held_out][common], labels, objective))
        if tried[-1].candidate.log_loss < rival.log_loss:
            best = tried[-1]
            held_out = held_out[common]
    return Probe(
        head=refit(best.candidate, samples, objective),
        temperature=best.candidate.temperature,
        chosen=best.candidate,
        candidates=tuple(one.candidate for one in tried),
        chosen_on="cross-validation",
        held_out_scores=best.scores,
        held_out_rows=rows[held_out],
        cross_validated_accuracy=None,
        figures=best.judged.figures,
    )


@dataclass(frozen=True, slots=True)
class _Tried:
    candidate: Candidate
    scores: Scores
    judged: Judgement


def _tried(kind: str, penalty: float, scores: Scores, labels: Targets, objective: Objective) -> _Tried:
    judged = objective.judge(scores, labels)
    return _Tried(Candidate(kind, penalty, judged.log_loss, judged.accuracy, judged.temperature), scores, judged)


def refit(chosen: Candidate, samples: Samples, objective: Objective, near: LinearHead | None = None) -> LinearHead:
    """A head of the chosen kind and penalty on any samples; one on most of them lies `near` and saves steps."""
    basis = Basis.of(samples.features)
    if chosen.kind == "ridge":
        return objective.ridge(basis, samples.labels, chosen.penalty * float(basis.squares.mean()))
    return objective.fit_stepwise(basis, samples.labels, np.arange(len(samples)), near)


def accuracy_by_folds(samples: Samples, objective: Objective, seed: int, basis: Basis | None = None) -> float | None:
    """How right a ridge head is, cross-validated; None where nothing can be held out. `basis` is of the samples."""
    part = samples.take(_stratified_subset(objective.strata(samples.labels), MOST_FOLDED, seed))
    folds = objective.folds(part.labels, part.groups, seed)
    held_out = np.flatnonzero(folds[0] >= 0)
    if len(held_out) == 0:
        return None
    if basis is None or len(part) < len(samples):
        basis = Basis.of(part.features)
    targets = objective.encoded(part.labels)
    scores = cross_validate(basis, targets, [0.1 * float(basis.squares.mean())], folds)[0].mean(axis=0)[held_out]
    return objective.judge(scores, part.labels[held_out]).accuracy


def _stepwise_by_folds(
    basis: Basis, labels: Targets, objective: Objective, folds: NDArray[np.int32], one_fold: bool
) -> Scores:
    """Out-of-fold scores on a basis that all folds share (unlabelled, so nothing leaks); NaN where not computed."""
    scores = np.full((len(labels), objective.outputs), np.nan)
    for fold in range(1 if one_fold else int(folds.max()) + 1):
        rows = np.flatnonzero(folds == fold)
        head = objective.fit_stepwise(basis, labels, np.flatnonzero(folds != fold))
        scores[rows] = head.scores(basis.features[rows])
    return scores


def _stepwise_fits(count: int, basis: Basis, outputs: int) -> bool:
    """Whether a head can be fitted in steps on so many samples in seconds, and in bounded memory."""
    cells = count * min(len(basis.mean), count)
    return cells <= LOGISTIC_CELLS and cells * outputs <= LOGISTIC_WORK


def _stratified_subset(strata: NDArray[np.int32], most: int, seed: int) -> NDArray[np.intp]:
    """At most so many rows, in order, with the strata in proportion."""
    if len(strata) <= most:
        return np.arange(len(strata))
    chosen: NDArray[np.intp] = np.sort(np.argsort(stratified_rank(strata, seed), kind="stable")[:most])
    return chosen

"""The first rung: a linear head on frozen features, chosen by log-loss on samples it was not fitted on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graft.errors import RequestError
from graft.heads.basis import Basis
from graft.heads.folds import make_folds, stratified_rank
from graft.heads.logistic import fit_logistic
from graft.heads.ridge import PENALTIES, LinearHead, Scores, cross_validate, fit_ridge, one_hot
from graft.heads.temperature import fit_temperature

LEAST_VAL = 50  # a given val part smaller than this is too small to choose by
MOST_FOLDED = 10_000  # samples that take part in cross-validation; the head itself is fitted on all
LOGISTIC_WORK = 2e9  # samples x rank x classes up to which logistic regression takes seconds
LOGISTIC_CELLS = 4e7  # samples x rank up to which its inputs, in single precision, stay below 160 MB
LOGISTIC_FOLD_WORK = 2e8  # the same, for fitting it once per fold

Chooser = Literal["val", "cross-validation"]


@dataclass(frozen=True, slots=True)
class Samples:
    """Features with their labels, and groups where samples belong together."""

    features: NDArray[np.floating]  # (samples, width)
    labels: NDArray[np.int32]  # (samples,)
    groups: NDArray[np.intp] | None = None  # (samples,)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp]) -> "Samples":
        return Samples(self.features[rows], self.labels[rows], None if self.groups is None else self.groups[rows])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of head that was tried, with its log-loss (at its best temperature) on samples it was not fitted on."""

    kind: Literal["ridge", "logistic"]
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


def fit_probe(samples: Samples, in_train: NDArray[np.bool_], val_was_given: bool, classes: int, seed: int) -> Probe:
    """Fit heads, choose one by log-loss, and refit it on all samples; those not `in_train` are the val part.

    A val part that the user kept apart chooses, if it has at least 50 samples: it may come from another day or place
    than the train part, which no cross-validation can imitate. Otherwise cross-validation chooses, unless there are
    so many classes that the samples it can take have no two of a class. Raises `RequestError` where nothing can be
    held out.
    """
    if (~in_train).sum() >= LEAST_VAL and (val_was_given or 2 * classes > MOST_FOLDED):
        return _chosen_on_val(samples, in_train, classes, seed)
    return _chosen_by_folds(samples, classes, seed)


def _chosen_on_val(samples: Samples, in_train: NDArray[np.bool_], classes: int, seed: int) -> Probe:
    train, val = samples.take(np.flatnonzero(in_train)), samples.take(np.flatnonzero(~in_train))
    basis = Basis.of(train.features)
    tried: list[tuple[Candidate, Scores]] = []
    near = None
    for relative in PENALTIES:
        head = fit_ridge(basis, train.labels, classes, relative * basis.squares.mean())
        tried.append(_candidate("ridge", float(relative), head.scores(val.features), val.labels))
    if _logistic_fits(len(samples), basis, classes):
        near = fit_logistic(basis, train.labels, classes, np.arange(len(train)))
        tried.append(_candidate("logistic", 0.0, near.scores(val.features), val.labels))
    chosen, scores = min(tried, key=lambda pair: pair[0].log_loss)
    return Probe(
        head=refit(chosen, samples, classes, near),
        temperature=chosen.temperature,
        chosen=chosen,
        candidates=tuple(candidate for candidate, _ in tried),
        chosen_on="val",
        held_out_scores=scores,
        held_out_rows=np.flatnonzero(~in_train),
        cross_validated_accuracy=accuracy_by_folds(train, classes, seed, basis),
    )


def _chosen_by_folds(samples: Samples, classes: int, seed: int) -> Probe:
    rows = _stratified_subset(samples.labels, MOST_FOLDED, seed)
    part = samples if len(rows) == len(samples) else samples.take(rows)
    folds = make_folds(part.labels, part.groups, seed)
    held_out = np.flatnonzero(folds[0] >= 0)
    if len(held_out) == 0:
        raise RequestError(
            "Nothing can be held out to measure a model: no class has two samples, or all belong to one group. "
            "Add samples, or name smaller groups with --group."
        )
    basis = Basis.of(part.features)
    targets = one_hot(part.labels, classes)
    tried: list[tuple[Candidate, Scores]] = []
    penalties = [float(relative * basis.squares.mean()) for relative in PENALTIES]
    by_penalty = cross_validate(basis, targets, penalties, folds)
    for relative, by_repeat in zip(PENALTIES, by_penalty, strict=True):
        scores = by_repeat.mean(axis=0)[held_out]
        tried.append(_candidate("ridge", float(relative), scores, part.labels[held_out]))
    chosen, scores = min(tried, key=lambda pair: pair[0].log_loss)
    if _logistic_fits(len(samples), basis, classes):
        work = len(part) * len(basis.squares) * classes
        logistic = _logistic_by_folds(basis, part.labels, classes, folds[0], one_fold=work > LOGISTIC_FOLD_WORK)
        common = ~np.isnan(logistic[held_out, 0])
        place = list(PENALTIES).index(chosen.penalty)
        ridge = by_penalty[place, 0, held_out]  # on the folds that logistic had
        rival, _ = _candidate("ridge", chosen.penalty, ridge[common], part.labels[held_out][common])
        tried.append(_candidate("logistic", 0.0, logistic[held_out][common], part.labels[held_out][common]))
        if tried[-1][0].log_loss < rival.log_loss:
            chosen, scores = tried[-1]
            held_out = held_out[common]
    return Probe(
        head=refit(chosen, samples, classes),
        temperature=chosen.temperature,
        chosen=chosen,
        candidates=tuple(candidate for candidate, _ in tried),
        chosen_on="cross-validation",
        held_out_scores=scores,
        held_out_rows=rows[held_out],
        cross_validated_accuracy=None,
    )


def _candidate(
    kind: Literal["ridge", "logistic"], penalty: float, scores: Scores, labels: NDArray[np.int32]
) -> tuple[Candidate, Scores]:
    temperature, loss = fit_temperature(scores, labels)
    return Candidate(kind, penalty, loss, float((scores.argmax(axis=1) == labels).mean()), temperature), scores


def refit(chosen: Candidate, samples: Samples, classes: int, near: LinearHead | None = None) -> LinearHead:
    """A head of the chosen kind and penalty on any samples; one on most of them lies `near` and saves steps."""
    basis = Basis.of(samples.features)
    if chosen.kind == "logistic":
        return fit_logistic(basis, samples.labels, classes, np.arange(len(samples)), near)
    return fit_ridge(basis, samples.labels, classes, chosen.penalty * float(basis.squares.mean()))


def accuracy_by_folds(samples: Samples, classes: int, seed: int, basis: Basis | None = None) -> float | None:
    """A ridge head's cross-validated accuracy; None where no class can be divided. `basis` is that of the samples."""
    part = samples.take(_stratified_subset(samples.labels, MOST_FOLDED, seed))
    folds = make_folds(part.labels, part.groups, seed)
    held_out = np.flatnonzero(folds[0] >= 0)
    if len(held_out) == 0:
        return None
    if basis is None or len(part) < len(samples):
        basis = Basis.of(part.features)
    targets = one_hot(part.labels, classes)
    scores = cross_validate(basis, targets, [0.1 * float(basis.squares.mean())], folds)[0].mean(axis=0)[held_out]
    return float((scores.argmax(axis=1) == part.labels[held_out]).mean())


def _logistic_by_folds(
    basis: Basis, labels: NDArray[np.int32], classes: int, folds: NDArray[np.int32], one_fold: bool
) -> Scores:
    """Out-of-fold scores on a basis that all folds share (unlabelled, so nothing leaks); NaN where not computed."""
    scores = np.full((len(labels), classes), np.nan)
    for fold in range(1 if one_fold else int(folds.max()) + 1):
        rows = np.flatnonzero(folds == fold)
        head = fit_logistic(basis, labels, classes, np.flatnonzero(folds != fold))
        scores[rows] = head.scores(basis.features[rows])
    return scores


def _logistic_fits(count: int, basis: Basis, classes: int) -> bool:
    """Whether a logistic head can be fitted on so many samples in seconds, and in bounded memory."""
    cells = count * min(len(basis.mean), count)
    return cells <= LOGISTIC_CELLS and cells * classes <= LOGISTIC_WORK


def _stratified_subset(labels: NDArray[np.int32], most: int, seed: int) -> NDArray[np.intp]:
    """At most so many rows, in order, with the classes in proportion."""
    if len(labels) <= most:
        return np.arange(len(labels))
    chosen: NDArray[np.intp] = np.sort(np.argsort(stratified_rank(labels, seed), kind="stable")[:most])
    return chosen

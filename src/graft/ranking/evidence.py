"""What the features of one frozen network say about a task: the figures that a ranking compares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis
from graft.heads.knn import folded_knn_accuracy
from graft.heads.ridge import PENALTIES, cross_validate, one_hot
from graft.heads.temperature import fit_temperature
from graft.ranking.gbc import gbc
from graft.ranking.hscore import shrunk_h_score
from graft.ranking.logme import log_evidence
from graft.ranking.source_labels import nce
from graft.ranking.transrate import transrate

MOST_NEIGHBOURS = 10_000  # samples for which neighbours are looked at: the cost grows with their square


@dataclass(frozen=True)
class Evidence:
    """A ridge probe's out-of-fold answers, and the scores beside them; None where a score does not apply.

    `right` is the share of the repeats in which each judged sample was told right, so that candidates can be compared
    sample by sample.
    """

    right: NDArray[np.float64]  # (judged,), 0 to 1
    accuracy_by_repeat: NDArray[np.float64]  # (repeats,)
    log_loss: float
    temperature: float
    penalty: float  # in units of the mean squared singular value
    knn: float | None
    h_score: float | None  # 0 to 1
    log_evidence: float | None
    nce: float | None
    transrate: float  # told beside the others; weighs nothing
    gbc: float  # the same
    constant: bool  # the features are the same for every sample

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


def gather_evidence(
    features: NDArray[np.floating],
    labels: NDArray[np.int32],
    classes: int,
    folds: NDArray[np.int32],
    source: NDArray[np.intp] | None = None,
) -> Evidence:
    """All scores of one candidate over folds (repeats, samples) that all candidates share.

    The penalty is the one with the least squared error out of fold, averaged over the repeats. `source` are the
    source head's own answers. Raises `ValueError` for features that are not finite.
    """
    if not np.isfinite(features).all():
        raise ValueError("the features are not finite")
    basis, targets = Basis.of(features), one_hot(labels, classes)
    constant = not basis.energy.any()
    judged = np.flatnonzero(folds[0] >= 0)
    moments = basis.moments(labels, classes) / np.sqrt(basis.squares)[:, None]
    penalties = [float(penalty * basis.squares.mean()) for penalty in PENALTIES]
    tried = cross_validate(basis, targets, penalties, folds, moments)[:, :, judged]
    best = int(np.argmin([((scores - targets[judged]) ** 2).mean() for scores in tried]))
    penalty, scores = float(PENALTIES[best]), tried[best]
    answers = scores.argmax(axis=2) == labels[judged]
    temperature, loss = fit_temperature(scores.mean(axis=0), labels[judged])
    evidence = log_evidence(basis, labels, classes)
    return Evidence(
        right=answers.mean(axis=0),
        accuracy_by_repeat=answers.mean(axis=1),
        log_loss=loss,
        temperature=temperature,
        penalty=penalty,
        knn=folded_knn_accuracy(features, labels, classes, folds[0]) if len(labels) <= MOST_NEIGHBOURS else None,
        h_score=_bounded(shrunk_h_score(basis, labels, classes)),
        log_evidence=evidence if np.isfinite(evidence) and not constant else None,
        nce=None if source is None else nce(source, labels),
        transrate=transrate(basis, labels, classes),
        gbc=gbc(basis, labels, classes),
        constant=constant,
    )


def _bounded(share: float) -> float | None:
    """A share, or None where rounding or degenerate features left its bounds."""
    return float(np.clip(share, 0, 1)) if np.isfinite(share) and -1e-6 <= share <= 1 + 1e-6 else None

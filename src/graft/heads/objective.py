"""What a linear head is fitted to and judged by: the part of a task that linear algebra needs."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from graft.heads.basis import Basis
from graft.heads.folds import make_folds
from graft.heads.judgement import Judgement
from graft.heads.logistic import fit_logistic
from graft.heads.ridge import LinearHead, Scores, Targets, fit_ridge, one_hot


class Objective(Protocol):
    """How targets, (samples,) or (samples, outputs), become a head with so many outputs."""

    @property
    def outputs(self) -> int:
        """Scores of a sample."""

    @property
    def stepwise(self) -> str:
        """The kind of head that is fitted in steps, beside ridge."""

    def encoded(self, targets: Targets) -> Scores:
        """What ridge regression is fitted to: (samples, outputs)."""

    def ridge(self, basis: Basis, targets: Targets, penalty: float) -> LinearHead:
        """The ridge head for one penalty, in units of squared singular values."""

    def fit_stepwise(
        self, basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None
    ) -> LinearHead:
        """A head that minimises the task's own loss over `rows` of the basis, from one that lies `near`."""

    def judge(self, scores: Scores, targets: Targets) -> Judgement:
        """How good scores of any scale are, sample by sample."""

    def nothing(self, targets: Targets) -> NDArray[np.float64]:
        """The scores that do best without a look at the sample: (outputs,)."""

    def strata(self, targets: Targets) -> NDArray[np.int32]:
        """Which samples are alike, so that every part gets its share of each kind: (samples,)."""

    def folds(self, targets: Targets, groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
        """Fold numbers for each repeat, (repeats, samples); -1 marks samples that are only ever trained on."""


class Softmax:
    """One class of several for each sample: ridge on one-hot rows, multinomial logistic regression, the Brier score."""

    stepwise = "logistic"

    def __init__(self, outputs: int) -> None:
        self.outputs = outputs

    def encoded(self, targets: Targets) -> Scores:
        return one_hot(targets, self.outputs)

    def ridge(self, basis: Basis, targets: Targets, penalty: float) -> LinearHead:
        return fit_ridge(basis, targets, self.outputs, penalty)

    def fit_stepwise(
        self, basis: Basis, targets: Targets, rows: NDArray[np.intp], near: LinearHead | None = None
    ) -> LinearHead:
        return fit_logistic(basis, targets, self.outputs, rows, near)

    def judge(self, scores: Scores, targets: Targets) -> Judgement:
        return Judgement.of(scores, targets)

    def nothing(self, targets: Targets) -> NDArray[np.float64]:
        return np.bincount(targets, minlength=self.outputs).astype(np.float64)

    def strata(self, targets: Targets) -> NDArray[np.int32]:
        return targets

    def folds(self, targets: Targets, groups: NDArray[np.intp] | None, seed: int) -> NDArray[np.int32]:
        return make_folds(targets, groups, seed)

"""What every strategy works on, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.data import Dataset
from graft.features.cache import DEFAULT_GB
from graft.heads.folds import stratified_rank
from graft.heads.judgement import Judgement
from graft.heads.objective import Objective
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.progress import SILENT, Watch
from graft.records import PARTS
from graft.training.loop import Epoch, Trained
from graft.training.place import Place
from graft.training.plan import PlanChanges

DECIDING_SHARE = 0.15  # of train, where the val part is small or missing
ENOUGH_DECIDING = 500  # samples of a val part that decide alone
MOST_DECIDING = 2000  # samples that decide; a larger val part is thinned out, in proportion


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """Labelled samples, which of them train and which decide, and what the work must not exceed.

    `checkpoints` is a folder, or None where an interruption may cost the training. A training is squeezed to end by
    the `deadline`.
    """

    dataset: Dataset
    rows: NDArray[np.intp]  # of the data set, train and val
    train: NDArray[np.intp]  # positions in `rows`
    deciding: NDArray[np.intp]  # positions in `rows`, none of them in `train`
    place: Place
    seed: int = 0
    cache_gb: float = DEFAULT_GB
    watch: Watch = SILENT
    checkpoints: Path | None = None
    checkpoint_seconds: float = 30.0
    deadline: float | None = None  # on the clock of time.perf_counter
    told: Callable[[Epoch], None] = lambda epoch: None
    own: NDArray[np.bool_] | None = None  # (deciding,): of the val part, where there is one
    changes: PlanChanges = PlanChanges()  # of the plans that are not given

    @classmethod
    def of(cls, dataset: Dataset, place: Place, seed: int = 0, watch: Watch = SILENT) -> "TrainingContext":
        """All samples but the test part. The val part decides; where it is small, a share of train decides with it.

        That share is the end of each class by file order, because neighbours in that order are often one and the same
        moment; groups are kept whole. Where there is no val part, a stratified share of train decides alone.
        """
        rows = dataset.rows("train", "val")
        objective = dataset.task.objective(dataset.outputs)
        targets, groups = dataset.targets(rows), dataset.group_numbers(rows)
        strata = objective.strata(targets)
        val = dataset.parts[rows] == PARTS.index("val")
        decides = val.copy()
        if val.sum() < ENOUGH_DECIDING:
            train = np.flatnonzero(~val)
            if groups is not None:
                share = objective.folds(targets[train], groups[train], seed)[0] == 0
            elif val.any() and dataset.split == "given":
                names = [dataset.sources[row] for row in rows[train]]
                share = _last_of_each_class(strata[train], np.array(sorted(range(len(names)), key=names.__getitem__)))
            else:
                share = _last_of_each_class(strata[train], np.random.default_rng(seed).permutation(len(train)))
            if not val.any() or dataset.split == "given":
                decides[train[share]] = True
        deciding = np.flatnonzero(decides)
        if len(deciding) > MOST_DECIDING:
            rank = stratified_rank(strata[deciding], seed)
            deciding = np.sort(deciding[np.argsort(rank, kind="stable")[:MOST_DECIDING]])
        context = cls(dataset, rows, np.flatnonzero(~decides), deciding, place, seed, watch=watch)
        return replace(context, own=val[deciding] if val.any() else np.ones(len(deciding), np.bool_))

    @property
    def objective(self) -> Objective:
        """What heads are fitted to and judged by."""
        return self.dataset.task.objective(self.dataset.outputs)

    @property
    def labels(self) -> Targets:
        """The targets of the rows: (rows,) or (rows, outputs)."""
        return self.dataset.targets(self.rows)

    def judge(self, scores: Scores) -> Judgement:
        """How good scores of the deciding samples are."""
        return self.objective.judge(scores, self.labels[self.deciding])

    @property
    def groups(self) -> NDArray[np.intp] | None:
        """Numbers of the groups that rows belong to, where there are any: (rows,)."""
        return self.dataset.group_numbers(self.rows)

    def on_everything(self) -> "TrainingContext":
        """The same with no sample held out: what was decided is done again on all of them."""
        return replace(self, train=np.arange(len(self.rows)), deciding=self.deciding[:0], own=None)

    def zero_head(self, width: int) -> LinearHead:
        """A head that answers nothing yet."""
        return LinearHead(np.zeros((width, self.dataset.outputs)), np.zeros(self.dataset.outputs))


def _last_of_each_class(labels: NDArray[np.int32], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The last share of each class in an order, at least one sample; a class with a single one keeps it to train on."""
    chosen = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        count = max(1, round(DECIDING_SHARE * len(rows))) if len(rows) > 1 else 0
        chosen[rows[len(rows) - count :]] = True
    return chosen


@dataclass(frozen=True, slots=True)
class InitialModel:
    """Where a training begins: a network with the head that was fitted on its features, on the training samples."""

    backbone: Backbone
    head: LinearHead
    temperature: float


@dataclass(frozen=True)
class FitResult:
    """What a strategy made. Share 0 of the trained weights is the start, share 1 the end of the training."""

    name: str
    trained: Trained
    scores: dict[float, Scores]  # of the deciding samples, by share
    deliver: Callable[[float], tuple[Backbone, LinearHead]]
    alarms: tuple[str, ...] = ()

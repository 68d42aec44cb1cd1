"""Contrastive pairs: where there are few samples, learn first what belongs together (SetFit, Tunstall et al. 2022)."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graft.adaptation.batches import as_input, clean_inputs, decoded
from graft.adaptation.defaults import contrastive_plan
from graft.adaptation.probe import Candidate, Samples, refit
from graft.adaptation.stages import stages_of
from graft.adaptation.task import Grown, Start, Task
from graft.adaptation.trainee import State, Trainee, state_of, with_weights
from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import RequestError
from graft.ranking.ridge import LinearHead, Scores
from graft.records import Preprocess
from graft.training.plan import Plan

SHARPNESS = 20.0  # what cosines are multiplied by before the softmax
NEVER = -1e4  # a score that no sample has with itself
INPUTS = 64  # samples of a forward pass that computes features


@dataclass(frozen=True, slots=True)
class Contrastive:
    """All stages but the first, by pairs of one class among pairs of other classes; then a head on what they say.

    A pair is two varied samples. Each is to find its partner by the cosine of features among all samples of a step
    (NT-Xent, Chen et al. 2020). Raises `RequestError` where fewer than two classes have two samples to train on.
    """

    plan: Plan | None = None
    pairs: int = 32  # of a step, each of another class
    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
    name: str = "contrastive pairs"
    from_probe: bool = False

    def grow(self, start: Start, task: Task) -> Grown:
        plan = replace(self.plan or contrastive_plan(), label_smoothing=0.0)
        plan.check()
        rows = task.rows[task.train]
        batches = PairBatches(task.dataset, rows, start.backbone.card.preprocess, self.pairs, task.seed)
        body, trunk = stages_of(start.backbone)
        if len(body) > 1:
            body[0].requires_grad_(False)
        return _PairTrainee(
            name=self.name,
            backbone=start.backbone,
            module=nn.Sequential(body, Partners()),
            trunk=trunk,
            batches=batches,
            deciding=lambda: iter(()),
            shares=(0.0, 0.5, 1.0),
            judged=None,  # a head would have to be fitted for it each time
            task=task,
            head=self.head,
        ).grow(replace(plan, batch=2 * self.pairs), task)


class Partners(nn.Module):
    """Features (batch, width) -> (batch, batch): how much each is like each other, and not at all like itself."""

    def forward(self, features: Tensor) -> Tensor:
        unit = nn.functional.normalize(features, dim=1)
        return (SHARPNESS * unit @ unit.T).masked_fill(
            torch.eye(len(unit), dtype=torch.bool, device=unit.device), NEVER
        )


@dataclass
class PairBatches:
    """Two samples side by side of each of several classes; the label of each is the place of its partner."""

    dataset: Dataset
    rows: NDArray[np.intp]  # of the data set: those that are trained on
    preprocess: Preprocess
    pairs: int
    seed: int

    def __post_init__(self) -> None:
        labels = self.dataset.labels[self.rows]
        by_class = [self.rows[labels == label] for label in np.unique(labels)]
        self.by_class = [own for own in by_class if len(own) > 1]
        if len(self.by_class) < 2:
            raise RequestError("Pairs need two classes of two training samples each, at least.")

    @property
    def per_epoch(self) -> int:
        """Steps that show about as many samples as there are."""
        return max(1, round(len(self.rows) / (2 * min(self.pairs, len(self.by_class)))))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, step))
        classes = rng.permutation(len(self.by_class))[: self.pairs]
        rows = np.concatenate([rng.permutation(self.by_class[number])[:2] for number in classes])
        modality = self.dataset.modality
        varied = [modality.augment(decoded(self.dataset, int(row)), self.preprocess, rng) for row in rows]
        inputs = as_input(modality.stack(varied, self.preprocess), modality, self.preprocess)
        return inputs, torch.arange(len(rows)) ^ 1


@dataclass
class _PairTrainee(Trainee):
    """A network whose head is not trained with it, but fitted on what it says after that."""

    task: Task | None = None
    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)

    def scores(self, task: Task | None = None) -> Scores:
        assert self.task is not None
        fitted, features = self._fitted()
        return fitted.scores(features[self.task.deciding])

    def _delivered(self, state: State) -> tuple[Backbone, LinearHead]:
        self.module.load_state_dict(state)
        return with_weights(self.backbone, state_of(self.trunk)), self._fitted()[0]

    def _fitted(self) -> tuple[LinearHead, NDArray[np.float32]]:
        """A head on the training samples under the present weights, and the features of all."""
        task = self.task
        assert task is not None
        preprocess = self.backbone.card.preprocess
        inputs = clean_inputs(task.dataset, task.rows, preprocess, INPUTS)
        with torch.inference_mode():
            features = np.concatenate([self.module[0](one).float().numpy() for one in inputs])
        return refit(self.head, Samples(features[task.train], task.labels[task.train]), task.classes), features

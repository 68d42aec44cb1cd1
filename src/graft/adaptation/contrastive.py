"""Contrastive pairs: where there are few samples, learn first what belongs together (SetFit, Tunstall et al. 2022)."""

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graft.adaptation.batches import as_input, decoded, varied_view
from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.defaults import contrastive_plan
from graft.adaptation.fine_tuner import FineTuner, State, state_of, with_weights
from graft.adaptation.stages import stages_of
from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import RequestError
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead, Scores
from graft.records import Preprocess, TextPreprocess
from graft.training.plan import Plan

SHARPNESS = 20.0  # what cosines are multiplied by before the softmax
NEVER = -1e4  # a score that no sample has with itself
PARTS = 4  # of a step, each of texts of like length


@dataclass(frozen=True, slots=True)
class Contrastive:
    """All stages but the first, by pairs of one class among samples of other classes; then a head on what they say.

    Each varied sample is to find those of its class by the cosine of features among all samples of a step (supervised
    contrastive learning, Khosla et al. 2020). Raises `RequestError` where fewer than two classes have two samples to
    train on.
    """

    plan: Plan | None = None
    pairs: int = 64  # of a step, each of another class where there are so many
    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
    name: str = "contrastive pairs"
    from_probe: bool = False

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        plan = replace(self.plan or context.changes.on(contrastive_plan()), label_smoothing=0.0)
        plan.check()
        rows = context.rows[context.train]
        batches = PairBatches(context.dataset, rows, start.backbone.card.preprocess, self.pairs, context.seed)
        body, trunk = stages_of(start.backbone)
        preprocess = start.backbone.card.preprocess
        if isinstance(preprocess, TextPreprocess):
            body = Shortened(body, preprocess.pad)
        if len(body) > 1:
            body[0].requires_grad_(False)
        return _PairTrainee(
            name=self.name,
            backbone=start.backbone,
            module=nn.Sequential(body, Partners()),
            trunk=trunk,
            batches=batches,
            deciding=lambda: iter(()),
            shares=(0.5, 1.0),
            judged=None,  # a head would have to be fitted for it each time
            loss=finding_its_class,
            context=context,
            head=self.head,
        ).fit(replace(plan, batch=2 * self.pairs), context)


class Shortened(nn.Sequential):
    """Stages whose input, tokens (batch, places), is computed in parts of like length, each cut to its longest text."""

    def __init__(self, stages: nn.Sequential, pad: int) -> None:
        super().__init__(*stages)
        self.pad = pad

    def forward(self, tokens: Tensor) -> Tensor:
        filled = (tokens.flip(1) != self.pad).int().argmax(dim=1)
        order = filled.argsort(descending=True, stable=True)  # the shortest first
        found = [
            super(Shortened, self).forward(tokens[part, : tokens.shape[1] - int(filled[part].min())])
            for part in order.chunk(PARTS)
        ]
        return torch.cat(found)[order.argsort()]


class Partners(nn.Module):
    """Features (batch, width) -> (batch, batch): how much each is like each other, and not at all like itself."""

    def forward(self, features: Tensor) -> Tensor:
        unit = nn.functional.normalize(features, dim=1)
        return (SHARPNESS * unit @ unit.T).masked_fill(
            torch.eye(len(unit), dtype=torch.bool, device=unit.device), NEVER
        )


def finding_its_class(scores: Tensor, labels: Tensor) -> Tensor:
    """The sum over samples of how improbable those of their class are to them, on average (equation 2 of the paper).

    `scores` (batch, batch) as `Partners` gives them; every label occurs twice at least.
    """
    same = (labels[:, None] == labels).fill_diagonal_(False)
    improbable = -nn.functional.log_softmax(scores, dim=1).masked_fill(~same, 0.0)
    return (improbable.sum(dim=1) / same.sum(dim=1)).sum()


@dataclass
class PairBatches:
    """Samples of several classes, as many of each, two at least."""

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
        self.of_each = 2 * max(1, self.pairs // len(self.by_class))

    @property
    def per_epoch(self) -> int:
        """Steps that show about as many samples as there are."""
        return max(1, round(len(self.rows) / (2 * self.pairs)))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, step))
        classes = rng.permutation(len(self.by_class))[: self.pairs]
        rows = np.concatenate([rng.permutation(self.by_class[number])[: self.of_each] for number in classes])
        modality = self.dataset.modality
        vary = partial(varied_view, modality, self.preprocess, rng)
        varied = [decoded(self.dataset, int(row), vary, self.preprocess) for row in rows]
        inputs = as_input(modality.stack(varied, self.preprocess), modality, self.preprocess)
        return inputs, torch.from_numpy(self.dataset.labels[rows].astype(np.int64))


@dataclass
class _PairTrainee(FineTuner):
    """A network whose head is not trained with it, but fitted on what it says after that."""

    context: TrainingContext | None = None
    head: Candidate = Candidate("logistic", 0.0, 0.0, 0.0, 1.0)
    fitted: dict[str, tuple[LinearHead, Scores]] = field(default_factory=dict)  # by the network's fingerprint

    def scores(self, context: TrainingContext | None = None) -> Scores:
        return self._fitted(with_weights(self.backbone, state_of(self.trunk)))[1]

    def _delivered(self, state: State) -> tuple[Backbone, LinearHead]:
        self.module.load_state_dict(state)
        backbone = with_weights(self.backbone, state_of(self.trunk))
        return backbone, self._fitted(backbone)[0]

    def _fitted(self, backbone: Backbone) -> tuple[LinearHead, Scores]:
        """A head on the training samples as this network sees them, and its scores of the deciding ones."""
        context = self.context
        assert context is not None
        if backbone.fingerprint not in self.fitted:
            features = extract_all(context.dataset, context.rows, backbone, context.watch, context.cache_gb)
            head = refit(self.head, Samples(features[context.train], context.labels[context.train]), context.objective)
            self.fitted[backbone.fingerprint] = head, head.scores(features[context.deciding])
        return self.fitted[backbone.fingerprint]

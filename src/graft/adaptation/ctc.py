"""Connectionist temporal classification (Graves 2006): frames learn to spell what was said, without being told when."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.batches import CachedBatches, Order
from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.fine_tuner import FineTuner, with_head
from graft.adaptation.letters import BLANK, Letters
from graft.backbones import Backbone
from graft.errors import RequestError
from graft.features import CLEAN, augmented_views, extract_views, refuse_gone
from graft.heads.ridge import LinearHead, Scores
from graft.tasks.transcripts import spoken
from graft.training.plan import Plan

if TYPE_CHECKING:
    from torch import Tensor

    from graft.backbones.halves import Halves

INPUTS = 64  # samples of a forward pass that judges
VIEWS = 4  # varied recordings of each, from which training draws


@dataclass(frozen=True, slots=True)
class Ctc:
    """A head on every frame, and the stages from `from_stage` on where they are not `frozen`.

    What the stages before make of varied recordings is computed once and kept on disk.
    """

    from_stage: int
    plan: Plan
    letters: Letters
    name: str
    frozen: bool = False
    views: int = VIEWS

    def fit(self, start: InitialModel, context: TrainingContext) -> FitResult:
        """Train on the task's training samples; scores are log-probabilities: (deciding, frames, letters + 1)."""
        from graft.backbones.halves import halve

        self.plan.check()
        halves = halve(start.backbone, self.from_stage)
        wanted = (CLEAN, *augmented_views(views_that_fit(halves, context, self.views), context.seed))
        found = extract_views(context.dataset, context.rows, halves.prefix, wanted, context.watch, context.cache_gb)
        refuse_gone(context.dataset, found[0])
        clean, varied = found[0].matrix, tuple(view.matrix for view in found[1:])
        targets = self.letters.targets(spoken(context.dataset, context.rows))
        if self.frozen:
            halves.suffix.requires_grad_(False)

        def deciding() -> "Iterator[Tensor]":
            import torch

            for at in range(0, len(context.deciding), INPUTS):
                part = np.array(clean[context.deciding[at : at + INPUTS]], np.float32)
                yield torch.from_numpy(part.reshape(-1, *halves.shape))

        order = Order(len(context.train), self.plan.batch, context.seed)
        result = FineTuner(
            name=self.name,
            backbone=start.backbone,
            module=with_head(halves.suffix, start),
            trunk=halves.trunk,
            batches=CachedBatches(varied or (clean,), targets, context.train, halves.shape, order),
            deciding=deciding,
            shares=(1.0,),
            loss=ctc_loss,
            judged=lambda scores, context: float(losses_of(scores, targets[context.deciding]).mean()),
        ).fit(self.plan, context)
        return replace(result, scores={share: log_softmax(scores) for share, scores in result.scores.items()})


def ctc_loss(scores: "Tensor", wanted: "Tensor") -> "Tensor":
    """The sum of -log p(text) over a batch: scores (batch, frames, letters + 1), numbers (batch, longest), 0 behind."""
    return _losses(scores, wanted, "sum")


def losses_of(scores: Scores, targets: NDArray[np.int32]) -> NDArray[np.float64]:
    """-log p(text) of each sample, in nats: (samples, frames, letters + 1) and (samples, longest) -> (samples,)."""
    import torch

    found: NDArray[np.float64] = _losses(
        torch.from_numpy(np.asarray(scores, np.float64)), torch.from_numpy(targets.astype(np.int64)), "none"
    ).numpy()
    return found


def _losses(scores: "Tensor", wanted: "Tensor", reduction: str) -> "Tensor":
    import torch
    from torch.nn import functional

    frames = torch.full((len(scores),), scores.shape[1], dtype=torch.long)
    lengths = (wanted != BLANK).sum(dim=1).cpu()
    probable: Any = scores.log_softmax(dim=2).transpose(0, 1)
    return functional.ctc_loss(probable, wanted, frames, lengths, blank=BLANK, reduction=reduction)


def log_softmax(scores: Scores) -> Scores:
    """Log-probabilities over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True) if scores.size else scores
    result: Scores = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def views_that_fit(halves: "Halves", context: TrainingContext, wanted: int) -> int:
    """As many varied views as the cache may hold beside the clean one; raises `RequestError` for too small a cache."""
    gigabytes = len(context.rows) * halves.prefix.card.width * 2 / 1e9  # of one view, in half precision
    fitting = min(wanted, int(context.cache_gb / gigabytes) - 1)
    if fitting < min(wanted, 1):
        raise RequestError(
            f"Training needs {2 * gigabytes:.1f} GB for activations, and the cache may take {context.cache_gb:.1f} GB. "
            "Allow more with --cache-gb."
        )
    if fitting < wanted:
        context.watch.say(f"{fitting} instead of {wanted} varied views fit into {context.cache_gb:.1f} GB.")
    return fitting


def empty_head(backbone: Backbone, letters: Letters) -> LinearHead:
    """A head that finds all letters equally probable."""
    shape = (backbone.card.width, len(letters.names) + 1)
    return LinearHead(np.zeros(shape), np.zeros(shape[1]))

"""What a training minimises, and the blends of samples that it may be taken on."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from graft.errors import RequestError
from graft.training.plan import Plan

Loss = Callable[[Tensor, Tensor], Tensor]  # scores and labels of a batch -> the sum of the losses of its samples


def blended(
    inputs: Tensor, labels: Tensor, mixup: float, step: int
) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor, float]:
    """Each sample blended with another of its batch: inputs, labels, labels of the others, and the share of the first.

    The step alone decides how. Without mixup the batch stays as it is. Raises `RequestError` for tokens.
    """
    if mixup == 0:
        return inputs, labels
    if not inputs.is_floating_point():
        raise RequestError("Tokens cannot be blended. Leave mixup at 0, or train later stages: their inputs can.")
    rng = np.random.default_rng((step, 3))
    share = float(rng.beta(mixup, mixup))
    order = torch.from_numpy(rng.permutation(len(labels)))
    return inputs * share + inputs[order] * (1 - share), labels, labels[order], share


def cross_entropy(plan: Plan) -> Loss:
    """The loss of classes: scores (batch, classes) and labels (batch,)."""
    weights = None if plan.class_weights is None else torch.tensor(plan.class_weights)

    def loss(scores: Tensor, labels: Tensor) -> Tensor:
        weight = None if weights is None else weights.to(labels.device)
        return nn.functional.cross_entropy(
            scores, labels, weight=weight, label_smoothing=plan.label_smoothing, reduction="sum"
        )

    return loss

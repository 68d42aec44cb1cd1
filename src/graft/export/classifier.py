"""The whole model as one graph: prepared samples in, calibrated probabilities and an unknown score out."""

from typing import TYPE_CHECKING

import numpy as np

from graft.adaptation.model import Model
from graft.features.engine import entered
from graft.modalities.modality import Prepared

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram


def outputs_of(model: Model) -> tuple[str, str]:
    """The names of a graph's outputs."""
    return model.task.output, "unknown"


def classifier(model: Model) -> "nn.Module":
    """A module from stacked prepared samples to answers (batch, outputs) and unknown scores (batch,).

    The temperature stands in the weights of the head. The unknown score is 1 minus the highest probability
    (Hendrycks & Gimpel 2017).
    """
    import torch
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = entered(model.backbone)
            self.head = nn.Linear(model.weight.shape[1], model.weight.shape[0])
            with torch.no_grad():
                self.head.weight.copy_(torch.from_numpy(model.weight / np.float32(model.temperature)))
                self.head.bias.copy_(torch.from_numpy(model.bias / np.float32(model.temperature)))

            self.answer = model.task.activation()

        def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            answers: tuple[torch.Tensor, torch.Tensor] = self.answer(self.head(self.trunk(samples)))
            return answers

    return Classifier().eval().requires_grad_(False)


def example(model: Model, batch: int) -> Prepared:
    """Stacked prepared samples of noise, as the graph takes them."""
    preprocess = model.backbone.card.preprocess
    return model.modality.stack([model.modality.example(preprocess)] * batch, preprocess)


def program(model: Model, batched: bool) -> "ExportedProgram":
    """The classifier as a graph of torch.export; `batched` leaves the number of samples open, else it is one.

    A dimension that differs from sample to sample, as the number of tokens does, is open in either case.
    """
    import torch
    from torch.export import Dim, export

    shape = model.modality.shape(model.backbone.card.preprocess)
    open_ones = {place: Dim.DYNAMIC for place, size in enumerate(shape, 1) if size is None}
    dimensions = {0: Dim.DYNAMIC, **open_ones} if batched else open_ones
    samples = torch.from_numpy(np.array(example(model, 2 if batched else 1)))
    with torch.no_grad():
        return export(classifier(model), (samples,), dynamic_shapes=(dimensions,) if dimensions else None)

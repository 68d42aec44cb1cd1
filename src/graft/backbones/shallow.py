"""No network at all: what can be seen of a sample without any learning, to see how far a task goes with that."""

from typing import TYPE_CHECKING

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.licence import NONE_NEEDED
from graft.records import Card, ImagePreprocess, Preprocess, TextPreprocess

if TYPE_CHECKING:
    from torch import nn

SIDE = 16
BUCKETS = 2048
SEEN = {
    "image": "16 x 16 pixels",
    "text": "counts of word pieces",
    "audio": "mean and spread of the spectrum",
}


def shallow(backbone: Backbone) -> Backbone:
    """A backbone that learnt nothing for the same samples: a thumbnail, counts of word pieces, or a mean spectrum."""
    modality = backbone.card.modality
    preprocess: Preprocess = backbone.card.preprocess
    if isinstance(preprocess, ImagePreprocess):
        grey = (0.5, 0.5, 0.5)
        preprocess = ImagePreprocess(resize=SIDE, crop=SIDE, interpolation="bilinear", mean=grey, std=grey)
    width = {"image": 3 * SIDE * SIDE, "text": BUCKETS, "audio": 2 * 96}[modality]
    name = {"image": "pixels", "text": "word-pieces", "audio": "spectrum"}[modality]
    card = Card(
        id=name,
        architecture=name,
        modality=modality,
        licence=NONE_NEEDED,
        source="nothing",
        parameters=0,
        macs=0,
        width=width,
        preprocess=preprocess,
    )

    def load() -> Loaded:
        from torch import nn

        if isinstance(preprocess, ImagePreprocess):
            return Loaded(nn.Flatten(1))
        return Loaded(_counts(preprocess.pad) if isinstance(preprocess, TextPreprocess) else _spectrum())

    return Backbone(card, load, known_weights="none")


def _counts(pad: int) -> "nn.Module":
    import torch
    from torch import nn

    class Counts(nn.Module):
        """(batch, tokens) -> (batch, 2048): which word pieces there are, of length 1."""

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            there = (tokens != pad).float()
            counts = there.new_zeros(len(tokens), BUCKETS).scatter_add(1, tokens % BUCKETS, there)
            return nn.functional.normalize(counts.sqrt(), dim=1)

    return Counts().eval()


def _spectrum() -> "nn.Module":
    import torch
    from torch import nn

    from graft.backbones.spectrogram import LogMel

    class Spectrum(nn.Module):
        """(batch, samples) -> (batch, 192): mean and standard deviation over time of each band of a spectrogram."""

        def __init__(self) -> None:
            super().__init__()
            self.mel = LogMel()

        def forward(self, waves: torch.Tensor) -> torch.Tensor:
            bands = self.mel(waves) / 20
            return torch.cat([bands.mean(dim=1), bands.std(dim=1)], dim=1)

    return Spectrum().eval()

"""No network at all: a thumbnail of 16 x 16 pixels, to see how far a task goes without any pretraining."""

from graft.backbones.backbone import Backbone, Loaded
from graft.records import Card, Preprocess

SIDE = 16


def pixels() -> Backbone:
    """The thumbnail as a backbone, whose 768 features are its colours."""
    grey = (0.5, 0.5, 0.5)
    card = Card(
        id="pixels",
        architecture="pixels",
        modality="image",
        licence="none needed",
        source="nothing",
        parameters=0,
        macs=0,
        width=3 * SIDE * SIDE,
        preprocess=Preprocess(resize=SIDE, crop=SIDE, interpolation="bilinear", mean=grey, std=grey),
    )

    def load() -> Loaded:
        from torch import nn

        return Loaded(nn.Flatten(1))

    return Backbone(card, load, known_weights="none")

"""`spectrogram+` before the name of a picture network: the same network for sounds."""

import copy
from collections.abc import Callable
from dataclasses import replace

from graft.backbones.backbone import Backbone, Loaded
from graft.errors import RequestError
from graft.records import AudioPreprocess, ImagePreprocess

RATE = 16_000
LEAST, MOST = 1.0, 10.0  # seconds that it hears at once


def open_spectrogram(identity: str, open_backbone: Callable[[str], Backbone]) -> Backbone:
    """The picture network of this name behind a spectrogram; raises as `open_backbone` does."""
    inner = open_backbone(identity)
    if not isinstance(inner.card.preprocess, ImagePreprocess):
        raise RequestError(f"{identity} takes no pictures, so it cannot look at a spectrogram. Expected timm:NAME.")
    side = inner.card.preprocess.crop
    card = replace(
        inner.card,
        id=f"spectrogram+{identity}",
        architecture=f"spectrogram@{side}+{inner.card.architecture}",
        modality="audio",
        preprocess=AudioPreprocess(RATE, int(LEAST * RATE), int(LEAST * RATE), int(MOST * RATE)),
    )

    def load() -> Loaded:
        from graft.backbones.spectrogram import Sounding

        return Loaded(Sounding(copy.deepcopy(inner.module), side).eval())

    return Backbone(card, load)  # its weights are those of the network and of the spectrogram in front

"""How much of recordings a network must hear where every word counts: all of it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.data import Dataset
from graft.features.suited import seen
from graft.modalities.audio import seconds_of
from graft.records import AudioPreprocess, Finding

USUAL = 0.99  # of the recordings set the length that is trained on: one very long one would cost as much for each
SPARE = 1.12  # room for recordings that are played slower
STEP = 0.25  # seconds: few lengths, so that what was computed is found again


def whole(backbone: Backbone, dataset: Dataset) -> tuple[Backbone, NDArray[np.intp]]:
    """The backbone hearing nearly all recordings whole, and rows of train and val that are too long to train on."""
    preprocess = backbone.card.preprocess
    assert isinstance(preprocess, AudioPreprocess)
    rows = seen(dataset)
    seconds = np.nan_to_num([seconds_of(dataset.path(int(row))) for row in rows])
    wanted = np.ceil(np.quantile(seconds, USUAL) * SPARE / STEP) * STEP * preprocess.rate
    samples = int(np.clip(wanted, preprocess.least, preprocess.most))
    long = rows[seconds * preprocess.rate * SPARE > samples]
    card = replace(backbone.card, preprocess=replace(preprocess, samples=samples))
    return replace(backbone, card=card), long


def too_long(dataset: Dataset, rows: NDArray[np.intp], backbone: Backbone) -> tuple[Finding, ...]:
    """A finding for recordings that are not trained on because of their length."""
    if not len(rows):
        return ()
    preprocess = backbone.card.preprocess
    assert isinstance(preprocess, AudioPreprocess)
    names = tuple(dataset.sources[row] for row in rows)
    message = (
        f"{len(rows):,} of the recordings are much longer than the others or than the network hears at once "
        f"({preprocess.samples / preprocess.rate:.2f} s); they are not trained on."
    )
    return (Finding("too-long-to-train", "warning", message, names),)

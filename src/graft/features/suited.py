"""A backbone for a data set: of the right kind, and hearing as much of each sample as the data need."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graft.backbones import DEFAULTS, Backbone, open_backbone
from graft.data import Dataset
from graft.errors import RequestError
from graft.modalities.table import modality_of
from graft.records import PARTS, Finding


def suited(identity: str | None, dataset: Dataset) -> Backbone:
    """Open a backbone by name, or the default of this kind; raises `RequestError` for one of another kind."""
    return suit(open_backbone(identity or DEFAULTS[dataset.modality.name]), dataset)


def suit(backbone: Backbone, dataset: Dataset) -> Backbone:
    """The same backbone with its preprocessing suited to the samples that may be looked at while choosing."""
    card = backbone.card
    if card.modality != dataset.modality.name:
        theirs = modality_of(card.modality).noun
        raise RequestError(
            f"{card.id} takes {theirs}s, and {dataset.pointed_at} holds {dataset.modality.noun}s. For those there is "
            f"{DEFAULTS[dataset.modality.name]}; graft models lists more."
        )
    sources = [dataset.content(int(row)) for row in seen(dataset)]
    preprocess = dataset.modality.suit(card.preprocess, sources)
    return backbone if preprocess == card.preprocess else replace(backbone, card=replace(card, preprocess=preprocess))


def excess(backbone: Backbone, dataset: Dataset) -> tuple[Finding, ...]:
    """A finding where the network will not see all of the samples."""
    sources = [dataset.content(int(row)) for row in seen(dataset)]
    message = dataset.modality.excess(backbone.card.preprocess, sources)
    return (Finding("longer-than-seen", "warning", message),) if message else ()


def seen(dataset: Dataset) -> NDArray[np.intp]:
    """The rows of train and val."""
    return np.flatnonzero(dataset.parts != PARTS.index("test"))

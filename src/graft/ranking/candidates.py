"""The candidates of a ranking: opened, filtered by what they cost, and timed on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.backbones.licence import outside_of
from graft.data import Dataset
from graft.errors import GraftError
from graft.features import sample_of, suited
from graft.features.speed import milliseconds_a_sample
from graft.progress import Watch
from graft.ranking.evidence import Evidence
from graft.records import Card, Cost

BYTES = 4  # of a weight in single precision


@dataclass(frozen=True, slots=True)
class Limits:
    """What a candidate may cost: millions of parameters, milliseconds a picture here, megabytes of weights.

    `licences` are beginnings of licence names; none allow all.
    """

    max_params: float | None = None
    max_ms: float | None = None
    max_mb: float | None = None
    licences: tuple[str, ...] = ()

    def broken_by(self, card: Card) -> str:
        """What a network breaks before it was timed, in words; empty where nothing."""
        reasons = []
        if self.max_params is not None and card.parameters > self.max_params * 1e6:
            reasons.append(f"{card.parameters / 1e6:.1f} million parameters")
        if self.max_mb is not None and megabytes(card) > self.max_mb:
            reasons.append(f"{megabytes(card):.1f} MB")
        outside = outside_of(card, self.licences) if self.licences else ""
        if outside:
            reasons.append(outside)
        return ", ".join(reasons)


@dataclass
class Candidate:
    """A backbone in the running: what it takes a picture, and what is known of it on so many samples."""

    backbone: Backbone
    milliseconds: float
    evidence: Evidence | None = None
    samples: int = 0

    @property
    def name(self) -> str:
        return self.backbone.card.id

    @property
    def known(self) -> Evidence:
        assert self.evidence is not None
        return self.evidence

    @property
    def cost(self) -> Cost:
        card = self.backbone.card
        return Cost(card.parameters, card.macs, self.milliseconds, megabytes(card), card.licence)


def open_candidates(
    names: Sequence[str], limits: Limits, dataset: Dataset, rows: NDArray[np.intp], watch: Watch
) -> tuple[list[Candidate], dict[str, str]]:
    """Those that can be opened and keep the limits, timed on some of the `rows`; the others with their reasons."""
    found, left_out = [], {}
    with watch.task("Opening networks", len(names), "networks") as advance:
        for name in names:
            try:
                backbone = suited(name, dataset)
                reason = limits.broken_by(backbone.card)
                if not reason:
                    taken = milliseconds_a_sample(backbone, sample_of(dataset, rows, backbone), watch)
                    candidate = Candidate(backbone, taken)
                    if limits.max_ms is not None and candidate.milliseconds > limits.max_ms:
                        reason = f"{candidate.milliseconds:.1f} ms a {dataset.modality.noun}"
            except GraftError as error:
                reason = str(error)
            if reason:
                left_out[name] = reason
            else:
                found.append(candidate)
            advance(1)
    return found, left_out


def megabytes(card: Card) -> float:
    """The size of a network's weights in single precision."""
    return card.parameters * BYTES / 1e6

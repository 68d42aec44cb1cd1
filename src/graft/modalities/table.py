"""The kinds of samples there are, by name."""

from graft.errors import RequestError
from graft.modalities.audio import AUDIO
from graft.modalities.image import IMAGE
from graft.modalities.modality import Modality
from graft.modalities.pair import PAIR
from graft.modalities.text import TEXT

MODALITIES: dict[str, Modality] = {one.name: one for one in (IMAGE, TEXT, AUDIO, PAIR)}


def modality_of(name: str) -> Modality:
    """The modality of this name; raises `RequestError` for any other."""
    if name not in MODALITIES:
        raise RequestError(f"{name!r} is no kind of sample that graft knows. Expected: {', '.join(MODALITIES)}.")
    return MODALITIES[name]

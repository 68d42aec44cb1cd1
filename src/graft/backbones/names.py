"""How backbones are called, and what to say of a name that nobody knows."""

import difflib
from collections.abc import Iterable

from graft.errors import RequestError, listing

SOURCES = ("wheel", "timm", "torchvision", "hf", "spectrogram+timm", "file", "run", "random")
FRAMES = "frames+"  # before the name of an architecture: the same network, frame by frame


def unknown(identity: str, names: Iterable[str]) -> RequestError:
    """The error for a name nobody knows, with the nearest ones that exist."""
    names = list(names)
    bare = {name.partition(":")[2].split(".")[0]: name for name in reversed(names)}
    near = difflib.get_close_matches(identity, names, n=3, cutoff=0.6)
    near += [
        bare[match]
        for match in difflib.get_close_matches(identity.partition(":")[2] or identity, bare, n=3, cutoff=0.6)
    ]
    meant = f" Did you mean {listing(list(dict.fromkeys(near)), 3)}?" if near else ""
    return RequestError(
        f"There is no backbone {identity!r}.{meant} A name begins with {', '.join(f'{s}:' for s in SOURCES)}; "
        "graft models lists them."
    )

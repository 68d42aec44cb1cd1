"""Pictures with a text each: two kinds side by side, each looked at by a network of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import RequestError
from graft.modalities.image import IMAGE
from graft.modalities.modality import BETWEEN, Content, Pair, Prepared, UnreadableError, joined
from graft.modalities.text import TEXT
from graft.records import PairPreprocess

if TYPE_CHECKING:
    from torch import nn


class PairModality:
    """A prepared sample is an array of two objects: what the picture's network takes, and what the text's takes."""

    name = "pair"
    noun = "pair"
    version = f"{IMAGE.version}-{TEXT.version}"
    preparation = 10 * IMAGE.preparation + TEXT.preparation
    augmentation = 1
    views = 0
    margin = ""
    told: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()  # pairs stand in tables

    def decoding_bytes(self, content: bytes) -> int:
        return IMAGE.decoding_bytes(_parted(content)[1])

    def check(self, content: bytes) -> str:
        text, picture = _parted(content)
        return TEXT.check(text) or IMAGE.check(picture)

    def decode(self, source: Any, preprocess: PairPreprocess | None = None) -> tuple[Any, str]:
        text, picture = _parted(joined(source) if isinstance(source, Pair) else source)
        return IMAGE.decode(picture), TEXT.decode(text)

    def accept(self, thing: Any) -> tuple[Any, str]:
        if isinstance(thing, Pair):
            return self.decode(thing)
        if not (isinstance(thing, tuple) and len(thing) == 2):
            raise RequestError(f"A {type(thing).__name__} is no pair. Expected (picture, text).")
        picture, text = thing
        seen = IMAGE.decode(Path(picture)) if isinstance(picture, str | Path) else IMAGE.accept(picture)
        return seen, TEXT.accept(text)

    def prepare(self, sample: tuple[Any, str], preprocess: PairPreprocess) -> Prepared:
        return _both(IMAGE.prepare(sample[0], preprocess.image), TEXT.prepare(sample[1], preprocess.text))

    def signal(self, sample: tuple[Any, str], preprocess: PairPreprocess) -> Prepared:
        return self.prepare(sample, preprocess)

    def augment(self, sample: tuple[Any, str], preprocess: PairPreprocess, rng: np.random.Generator) -> Prepared:
        picture = IMAGE.augment(sample[0], preprocess.image, rng)
        return _both(picture, TEXT.augment(sample[1], preprocess.text, rng))

    def stack(self, samples: Sequence[Prepared], preprocess: PairPreprocess) -> Prepared:
        return np.stack(samples)

    def shape(self, preprocess: PairPreprocess) -> tuple[int | None, ...]:
        return (2,)

    def example(self, preprocess: PairPreprocess) -> Prepared:
        return _both(IMAGE.example(preprocess.image), TEXT.example(preprocess.text))

    def entry(self, preprocess: PairPreprocess) -> "nn.Module":
        from torch import nn

        return nn.Identity()

    def suit(self, preprocess: PairPreprocess, sources: Sequence[Content]) -> PairPreprocess:
        return preprocess

    def fix(self, preprocess: PairPreprocess, sources: Sequence[Content]) -> PairPreprocess:
        return preprocess

    def made(self, source: Any) -> tuple[float, ...]:
        return IMAGE.made(_parted(joined(source) if isinstance(source, Pair) else source)[1])

    def margin_of(self, prepared: Prepared, preprocess: PairPreprocess) -> Prepared:
        return prepared

    def excess(self, preprocess: PairPreprocess, sources: Sequence[Any]) -> str:
        return TEXT.excess(preprocess.text, [one.text for one in sources])


def _parted(content: bytes) -> tuple[bytes, bytes]:
    """Text and picture of a content that `joined` made."""
    text, between, picture = content.partition(BETWEEN)
    if not between:
        raise UnreadableError("no pair of a text and a picture")
    return text, picture


def _both(picture: Prepared, text: Prepared) -> NDArray[Any]:
    both = np.empty(2, object)
    both[0], both[1] = picture, text
    return both


PAIR = PairModality()

"""From scores of letters, frame by frame, to what was said: the best path, or a search over prefixes."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.letters import BLANK, SPACE, Letters

WIDTH = 16  # prefixes that are followed at once
UNLIKELY = -12.0  # log-probability of a letter in a frame below which it is not tried, where any letter may come

Frames = NDArray[np.floating]  # (frames, letters + 1) log-probabilities
Prefix = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """A text and its probability: of all texts, or of those of known words alone."""

    text: str
    probability: float


class Lexicon:
    """Which letter may follow where only known words are written."""

    def __init__(self, words: Iterable[str], letters: Letters) -> None:
        known = (letters.encode(word) for word in words)
        self.words = {word for word in known if word}
        self.beginnings = {word[:end] for word in self.words for end in range(1, len(word) + 1)}
        space = letters.encode(SPACE)
        self.space = space[0] if space else None

    def allows(self, prefix: Prefix, letter: int) -> bool:
        """Whether a known word can go on so, or begin after a whole one."""
        last = self._last(prefix)
        return last in self.words if letter == self.space else (*last, letter) in self.beginnings

    def is_whole(self, prefix: Prefix) -> bool:
        """Whether it ends with a whole word."""
        return self._last(prefix) in self.words

    def _last(self, prefix: Prefix) -> Prefix:
        if self.space not in prefix:
            return prefix
        return prefix[len(prefix) - prefix[::-1].index(self.space) :]


def greedy(frames: Frames, letters: Letters) -> str:
    """The text of the most probable path: the best letter of each frame, repeats and blanks left out."""
    return letters.decode(number for number, _ in groupby(frames.argmax(axis=1).tolist()) if number != BLANK)


def beam(frames: Frames, letters: Letters, lexicon: Lexicon | None = None, width: int = WIDTH) -> list[Guess]:
    """The most probable texts, best first, each with the sum over all its paths that the search saw.

    Prefix beam search (Graves 2012, Hannun et al. 2014). With a lexicon only its words are written, and probabilities
    are shares among the texts found. Without a text of whole words the list is empty.
    """
    kept: dict[Prefix, tuple[float, float]] = {(): (0.0, -math.inf)}  # log-probability of ending in blank, in a letter
    for frame in frames.tolist():
        found: dict[Prefix, list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        likely = [number for number in range(1, len(frame)) if lexicon or frame[number] > UNLIKELY]
        for prefix, (blank, letter) in kept.items():
            either = _sum(blank, letter)
            same = found[prefix]
            same[0] = _sum(same[0], either + frame[BLANK])
            if prefix:
                same[1] = _sum(same[1], letter + frame[prefix[-1]])
            for number in likely:
                if lexicon and not lexicon.allows(prefix, number):
                    continue
                before = blank if prefix and prefix[-1] == number else either
                longer = found[(*prefix, number)]
                longer[1] = _sum(longer[1], before + frame[number])
        best = sorted(found.items(), key=lambda one: -_sum(*one[1]))[:width]
        kept = {prefix: (ends[0], ends[1]) for prefix, ends in best if max(ends) > -math.inf}
    whole = {prefix: _sum(*ends) for prefix, ends in kept.items() if lexicon is None or lexicon.is_whole(prefix)}
    total = 0.0
    if lexicon:
        for value in (total := -math.inf, *whole.values()):
            total = _sum(total, value)
    ordered = sorted(whole.items(), key=lambda one: -one[1])
    return [Guess(letters.decode(prefix), math.exp(min(0.0, value - total))) for prefix, value in ordered]


def _sum(first: float, second: float) -> float:
    """The logarithm of the sum of two numbers given by their logarithms."""
    if first < second:
        first, second = second, first
    return first if second == -math.inf else first + math.log1p(math.exp(second - first))

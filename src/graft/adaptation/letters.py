"""The letters of transcripts as the numbers that a CTC head scores; number 0 is the blank between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLANK = 0
SPACE = " "


@dataclass(frozen=True, slots=True)
class Letters:
    """Characters in a fixed order; the first has number 1."""

    names: tuple[str, ...]

    def encode(self, text: str) -> tuple[int, ...] | None:
        """The numbers of a text's letters; None where one of them is unknown."""
        numbers = {name: number for number, name in enumerate(self.names, 1)}
        try:
            return tuple(numbers[letter] for letter in text)
        except KeyError:
            return None

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of numbers."""
        return "".join(self.names[number - 1] for number in numbers)

    def targets(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """(texts, longest) numbers, filled up with 0; every letter must be known."""
        encoded = [self.encode(text) or () for text in texts]
        table = np.zeros((len(texts), max(map(len, encoded), default=0)), np.int32)
        for row, numbers in zip(table, encoded, strict=True):
            row[: len(numbers)] = numbers
        return table


def frames_needed(text: str) -> int:
    """The fewest frames that a text takes: one a letter, and a blank between two that are the same (Graves 2006)."""
    return len(text) + sum(first == second for first, second in zip(text, text[1:], strict=False))


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The different words of transcripts, sorted."""
    return tuple(sorted({word for text in texts for word in text.split(SPACE)}))

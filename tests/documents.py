"""Fenced blocks of Markdown: what the documents tell a reader to run."""

import re
from dataclasses import dataclass

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language ("" where none is named), its text, and a name: the first line without remarks."""

    language: str
    text: str

    @property
    def title(self) -> str:
        return re.split(r"\s{2,}", self.text.strip().splitlines()[0])[0]


def blocks_of(markdown: str) -> list[Block]:
    """All fenced blocks, in order."""
    return [Block(language, text) for language, text in FENCE.findall(markdown)]

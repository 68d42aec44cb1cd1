"""What a person is shown, whatever was predicted: pieces that a terminal and a page each show in their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

Kind = Literal["name", "figure", "words", "bar"]


@dataclass(frozen=True, slots=True)
class Headline:
    """The figure that everybody asks for: "87.1%", what it is ("right"), its interval, and a sentence for a page."""

    figure: str
    what: str
    interval: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures with what each means: (name, value, in words)."""

    rows: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column of a grid; those of the highest `rank` give way first where there is no room.

    A column of bars holds shares, "0.871", and is drawn on pages alone.
    """

    title: str
    kind: Kind = "figure"
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: rows of plain texts, and how many more there are that are not shown."""

    title: str
    columns: Sequence[GridColumn]
    rows: Sequence[Sequence[str]]
    more: int = 0
    last: Sequence[str] | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """A few sentences, one below the other."""

    title: str
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing as inline SVG, for pages alone."""

    title: str
    svg: Markup
    words: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One sample with what is said of it: the wrong answer, the rest, and the beginning of it where it is a text."""

    source: str
    wrong: str
    caption: str
    text: str = ""
    alternative: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Samples to look at, for pages; a terminal names them."""

    title: str
    items: Sequence[Exhibit]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence."""

    text: str
    warning: bool = False


Block = Figures | Grid | Lines | Picture | Gallery | Words

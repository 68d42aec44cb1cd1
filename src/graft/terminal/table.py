"""Tables that fit their terminal: numbers whole, words unbroken, and what has no room stands below its row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

LEAST_NAME = 16  # characters of a name that still tell it from others
LEAST_WORDS = 20  # characters of a column of sentences that can be read
GAP = 2  # between two columns


@dataclass(frozen=True, slots=True)
class Column:
    """One column: figures never wrap, names are cut where there is no room, words wrap between words.

    The first column always stays; of the others those with the highest `rank` go below their row first. `below` is
    what their values are called there, where it is not the title.
    """

    title: str
    kind: Literal["name", "figure", "words"] = "figure"
    rank: int = 0
    below: str | None = None

    @property
    def label(self) -> str:
        return self.title if self.below is None else self.below


class FittedTable:
    """A table to print: cells are markup of rich's, and `last` is a row that sums up the others."""

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        last: Sequence[str] | None = None,
        header: bool = True,
    ) -> None:
        self.columns = tuple(columns)
        self.rows = [[Text.from_markup(cell, emoji=False) for cell in row] for row in rows]
        self.header = header
        self.last = None if last is None else [Text.from_markup(cell, emoji=False) for cell in last]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = self._shown(options.max_width)
        widths = self._widths(shown, options.max_width)
        if self.header:
            yield ""
            yield self._line(shown, widths, [Text(column.title, "bold") for column in self.columns])
            rule = "-" if options.ascii_only else box.SIMPLE_HEAD.head_row_horizontal
            yield Text(rule * (sum(widths) + GAP * (len(shown) - 1)))
        for row in self.rows:
            yield from self._record(shown, widths, row)
        if self.last is not None:
            yield ""
            yield from self._record(shown, widths, self.last)
        if self.header:
            yield ""

    def _record(self, shown: list[int], widths: list[int], row: list[Text]) -> Iterator[RenderableType]:
        yield self._line(shown, widths, row)
        rest = [number for number in range(len(self.columns)) if number not in shown and row[number].plain]
        if rest:
            parts = [Text.assemble((f"{self.columns[n].label} ".lstrip(), "dim"), row[n]) for n in rest]
            joined = Text("; ").join(parts)
            joined.no_wrap, joined.overflow = False, "fold"
            yield Padding(joined, (0, 0, 0, 4))

    def _line(self, shown: list[int], widths: list[int], cells: list[Text]) -> Table:
        line = Table.grid(padding=(0, GAP, 0, 0))
        for number, width in zip(shown, widths, strict=True):
            column = self.columns[number]
            justify: Literal["left", "right"] = "right" if column.kind == "figure" else "left"
            line.add_column(width=width, justify=justify, no_wrap=column.kind == "name", overflow=_overflow(column))
        line.add_row(*(cells[number] for number in shown))
        return line

    def _shown(self, width: int) -> list[int]:
        """The columns that stay in the line, by the room that they need at least."""
        shown = list(range(len(self.columns)))
        while len(shown) > 1 and sum(self._least(one) + GAP for one in shown) - GAP > width:
            shown.remove(max(shown[1:], key=lambda one: (self.columns[one].rank, one)))
        return shown

    def _widths(self, shown: list[int], width: int) -> list[int]:
        """The least that each column needs, and of what is left as much as it can use, names first."""
        widths = {one: min(self._least(one), width) for one in shown}
        spare = width - sum(widths.values()) - GAP * (len(shown) - 1)
        for one in sorted(shown, key=lambda one: self.columns[one].kind != "name"):
            more = max(0, min(spare, self._most(one) - widths[one]))
            widths[one], spare = widths[one] + more, spare - more
        return [widths[one] for one in shown]

    def _least(self, number: int) -> int:
        column, most = self.columns[number], self._most(number)
        title = _longest_word(column.title)
        if column.kind == "figure":
            return max(title, *(cell.cell_len for cell in self._cells(number)), 0)
        if column.kind == "name":
            return max(title, min(most, LEAST_NAME))
        words = max((_longest_word(cell.plain) for cell in self._cells(number)), default=0)
        return max(title, words, min(most, LEAST_WORDS))

    def _most(self, number: int) -> int:
        cells = (cell.cell_len for cell in self._cells(number))
        return max(cell_len(self.columns[number].title), *cells, 0)

    def _cells(self, number: int) -> list[Text]:
        return [row[number] for row in (*self.rows, *([self.last] if self.last else []))]


def _overflow(column: Column) -> Literal["ellipsis", "fold"]:
    return "ellipsis" if column.kind == "name" else "fold"


def _longest_word(text: str) -> int:
    return max((cell_len(word) for word in text.split()), default=0)

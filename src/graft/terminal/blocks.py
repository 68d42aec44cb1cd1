"""What a task says of data or of a model, in a terminal."""

from collections.abc import Sequence
from typing import Literal

from graft.evaluation.blocks import Block, Figures, Gallery, Grid, Lines, Words
from graft.terminal.console import escape, out, shown_name
from graft.terminal.table import Column, FittedTable

FIGURES = (Column("", "words"), Column(""), Column("", "words", rank=1))
MOST_NAMED = 5  # samples of a gallery


def show_blocks(blocks: Sequence[Block]) -> None:
    """Each block in its way; drawings are for pages alone."""
    for block in blocks:
        if isinstance(block, Figures):
            rows = [
                (escape(name), f"[bold green]{escape(value)}[/]" if not number else escape(value), escape(told))
                for number, (name, value, told) in enumerate(block.rows)
            ]
            out.print(FittedTable(FIGURES, rows, header=False))
        elif isinstance(block, Grid):
            _show_grid(block)
        elif isinstance(block, Lines):
            if block.title:
                out.print(escape(block.title))
            for line in block.items:
                out.print(f"  {shown_name(line)}" if block.title else shown_name(line))
        elif isinstance(block, Gallery):
            out.print(escape(block.title))
            for one in block.items[:MOST_NAMED]:
                out.print(f"  {shown_name(one.source)}  {escape(one.wrong)}  [dim]{escape(one.caption)}[/]")
        elif isinstance(block, Words):
            out.print(f"[yellow]![/] {escape(block.text)}" if block.warning else escape(block.text))


def _show_grid(grid: Grid) -> None:
    kept = [number for number, column in enumerate(grid.columns) if column.kind != "bar"]
    columns = [Column(one.title, _kind(one.kind), one.rank) for one in (grid.columns[number] for number in kept)]
    rows = [tuple(_cell(row[number]) for number in kept) for row in grid.rows]
    if grid.more:
        rows.append((f"[dim]and {grid.more:,} more[/]", *[""] * (len(columns) - 1)))
    last = None if grid.last is None else tuple(f"[bold]{escape(grid.last[number])}[/]" for number in kept)
    if grid.title:
        out.print(escape(grid.title))
    out.print(FittedTable(columns, rows, last))


def _cell(text: str) -> str:
    return "[yellow]–[/]" if text == "–" else shown_name(text)


def _kind(kind: str) -> Literal["name", "figure", "words"]:
    return "words" if kind == "words" else "name" if kind == "name" else "figure"

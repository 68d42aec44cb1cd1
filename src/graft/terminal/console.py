"""The consoles, progress bars and JSON: results go to stdout, all else to stderr."""

import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from graft.progress import Advance

MOST_ROWS = 40
WIDE = 120  # columns

out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, emoji=False)


class Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="dim")


class Terminal:
    """Shows tasks as progress bars on stderr, and sentences above them; in a log, one line for each finished task."""

    def __init__(self, tasks: bool = True) -> None:
        self.tasks = tasks  # without them only sentences are shown
        self.shown: Progress | None = None  # of a task under way: one that is part of it stands below it

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        """Open a task; see `Watch`."""
        if not self.tasks:
            yield lambda count: None
        elif not err.is_terminal:
            began = time.perf_counter()
            yield lambda count: None
            err.print(f"{escape(title)}: {total:,} {unit} in {time.perf_counter() - began:.1f} s", soft_wrap=True)
        else:
            with self._bars() as bars:
                number = bars.add_task(title, total=total, unit=unit)
                yield lambda count: bars.update(number, advance=count)

    @contextmanager
    def _bars(self) -> Iterator[Progress]:
        """What shows the bars; the terminal has room for one at a time, so a task within a task shares it."""
        if self.shown is not None:
            yield self.shown
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            Rate(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Progress(*columns, console=err) as bars:
            self.shown = bars
            try:
                yield bars
            finally:
                self.shown = None

    def say(self, message: str) -> None:
        """Tell a sentence; see `Watch`."""
        err.print(f"[yellow]Note:[/] {escape(message)}")


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    # ASCII, so that names of any kind reach any terminal, pipe and locale; a parser gives the same names back.
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def escape(text: str) -> str:
    """A name or message as it may be printed: no markup of rich's, no control codes for the terminal."""
    return escape_markup("".join(c if c.isprintable() or c in "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))

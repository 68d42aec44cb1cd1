"""The consoles, progress bars and JSON: results go to stdout, all else to stderr."""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.markup import escape as escape_markup
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column as rich_column
from rich.text import Text

from graft.escaping import shortened, visible
from graft.progress import Advance, Stage

MOST_ROWS = 40
NEWLINE = "\n"
WIDE = 120  # columns

ALONE = "[none][/none]"  # after a backslash: so that it belongs to no tag that follows


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


class _Notes(Console):
    """Standard error: where nobody reads it any more the work goes on, and nothing more is said."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


class _Results(Console):
    """Standard output: where nobody reads it any more, the command line ends as for any other program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


_tty = _is_terminal(sys.stdout)  # a file or a pipe gets whole lines, for machines to search
out = _Results(highlight=False, emoji=False, soft_wrap=not _tty, width=None if _tty else WIDE)
err = _Notes(stderr=True, highlight=False, emoji=False, soft_wrap=not _is_terminal(sys.stderr))


class Rate(ProgressColumn):
    """Units a second; of slow ones the seconds for each."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(rate(speed) if speed else "", style="dim")


def rate(speed: float) -> str:
    """How fast it goes, with two digits where it is slow: "1,200/s", "3.4/s", "0.42/s", "25 s each"."""
    if speed < 0.1:
        return f"{1 / speed:,.0f} s each"
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s" if speed >= 1 else f"{speed:.2f}/s"


class Bars(Progress):
    """The bars of the tasks under way, and above them the stage that they are part of."""

    stage: Stage | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.stage is not None:
            yield Text(_where(self.stage), style="dim")
        yield from super().get_renderables()


def _where(stage: Stage) -> str:
    left = stage.left
    told = "the time left of all is not known"
    if left is not None:
        clock = f"{left // 3600:.0f}:{left % 3600 // 60:02.0f}:{left % 60:02.0f}"
        told = f"{'at most' if stage.at_most else 'about'} {clock} left of all"
    return f"Stage {stage.number} of {stage.of}: {visible(stage.title)}; {told}"


class Terminal:
    """Shows tasks as progress bars on stderr, and sentences above them; in a log, one line for each finished task."""

    def __init__(self, tasks: bool = True) -> None:
        self.tasks = tasks  # without them only sentences are shown
        self.shown: Bars | None = None  # of a task under way: one that is part of it stands below it
        self.at: Stage | None = None  # where the whole stands

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
                number = bars.add_task(escape(title), total=total, unit=unit)
                yield lambda count: bars.update(number, advance=count)

    @contextmanager
    def _bars(self) -> Iterator[Bars]:
        """What shows the bars; the terminal has room for one at a time, so a task within a task shares it."""
        if self.shown is not None:
            yield self.shown
            return
        with Bars(*_columns(err.width), console=err) as bars:
            self.shown = bars
            bars.stage = self.at
            try:
                yield bars
            finally:
                self.shown = None

    def stage(self, stage: Stage | None) -> None:
        """Show from now on where the whole stands; see `StageWatch`."""
        self.at = stage

    def say(self, message: str) -> None:
        """Tell a sentence; see `Watch`."""
        err.print(f"[yellow]Note:[/] {escape(message, keep=NEWLINE)}")


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """What a line of progress is made of; a narrow terminal has room for the counts alone."""
    counts = (MofNCompleteColumn(), TextColumn("{task.fields[unit]}"))
    title = TextColumn("{task.description}", table_column=rich_column(ratio=1, no_wrap=True, overflow="ellipsis"))
    if width < 60:
        return (title, *counts)
    if width < 100:
        return (title, *counts, TimeRemainingColumn(elapsed_when_finished=True))
    return (title, BarColumn(bar_width=24), *counts, Rate(), TimeRemainingColumn(elapsed_when_finished=True))


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


def escape(text: str, keep: str = "") -> str:
    """A string from outside as it may be printed: no markup of rich's, nothing that acts on a terminal, on one line.

    `keep` holds line ends where a message may have several lines.
    """
    shown = visible(text, keep)
    body = shown.rstrip("\\")
    backslashes = len(shown) - len(body)
    return escape_markup(body) + ("\\" * 2 * backslashes + ALONE if backslashes else "")


def shown_name(text: str) -> str:
    """The name of a class or a file as it may be printed; the middle of a very long one is left out."""
    return escape(shortened(text))


def point_to(label: str, place: str, remark: str = "") -> None:
    """A path or a command in one piece, so that it can be copied; a remark stands beside it where there is room.

    All three are markup.
    """
    whole = f"{label}{place}" + (f"  {remark}" if remark else "")
    if not remark or not out.is_terminal or Text.from_markup(whole).cell_len <= out.width:
        out.print(whole, soft_wrap=True)
    else:
        out.print(f"{label}{place}", soft_wrap=True)
        out.print(Padding(Text.from_markup(remark), (0, 0, 0, 4)))

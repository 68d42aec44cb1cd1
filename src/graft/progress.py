"""How long work reports itself: steps call `advance`, and whoever watches decides what to show."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

Advance = Callable[[int], None]


class Watch(Protocol):
    """Somebody who is told about the work: a terminal, an event log, or nobody."""

    def task(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a task of `total` units; the value entered is called with the number of units just done."""

    def say(self, message: str) -> None:
        """Tell one sentence that a person should see now."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the whole of a long work stands: the stage that begins now, of how many, and the time left of them all.

    `seconds` is None where nobody can know it; with `at_most` it is a limit that somebody set, not an estimate.
    """

    number: int
    of: int
    title: str
    seconds: float | None = None
    at_most: bool = False
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float | None:
        """Seconds that are left of all stages now, never below 0."""
        return None if self.seconds is None else max(0.0, self.seconds - (time.monotonic() - self.began))


@runtime_checkable
class StageWatch(Watch, Protocol):
    """A watch that can also show where the whole stands."""

    def stage(self, stage: Stage | None) -> None:
        """Tell that a stage begins; the tasks that follow are part of it. None: that the last one is over."""


def tell_stage(watch: Watch, stage: Stage | None) -> None:
    """Tell a watch that a stage begins, or that the last one is over, if it can show that."""
    if isinstance(watch, StageWatch):
        watch.stage(stage)


class Silent:
    """Watches and says nothing."""

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        yield lambda count: None

    def say(self, message: str) -> None:
        return None


SILENT = Silent()

"""How long work reports itself: steps call `advance`, and whoever watches decides what to show."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Watch(Protocol):
    """Somebody who is told about the work: a terminal, an event log, or nobody."""

    def task(self, title: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a task of `total` units; the value entered is called with the number of units just done."""

    def say(self, message: str) -> None:
        """Tell one sentence that a person should see now."""


class Silent:
    """Watches and says nothing."""

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        yield lambda count: None

    def say(self, message: str) -> None:
        return None


SILENT = Silent()

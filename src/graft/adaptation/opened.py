"""What is costly to open is opened once and kept, however many threads ask for it first."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Opened(Generic[Kept]):
    """Holds what the first use opened. A process that was forked from this one opens its own.

    A frozen record may have one as a field with `init=False`: `dataclasses.replace` then gives the changed record a
    fresh one, and never the engine of other weights.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[Kept] | None = None
        self._process = os.getpid()

    def get(self, open_it: Callable[[], Kept]) -> Kept:
        """What is kept, or what `open_it` gives; where that raises, nothing is kept and the next call tries again."""
        if self._process != os.getpid():  # threads of the parent are not here, and its lock may be held for ever
            self._lock, self._kept, self._process = threading.Lock(), None, os.getpid()
        kept = self._kept
        if kept is None:
            with self._lock:
                kept = self._kept = self._kept or (open_it(),)
        return kept[0]

"""Threads that an interruption does not wait for."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NoReturn

PATIENCE = 5.0  # seconds that work under way gets to end after an interruption


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads; where the block ends with an exception, what has not begun is dropped and nothing is awaited.

    The pool of the standard library waits for all that was handed to it, also after Ctrl-C.
    """
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def leave(code: int) -> NoReturn:
    """End the process with this exit code; threads still at work get some seconds, and a second Ctrl-C ends at once."""
    ends = time.monotonic() + PATIENCE
    at_work = [one for one in threading.enumerate() if one is not threading.current_thread() and not one.daemon]
    try:
        for thread in at_work:
            thread.join(max(0.0, ends - time.monotonic()))
    except KeyboardInterrupt:
        pass
    if not any(thread.is_alive() for thread in at_work):
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)

"""Keeping what a library tells stderr to itself, where nobody can act on it."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing of this process reaches stderr meanwhile, what C++ writes included: enter it for seconds, not minutes."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with without_warnings():
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Libraries warn their own authors of what they use; that is nothing for the people who run graft."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

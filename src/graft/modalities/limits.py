"""Limits on what one sample, one table and all decoding together may take; each can be raised by a variable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from graft.errors import RequestError

MOST = {
    "GRAFT_MOST_PIXELS": 89_478_485,  # of one picture: where Pillow begins to warn; 8 bytes each while it is decoded
    "GRAFT_MOST_SECONDS": 3_600,  # of one recording
    "GRAFT_MOST_TEXT_BYTES": 1_000_000,  # of one text: far more than any encoder reads
    "GRAFT_MOST_FILE_MB": 1_000,  # of one file of a sample, before it is decoded
    "GRAFT_MOST_ROWS": 2_000_000,  # of one Parquet table, whose compressed file says little about its size
    "GRAFT_MOST_TABLE_MB": 500,  # of the text in one Parquet table
    "GRAFT_DECODING_MB": 512,  # of all samples that are being decoded at one time; a single one may take more
}


def most(name: str) -> int:
    """The limit of this name, as its environment variable or the default says; raises `RequestError` for no number."""
    written = os.environ.get(name, "")
    if not written:
        return MOST[name]
    if not (written.isascii() and written.isdigit() and int(written) > 0):
        raise RequestError(f"{name} is {written!r}. Expected a whole number above 0, for example {MOST[name]}.")
    return int(written)


class Budget:
    """Bytes that threads may hold together; who asks for more than the whole waits until nobody else holds any."""

    def __init__(self) -> None:
        self.held = 0
        self.largest = 0  # that was ever held at one time
        self.changed = Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait for room and keep it while the block runs. Not to be nested: two threads would wait for each other."""
        whole = most("GRAFT_DECODING_MB") * 10**6
        with self.changed:
            while self.held and self.held + size > whole:
                self.changed.wait(0.5)  # not for ever: an interrupted thread may not have told the others
            self.held += size
            self.largest = max(self.largest, self.held)
        try:
            yield
        finally:
            with self.changed:
                self.held -= size
                self.changed.notify_all()


DECODING = Budget()

"""Standard output and error as they are: in an encoding that lacks characters, closed, or with nobody reading."""

import codecs
import os
import sys
from typing import TextIO

from graft.escaping import numbered
from graft.storage import explain

NOT_WRITTEN = 1
READER_GONE = 141  # what a shell reports of a program that SIGPIPE ended
DEGRADED = "graft-degraded"
SIMPLER = {
    **dict.fromkeys(
        "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u2501\u2550\u254c\u254d\u2504\u2508\u2578\u257a\u00b7\u2022",
        "-",
    ),
    **dict.fromkeys("\u2502\u2503\u2551\u250a\u2506", "|"),
    **dict.fromkeys("\u2588\u2580\u2584\u2593", "#"),
    "\u2026": "...",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u00d7": "x",
    "\u00b1": "+-",
    "\u00a0": " ",
    "\u3000": " ",
}


def prepare() -> None:
    """Make both streams take every character and every ending; call it before anything is written.

    What the encoding lacks becomes a simpler character or an escape. A stream that is closed swallows what it is
    given, and its number is taken, so that no file opened later gets it and then the output of a library.
    """
    codecs.register_error(DEGRADED, _degraded)
    _fill_closed()
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=DEGRADED)


def _degraded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SIMPLER.get(one) or numbered(ord(one)) for one in lacking), error.end


def _fill_closed() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is the one that is given
            os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends


def flush_or_drop() -> int:
    """Write what is still kept back; gives the exit code where standard output could not be written, else 0.

    Where the reader has gone, nothing more is written or said; another reason, as a full disk, is said.
    """
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            code = READER_GONE if stream is sys.stdout else code
            drop(stream)
        except OSError as error:
            drop(stream)
            if stream is sys.stdout:
                code = NOT_WRITTEN
                sys.stderr.write(f"Error: the answer could not be written: {explain(error)}\n")
    return code


def drop(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere, so that the interpreter says nothing of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

"""The command line: one verb per step, each a few lines around a verb of the library."""

import json
import signal
import sys
import traceback
import warnings
from itertools import pairwise
from typing import NoReturn

from graft.cli import look, make, search, ship, streams, use
from graft.cli.app import app
from graft.errors import GraftError, RequestError
from graft.escaping import visible
from graft.storage import explain
from graft.workers import leave

__all__ = ["app", "look", "main", "make", "search", "ship", "streams", "use"]


def _fail(message: str, code: int, as_json: bool) -> NoReturn:
    """Tell an error and exit; this imports nothing large, for it may be told while something large is imported."""
    from rich.console import Console
    from rich.text import Text

    message = visible(message, keep="\n")
    if as_json:
        try:
            sys.stdout.write(json.dumps({"error": {"message": message, "exit_code": code}}, indent=2) + "\n")
            sys.stdout.flush()
        except OSError:  # a full disk, a reader that has gone: the words below still say it
            streams.drop(sys.stdout)
    console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
    console.print(Text.assemble(("Error: ", "bold red"), message))
    sys.exit(code)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error that graft can explain becomes one message and an exit code.

    Without `arguments` it is the program itself, whose end no thread that is stuck may keep.
    """
    streams.prepare()
    end = None
    try:
        _run(arguments)
    except SystemExit as error:
        end = error
    except BrokenPipeError:  # `graft models | head -1`: the reader has what it wanted
        end = SystemExit(streams.READER_GONE)
    unwritten = streams.flush_or_drop()
    if unwritten and (end is None or not end.code):
        end = SystemExit(unwritten)
    if end is None:
        return
    if arguments is None:
        leave(end.code if isinstance(end.code, int) else int(end.code is not None))
    raise end


def _run(arguments: list[str] | None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end keeps the best model, as Ctrl-C does
    warnings.filterwarnings("ignore", module="PIL")  # graft reports what is wrong with a picture itself
    try:
        _refuse_empty(words)
        app(args=arguments)
    except GraftError as error:
        _fail(str(error), error.exit_code, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:  # what the system refuses is not graft's mistake: a closed folder, an overlong name
        _fail(f"{error.filename or 'The system'}: {explain(error)}", 1, as_json)
    except Exception as error:  # our own mistake: told in one way, with what a report needs
        sys.stderr.write(visible(traceback.format_exc(), keep="\n"))
        _fail(f"graft made a mistake ({type(error).__name__}: {error}). Please report the lines above.", 1, as_json)


def _refuse_empty(words: list[str]) -> None:
    """Raise `RequestError` for an empty argument, which as a path would mean the current folder."""
    for before, word in pairwise(["", *words]):
        if (word == "" and before != "--text") or (word.startswith("--") and word.endswith("=")):
            at = f" after {before}" if before else ""
            raise RequestError(
                f"An argument{at} is empty ({word or chr(34) * 2}). Was a variable of a script not set? For the "
                "current folder write a point (.)."
            )

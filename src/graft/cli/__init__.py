"""The command line: one verb per step, each a few lines around a verb of the library."""

import json
import signal
import sys
import traceback
import warnings
from typing import Any, NoReturn

from graft.cli import look, make, ship, streams, use
from graft.cli.app import app
from graft.errors import GraftError
from graft.escaping import visible
from graft.storage import explain
from graft.workers import leave

__all__ = ["app", "look", "main", "make", "ship", "streams", "use"]


def _fail(message: str, code: int, as_json: bool) -> NoReturn:
    """Tell an error and exit; this imports nothing large, for it may be told while something large is imported."""
    from rich.console import Console
    from rich.text import Text

    message = visible(message, keep="\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": {"message": message, "exit_code": code}}, indent=2) + "\n")
    console = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
    console.print(Text.assemble(("Error: ", "bold red"), message))
    sys.exit(code)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; an error that graft can explain becomes one message and an exit code.

    Without `arguments` it is the program itself, whose end no thread that is stuck may keep.
    """
    streams.prepare()
    try:
        _run(arguments)
    except SystemExit as end:
        if arguments is None and streams.flush_or_drop():
            leave(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    except BrokenPipeError:  # `graft models | head -1`: the reader has what it wanted
        sys.exit(streams.READER_GONE)
    finally:
        if not streams.flush_or_drop():
            sys.exit(streams.READER_GONE)


def _run(arguments: list[str] | None) -> None:
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end keeps the best model, as Ctrl-C does
    warnings.filterwarnings("ignore", module="PIL")  # graft reports what is wrong with a picture itself
    try:
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

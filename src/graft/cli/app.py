"""The application, and the options that several verbs share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from graft.cli.streams import READER_GONE
from graft.errors import RequestError, StoppedError


class Verbs(TyperGroup):
    """Tells Ctrl-C and commands that cannot be understood as any other error of graft."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise StoppedError("Stopped. The features computed so far are kept in the cache.") from error
        except BrokenPipeError:  # click would exit with 1, as if the work had failed
            raise SystemExit(READER_GONE) from None
        except Exception as error:
            if not hasattr(error, "format_message"):  # click's own errors have it, and nothing else
                raise
            command = " ".join(["graft", *filter(None, [ctx.invoked_subcommand])])
            raise RequestError(f"{error.format_message()} See: {command} --help") from error


app = typer.Typer(
    name="graft",
    cls=Verbs,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Turn labelled pictures, texts or sounds into a model that works, in minutes, on a laptop without a GPU.

    Start with:  [bold]graft demo[/]   or, with a folder that has one sub-folder per class, or a table:

    [bold]graft data DATA[/], then [bold]graft fit DATA[/], then [bold]graft evaluate RUN[/]
    and [bold]graft predict RUN FILE[/].""",
    epilog="Exit codes: 0 success, 1 the work failed, 2 the request was wrong. --json: one JSON object on stdout.",
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"graft {version('graft-ml')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_tell_version, is_eager=True, help="Say which graft this is.")
    ] = False,
) -> None:
    """What may stand before every verb; the help of the application stands above."""


Data = Annotated[
    Path,
    typer.Argument(
        help="A folder with one sub-folder per class, or with train/ val/ test/ of such; or a table (CSV, TSV, JSON "
        "lines, Parquet) with a text, or the path of a file, and a label in each row; or a file and its words.",
        show_default=False,
    ),
]
OptionalData = Annotated[
    Path | None,
    typer.Argument(
        help="A folder with one sub-folder per class, or with train/ val/ test/ of such; or a table (CSV, TSV, JSON "
        "lines, Parquet) with a text, or the path of a file, and a label in each row; or a file and its words.",
        show_default=False,
    ),
]
EffortOption = Annotated[
    str,
    typer.Option(
        "--effort",
        help="How much to train. quick: a head on the frozen network, seconds. good: then its last stages, minutes. "
        "best: then all of them.",
    ),
]
Run = Annotated[Path, typer.Argument(help="A run folder, as graft fit writes it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout, everything else to stderr.")]
Seed = Annotated[int, typer.Option(help="Deals the parts and the folds; the same seed gives the same model.")]
Group = Annotated[
    str | None,
    typer.Option(
        help="What belongs together and stays in one part: a column of the table, or a regular expression whose "
        "(group) in a path says it.",
        show_default=False,
    ),
]
MinPerClass = Annotated[int, typer.Option(help="Leave out classes with fewer samples than this.", min=1)]
Text = Annotated[
    str | None, typer.Option("--text", help="The column of a table that holds the texts.", show_default=False)
]
Label = Annotated[
    str | None, typer.Option("--label", help="The column of a table that holds the labels.", show_default=False)
]
File = Annotated[
    str | None,
    typer.Option("--file", help="The column of a table that holds the paths of files.", show_default=False),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding", help="How a table is written, where it is not UTF-8: gb18030, cp1252, ...", show_default=False
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="What is predicted: classification, multilabel, regression, or transcription.  [default: what the labels "
        "say]",
        show_default=False,
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        "--root", help="The folder that the paths in a table begin from.  [default: the table's]", show_default=False
    ),
]
CacheGb = Annotated[float, typer.Option(help="The most that features may take on disk, in GB.")]

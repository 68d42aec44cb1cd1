"""The command line: one verb per step, each a few lines around a verb of the library."""

import json
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from graft.errors import GraftError, RequestError, StoppedError
from graft.storage import explain


class Verbs(TyperGroup):
    """Tells Ctrl-C and commands that cannot be understood as any other error of graft."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise StoppedError("Stopped. The features computed so far are kept in the cache.") from error
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
    help="""Turn a folder of labelled pictures into a model that works, in minutes, on a laptop without a GPU.

    Start with:  [bold]graft demo[/]   or, with a folder that has one sub-folder of pictures per class:

    [bold]graft data FOLDER[/], then [bold]graft fit FOLDER[/], then [bold]graft evaluate RUN[/]
    and [bold]graft predict RUN PICTURE[/].""",
    epilog="Exit codes: 0 success, 1 the work failed, 2 the request was wrong. --json: one JSON object on stdout.",
)

Data = Annotated[
    Path,
    typer.Argument(
        help="A folder with one sub-folder per class, or with train/ val/ test/ of such.", show_default=False
    ),
]
OptionalData = Annotated[
    Path | None,
    typer.Argument(
        help="A folder with one sub-folder per class, or with train/ val/ test/ of such.", show_default=False
    ),
]
EffortOption = Annotated[
    str,
    typer.Option(
        "--effort",
        help="How far to climb. quick: a head on the frozen network, seconds. good: then its last stages, minutes. "
        "best: then all of them.",
    ),
]
Run = Annotated[Path, typer.Argument(help="A run folder, as graft fit writes it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout, everything else to stderr.")]
Seed = Annotated[int, typer.Option(help="Deals the parts and the folds; the same seed gives the same model.")]
Group = Annotated[
    str | None, typer.Option(help="A regular expression; pictures whose paths agree in its (group) stay in one part.")
]
MinPerClass = Annotated[int, typer.Option(help="Leave out classes with fewer pictures than this.", min=1)]
CacheGb = Annotated[float, typer.Option(help="The most that features may take on disk, in GB.")]


@app.command("data")
def data_verb(
    data: Data, seed: Seed = 0, group: Group = None, min_per_class: MinPerClass = 1, as_json: AsJson = False
) -> None:
    """Look at the data: classes, parts, and what the checks found. Nothing is changed."""
    from graft import terminal
    from graft.data import LoadOptions, load
    from graft.verbs.data import describe

    dataset = load(data, LoadOptions(seed, group, min_per_class), terminal.Terminal())
    terminal.print_json(describe(dataset)) if as_json else terminal.show_dataset(dataset)


@app.command()
def fit(
    data: OptionalData = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder to write.  [default: runs/NAME]", show_default=False)
    ] = None,
    effort: EffortOption = "good",
    minutes: Annotated[float | None, typer.Option(help="Climb as far as this time allows.", show_default=False)] = None,
    backbone: Annotated[
        str, typer.Option(help="A pretrained network; graft models lists them.")
    ] = "wheel:efficientnet_lite0",
    seed: Seed = 0,
    group: Group = None,
    min_per_class: MinPerClass = 1,
    replace: Annotated[bool, typer.Option("--replace", help="Move a run that is already there aside.")] = False,
    cache_gb: CacheGb = 5.0,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; all else stands in it.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a model from labelled pictures. The test part stays locked. Ctrl-C keeps the best model so far."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.fit import FitOptions
    from graft.verbs.fit import fit as run_fit
    from graft.verbs.fit import resume as run_resume

    if (data is None) == (resume is None):
        raise RequestError("Expected either DATA, to begin a run, or --resume RUN, to go on with one.")
    if data is not None:
        dealt = LoadOptions(seed, group, min_per_class)
        options = FitOptions(backbone, effort, dealt, replace, cache_gb, minutes)  # type: ignore[arg-type]
        fitted = run_fit(data, out, options, terminal.Terminal())
    elif resume is not None:
        fitted = run_resume(resume, terminal.Terminal())
    terminal.print_json(fitted) if as_json else terminal.show_fitted(fitted)


@app.command()
def pretrain(
    data: Data,
    arch: Annotated[str, typer.Option(help="The network: timm:NAME or torchvision:NAME.", show_default=False)],
    epochs: Annotated[float, typer.Option(help="How often every picture is seen.")] = 30,
    side: Annotated[
        int | None, typer.Option(help="Pixels of a picture's side.  [default: the network's own]", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder to write.  [default: runs/NAME]", show_default=False)
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop in this time.", show_default=False)] = None,
    seed: Seed = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Move a run that is already there aside.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a network from random weights; run:RUN is then a backbone. graft fit --resume goes on with it."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.fit import FitOptions
    from graft.verbs.pretrain import pretrain as run_pretrain

    options = FitOptions(load=LoadOptions(seed), replace=replace, minutes=minutes)
    fitted = run_pretrain(data, arch, epochs, out, side, options, terminal.Terminal())
    terminal.print_json(fitted) if as_json else terminal.show_fitted(fitted)


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Argument(help="Other labelled pictures; without it, the run's locked test part.", show_default=False),
    ] = None,
    part: Annotated[str, typer.Option(help="test, val or train, of the run's own data.")] = "test",
    as_json: AsJson = False,
) -> None:
    """Measure a model, from file to label. Reading the test part is counted in run.json."""
    from graft import terminal
    from graft.verbs.evaluate import evaluate as run_evaluate

    evaluated = run_evaluate(run, data, part, terminal.Terminal())  # type: ignore[arg-type]
    terminal.print_json(evaluated) if as_json else terminal.show_evaluated(evaluated)


@app.command()
def predict(
    run: Run,
    files: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)],
    top: Annotated[int, typer.Option(help="How many classes to name.", min=1)] = 3,
    as_json: AsJson = False,
) -> None:
    """Name what is in pictures, with calibrated probabilities."""
    from graft import terminal
    from graft.serving import Predictor

    watch = terminal.Terminal(tasks=len(files) > 1 or files[0].is_dir())
    predictions = list(Predictor(run).predict(list(files), top, watch))
    failed = terminal.show_predictions(predictions, as_json)
    raise typer.Exit(1 if failed else 0)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the pretrained networks: size, cost, licence, and whether they need a network."""
    from graft import terminal
    from graft.verbs.models import models as list_models

    listed = list_models()
    terminal.print_json({"models": listed}) if as_json else terminal.show_models(listed)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Empty it. Runs are not touched.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what graft keeps so as not to compute it again, or empty it."""
    from graft import storage, terminal
    from graft.features import cache as features

    freed = features.clear() if clear else 0
    lines = features.kept()
    if as_json:
        terminal.print_json({"folder": storage.cache_folder(), "freed_bytes": freed, "features": lines})
    elif clear:
        terminal.out.print(f"Freed {freed / 1e6:,.1f} MB.")
    else:
        terminal.show_cache(lines, storage.cache_folder())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The run folder to write; an older one is moved aside.")] = Path(
        "runs/demo"
    ),
    effort: EffortOption = "quick",
    as_json: AsJson = False,
) -> None:
    """The whole path on 2,000 packaged pictures of textile: fit, evaluate, predict."""
    from graft import terminal
    from graft.verbs.demo import demo as run_demo

    shown = run_demo(out, terminal.Terminal(), effort)  # type: ignore[arg-type]
    terminal.print_json(shown) if as_json else terminal.show_demo(shown)


def _fail(message: str, code: int, as_json: bool) -> NoReturn:
    """Tell an error and exit; this imports nothing large, for it may be told while something large is imported."""
    from rich.console import Console
    from rich.text import Text

    if as_json:
        sys.stdout.write(json.dumps({"error": {"message": message, "exit_code": code}}, indent=2) + "\n")
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("Error: ", "bold red"), message))
    sys.exit(code)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; an error that graft can explain becomes one message and an exit code."""
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end keeps the best model, as Ctrl-C does
    warnings.filterwarnings("ignore", module="PIL")  # graft reports what is wrong with a picture itself
    try:
        app(args=arguments)
    except GraftError as error:
        _fail(str(error), error.exit_code, as_json)
    except OSError as error:  # what the system refuses is not graft's mistake: a closed folder, an overlong name
        _fail(f"{error.filename or 'The system'}: {explain(error)}", 1, as_json)
    except Exception as error:  # our own mistake: told in one way, with what a report needs
        traceback.print_exc()
        _fail(f"graft made a mistake ({type(error).__name__}: {error}). Please report the lines above.", 1, as_json)

"""Verbs that make a model."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import (
    AsJson,
    CacheGb,
    Data,
    EffortOption,
    Encoding,
    File,
    Group,
    Label,
    MinPerClass,
    OptionalData,
    Root,
    Seed,
    Task,
    Text,
    app,
)
from graft.errors import RequestError


@app.command()
def fit(
    context: typer.Context,
    data: OptionalData = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder to write.  [default: runs/NAME]", show_default=False)
    ] = None,
    effort: EffortOption = "good",
    minutes: Annotated[float | None, typer.Option(help="Time budget in minutes.", show_default=False)] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="A pretrained network; graft models lists them. auto: the one that ranks first.  [default: the "
            "packaged one for this kind of sample]",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    group: Group = None,
    min_per_class: MinPerClass = 1,
    text: Text = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    task: Task = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move a run that is already there aside.")] = False,
    cache_gb: CacheGb = 5.0,
    epochs: Annotated[float | None, typer.Option(help="Epochs of each training of stages.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples of a step.", show_default=False)] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the last stage; that of the head changes with it.", show_default=False)
    ] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of probability for other answers.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="A TOML file with any of these settings; what is typed counts more.", show_default=False),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; its settings are reused.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a model from labelled samples. The test part stays locked. Ctrl-C keeps the best model so far."""
    from graft import terminal
    from graft.verbs.config import Config, read_config
    from graft.verbs.fit import fit as run_fit
    from graft.verbs.fit import resume as run_resume

    if resume is not None:
        if data is not None or config is not None:
            raise RequestError("--resume RUN goes on with the settings of the run: leave DATA and --config out.")
        fitted = run_resume(resume, terminal.Terminal())
    else:
        written = {} if config is None else read_config(config)
        names = {one.name for one in dataclasses.fields(Config)}
        typed = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in context.params.items()
            if name in names and (config is None or _is_typed(context, name))
        }
        asked = Config(**{**written, **typed})
        if asked.data is None:
            raise RequestError("Expected either DATA, to begin a run, or --resume RUN, to go on with one.")
        fitted = run_fit(asked.data, asked.out, asked.options(replace), terminal.Terminal())
    terminal.print_json(fitted) if as_json else terminal.show_fitted(fitted)


def _is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and not only its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


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
def demo(
    out: Annotated[Path, typer.Option(help="The run folder to write; an older one is moved aside.")] = Path(
        "runs/demo"
    ),
    effort: EffortOption = "quick",
    text: Annotated[bool, typer.Option("--text", help="On lines of conversation and their topics.")] = False,
    audio: Annotated[bool, typer.Option("--audio", help="On words spoken by artificial voices.")] = False,
    as_json: AsJson = False,
) -> None:
    """The whole path on 2,000 packaged pictures of textile, or on texts or sounds: fit, evaluate, predict."""
    from graft import terminal
    from graft.verbs.demo import demo as run_demo

    if text and audio:
        raise RequestError("Expected --text or --audio, not both.")
    kind = "text" if text else "audio" if audio else "image"
    shown = run_demo(out, terminal.Terminal(), effort, kind)  # type: ignore[arg-type]
    terminal.print_json(shown) if as_json else terminal.show_demo(shown)

"""Verbs that make a model."""

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
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this interrupted run; its settings are reused.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a model from labelled samples. The test part stays locked. Ctrl-C keeps the best model so far."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.fit import FitOptions
    from graft.verbs.fit import fit as run_fit
    from graft.verbs.fit import resume as run_resume

    if (data is None) == (resume is None):
        raise RequestError("Expected either DATA, to begin a run, or --resume RUN, to go on with one.")
    if data is not None:
        dealt = LoadOptions(seed, group, min_per_class, text, label, file, encoding, root, task)
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

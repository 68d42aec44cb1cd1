"""Verbs that look, and make nothing."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import AsJson, Data, Encoding, File, Group, Label, MinPerClass, Root, Seed, Task, Text, app


@app.command("data")
def data_verb(
    data: Data,
    seed: Seed = 0,
    group: Group = None,
    min_per_class: MinPerClass = 1,
    text: Text = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    task: Task = None,
    as_json: AsJson = False,
) -> None:
    """Look at the data: classes, parts, and what the checks found. Nothing is changed."""
    from graft import terminal
    from graft.data import LoadOptions, load
    from graft.verbs.data import describe

    options = LoadOptions(seed, group, min_per_class, text, label, file, encoding, root, task)
    dataset = load(data, options, terminal.Terminal())
    terminal.print_json(describe(dataset)) if as_json else terminal.show_dataset(dataset)


@app.command()
def rank(
    data: Data,
    backbone: Annotated[
        list[str] | None,
        typer.Option(help="A candidate; may be given often.  [default: all that are installed]", show_default=False),
    ] = None,
    max_params: Annotated[float | None, typer.Option(help="Millions of parameters.", show_default=False)] = None,
    max_ms: Annotated[
        float | None, typer.Option(help="Milliseconds a sample on this machine.", show_default=False)
    ] = None,
    max_mb: Annotated[float | None, typer.Option(help="Megabytes of weights.", show_default=False)] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="Beginning of a licence that is allowed, such as Apache; may be given often."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Compare as many as this time allows.")] = None,
    race: Annotated[bool, typer.Option("--race", help="Train those that cannot be told apart, a little.")] = False,
    seed: Seed = 0,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    task: Task = None,
    as_json: AsJson = False,
) -> None:
    """Which pretrained network will serve this data best? Compared before training, with intervals and costs."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.ranking.candidates import Limits
    from graft.ranking.ranker import RankOptions
    from graft.verbs.rank import rank as run_rank

    options = RankOptions(
        backbones=tuple(backbone or ()),
        load=LoadOptions(seed, group, 1, text, label, file, encoding, root, task),
        limits=Limits(max_params, max_ms, max_mb, tuple(licence or ())),
        minutes=minutes,
        race=race,
    )
    ranking = run_rank(data, options, terminal.Terminal())
    terminal.print_json(ranking) if as_json else terminal.show_ranking(ranking)


@app.command()
def models(
    licence: Annotated[
        bool, typer.Option("--licence", help="Show the licence of each, where it is stated, and what is in doubt.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the pretrained networks: size, cost, licence, and whether they need a network."""
    from graft import terminal
    from graft.verbs.models import models as list_models

    listed = list_models()
    show = terminal.show_licences if licence else terminal.show_models
    terminal.print_json({"models": listed}) if as_json else show(listed)


@app.command()
def history(
    export: Annotated[Path | None, typer.Option(help="Write it to this file as JSON.", show_default=False)] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Forget all runs.")] = False,
    as_json: AsJson = False,
) -> None:
    """What finished runs taught graft rank about fine-tuning; kept on this machine only."""
    from graft import terminal
    from graft.ranking import history as kept

    runs = kept.read_history() if not erase or export else []
    if export:
        kept.write_history(runs, export)
    if erase:
        terminal.out.print(f"Forgot {kept.erase_history():,} runs.") if not as_json else kept.erase_history()
    elif not as_json:
        terminal.show_history(runs, kept.history_file())
    if as_json:
        terminal.print_json({"file": kept.history_file(), "runs": runs})


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

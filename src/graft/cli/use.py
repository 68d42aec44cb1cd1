"""Verbs that use a model."""

from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import AsJson, Run, app
from graft.errors import RequestError


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Argument(help="Other labelled samples; without it, the run's locked test set.", show_default=False),
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
    files: Annotated[
        list[str],
        typer.Argument(help="Files, or folders of files; texts, for a model of texts.", show_default=False),
    ],
    top: Annotated[
        int | None,
        typer.Option(
            help="How many classes, or texts, to name.  [default: 3 classes, 1 text]", min=1, show_default=False
        ),
    ] = None,
    known_words: Annotated[
        bool, typer.Option("--known-words", help="Of what is said, write only words that the model learnt from.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Name the classes of samples, with calibrated probabilities, or write down what is said in recordings."""
    from graft import terminal
    from graft.serving import Predictor, Transcriber
    from graft.verbs.predict import is_for_transcripts

    watch = terminal.Terminal(tasks=len(files) > 1 or Path(files[0][:1000]).is_dir())
    if is_for_transcripts(run):
        transcriptions = list(Transcriber(run).transcribe(list(files), top or 1, known_words, watch))
        raise typer.Exit(1 if terminal.show_transcriptions(transcriptions, as_json) else 0)
    if known_words:
        raise RequestError(f"--known-words is for models that write down what is said, and {run} names classes.")
    predictions = list(Predictor(run).predict(list(files), top or 3, watch))
    failed = terminal.show_predictions(predictions, as_json)
    raise typer.Exit(1 if failed else 0)


@app.command()
def audit(
    run: Run,
    effort: Annotated[
        str, typer.Option(help="quick: training from scratch gets the time of the fit. full: three times the steps.")
    ] = "quick",
    as_json: AsJson = False,
) -> None:
    """Did the pretraining's knowledge really transfer? Trains without it, compares, and gives a verdict."""
    from graft import terminal
    from graft.verbs.audit import audit as run_audit

    audited = run_audit(run, effort, terminal.Terminal())  # type: ignore[arg-type]
    terminal.print_json(audited) if as_json else terminal.show_audited(audited)

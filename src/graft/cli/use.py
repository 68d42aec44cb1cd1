"""Verbs that use a model."""

import os
from pathlib import Path
from typing import Annotated

import typer

from graft.cli.app import AsJson, Encoding, File, Label, Root, Run, Text, app
from graft.errors import RequestError


@app.command()
def evaluate(
    run: Run,
    data: Annotated[
        Path | None,
        typer.Argument(help="Other labelled samples; without it, the run's locked test set.", show_default=False),
    ] = None,
    part: Annotated[str, typer.Option(help="test, val or train, of the run's own data.")] = "test",
    text: Text = None,
    label: Label = None,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model, from file to label. Reading the test part is counted in run.json."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.verbs.evaluate import evaluate as run_evaluate

    options = LoadOptions(text=text, label=label, file=file, encoding=encoding, root=root)
    evaluated = run_evaluate(run, data, part, terminal.Terminal(), options)  # type: ignore[arg-type]
    terminal.print_json(evaluated) if as_json else terminal.show_evaluated(evaluated)


@app.command()
def predict(
    run: Run,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, folders of files, or tables.", show_default=False),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="A text itself, for a model of texts; may be repeated.", show_default=False),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            help="How many classes, or texts, to name.  [default: 3 classes, 1 text]", min=1, show_default=False
        ),
    ] = None,
    known_words: Annotated[
        bool, typer.Option("--known-words", help="Of what is said, write only words that the model learnt from.")
    ] = False,
    file: File = None,
    encoding: Encoding = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Name the classes of samples, with calibrated probabilities, or write down what is said in recordings."""
    from graft import terminal
    from graft.data import LoadOptions
    from graft.serving import Predictor, Transcriber
    from graft.verbs.predict import is_for_transcripts

    named: list[Path | str] = [*(files or ()), *(text or ())]
    if not named:
        raise RequestError(
            'Nothing to predict: name files, or give texts with --text "WORDS". See: graft predict --help'
        )
    watch = terminal.Terminal(tasks=len(named) > 1 or (not text and os.path.isdir(named[0])))
    load = LoadOptions(file=file, encoding=encoding, root=root)
    load.check()
    if is_for_transcripts(run):
        _refuse_texts(run, text)
        transcriptions = list(Transcriber(run).transcribe(named, top or 1, known_words, watch, load))
        raise typer.Exit(1 if terminal.show_transcriptions(transcriptions, as_json) else 0)
    if known_words:
        raise RequestError(f"--known-words is for models that write down what is said, and {run} names classes.")
    predictor = Predictor(run)
    if predictor.model.modality.name != "text":
        _refuse_texts(run, text)
    predictions = list(predictor.predict(named, top or 3, watch, load))
    failed = terminal.show_predictions(predictor.model.task, predictions, as_json)
    raise typer.Exit(1 if failed else 0)


def _refuse_texts(run: Path, texts: list[str] | None) -> None:
    if texts:
        raise RequestError(f"--text is for models of texts, and {run} takes files. Name files, folders or tables.")


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

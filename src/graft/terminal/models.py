"""What a model was made by, how good it is, and what it says."""

from collections.abc import Sequence
from pathlib import Path

from graft.errors import plural
from graft.escaping import command
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.evaluate import confusions
from graft.evaluation.report import percent
from graft.records import Evaluation, Json, Prediction
from graft.terminal.console import MOST_ROWS, escape, out, point_to, print_json, shown_name
from graft.terminal.table import Column, FittedTable
from graft.terminal.transcripts import kept_and_why, show_fitted_transcripts, show_transcript_evaluation
from graft.verbs.demo import Demonstration
from graft.verbs.evaluate import Evaluated
from graft.verbs.fit import Fitted

SCORES = (Column("class", "name"), Column("precision", rank=3), Column("recall"), Column("F1", rank=4))
FIGURES = (Column("", "words"), Column(""), Column("", "words", rank=1))
LADDER = (
    Column("rung", "words"),
    Column("", "words"),
    Column("accuracy"),
    Column("log-loss", rank=2),
    Column("time", rank=1),
    Column("kept, and why", "words", rank=3, below=""),
)


def show_evaluation(evaluation: Evaluation) -> None:
    """The figures, the weakest classes and the commonest confusions."""
    a, b = evaluation.accuracy, evaluation.balanced_accuracy
    figures = (
        ("accuracy", f"[bold green]{percent(a.value)}[/]", f"95% interval {percent(a.low)} to {percent(a.high)}"),
        ("balanced accuracy", percent(b.value), f"95% interval {percent(b.low)} to {percent(b.high)}"),
        ("log-loss", f"{evaluation.log_loss:.3f}", ""),
        ("calibration error", percent(evaluation.calibration_error), "how far its confidence is off"),
    )
    out.print(f"Measured on {escape(evaluation.part)}, {plural(evaluation.samples, evaluation.noun)}:")
    out.print(FittedTable(FIGURES, figures, header=False))
    columns = (*SCORES, Column(f"{evaluation.noun}s", rank=2))
    rows = []
    seen = [score for score in evaluation.per_class if score.support or score.precision]
    ordered = sorted(seen, key=lambda score: (score.support == 0, score.recall))
    for score in ordered[:MOST_ROWS]:
        recall = percent(score.recall) if score.support else "–"
        shares = (percent(score.precision), recall, percent(score.f1))
        rows.append((shown_name(score.name), *shares, f"{score.support:,}"))
    if len(ordered) > MOST_ROWS:
        rows.append((f"[dim]and {len(ordered) - MOST_ROWS:,} more, in evaluation.json[/]", "", "", "", ""))
    out.print(FittedTable(columns, rows))
    confused = confusions(evaluation, most=5)
    if confused:
        out.print("Most often confused:")
    for one in confused:
        out.print(f"  {shown_name(one.truth)} taken for {shown_name(one.predicted)}: {one.count} of {one.of}")
    for note in evaluation.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def show_fitted(fitted: Fitted) -> None:
    """What fit ends with: the number and its interval, where the run is, and what to type next."""
    evaluation = fitted.evaluation
    if isinstance(evaluation, TranscriptEvaluation):
        show_fitted_transcripts(evaluation, fitted.ladder, fitted.seconds)
    else:
        _show_fitted_classes(evaluation, fitted)
    told = {one.message for one in fitted.set_aside}
    for one in fitted.set_aside:
        out.print(f"[yellow]![/] Set aside: {escape(one.message)}")
    for note in evaluation.notes:
        if not any(message in note for message in told):
            out.print(f"[dim]{escape(note)}[/]")
    point_to("Run:    ", escape(str(fitted.run)), "(report.html shows the mistakes)")
    if fitted.test_samples:
        opens = f"(opens the {fitted.test_samples:,} locked test {evaluation.noun}s)"
        point_to("Next:   ", f"[bold]{_typed('evaluate', fitted.run)}[/]", opens)
    point_to("Then:   ", f"[bold]{_typed('predict', fitted.run)} {_example(evaluation.noun)}[/]")


def _typed(verb: str, run: Path) -> str:
    """A command on a run, as it may be printed and typed."""
    return escape(command("graft", verb, run))


def _show_fitted_classes(evaluation: Evaluation, fitted: Fitted) -> None:
    if len(fitted.ladder) > 1:
        show_ladder(fitted.ladder)
    a = evaluation.accuracy
    where = "the validation set" if evaluation.part == "val" else evaluation.part
    out.print(
        f"\n[bold green]{percent(a.value)}[/] right on {where} ({evaluation.samples:,} {evaluation.noun}s; "
        f"95% interval {percent(a.low)} to {percent(a.high)}), after {fitted.seconds:.1f} s."
    )


def show_ladder(ladder: Sequence[Json]) -> None:
    """What each rung did, how long it took, and why it was kept or dropped."""
    rows = []
    for rung in ladder:
        seconds = rung["seconds"] if isinstance(rung["seconds"], float) else sum(rung["seconds"].values())
        loss = f"{rung['log_loss']:.3f}" if "log_loss" in rung else "–"
        accuracy = percent(rung["accuracy"]) if "accuracy" in rung else "–"
        names = (escape(str(rung["rung"])), escape(rung["name"]))
        rows.append((*names, accuracy, loss, f"{seconds:.0f} s", kept_and_why(rung)))
    out.print(FittedTable(LADDER, rows))
    deciding = max((rung.get("deciding_samples", 0) for rung in ladder), default=0)
    if deciding:
        out.print(f"[dim]Accuracy and log-loss of each rung on the {plural(deciding, 'sample')} that decide.[/]")


def show_evaluated(evaluated: Evaluated) -> None:
    """An evaluation, then where its page lies."""
    if isinstance(evaluated.evaluation, TranscriptEvaluation):
        show_transcript_evaluation(evaluated.evaluation)
    else:
        show_evaluation(evaluated.evaluation)
    times = "once" if evaluated.test_readings == 1 else f"{evaluated.test_readings} times"
    if evaluated.evaluation.part == "test":
        out.print(f"[dim]The test set of this run has now been read {times}.[/]")
    point_to("Report: ", escape(str(evaluated.report)))


def show_demo(shown: Demonstration) -> None:
    """The demonstration's steps in order, so that a newcomer can repeat each on samples of their own."""
    noun = shown.fitted.evaluation.noun
    out.print(f"\n[bold]1. graft fit[/] on the {noun}s in {escape(str(shown.data))}")
    show_fitted(shown.fitted)
    out.print(f"\n[bold]2. {_typed('evaluate', shown.fitted.run)}[/]", soft_wrap=True)
    show_evaluated(shown.evaluated)
    typed = _typed("predict", shown.fitted.run)
    out.print(f"\n[bold]3. {typed} {_example(noun)}[/], on three test {noun}s:", soft_wrap=True)
    for truth, prediction in shown.predictions:
        mark = "[green]right[/]" if prediction.classes[:1] == (truth,) else f"[red]wrong[/], it is {shown_name(truth)}"
        out.print(f"  {shown_name(_below(prediction.source, shown.data))}  {named(prediction)}  {mark}")
    out.print("\nNow with your own: one folder per class, or a table, then  [bold]graft fit DATA[/]")


def _example(noun: str) -> str:
    """What to type where one sample is wanted."""
    return {"text": '--text "A TEXT"', "pair": "TABLE"}.get(noun, noun.upper())


def _below(source: str, folder: Path) -> str:
    """A path as seen from a folder; anything else as it is."""
    return str(Path(source).relative_to(folder)) if source.startswith(str(folder)) else source


def show_predictions(predictions: Sequence[Prediction], as_json: bool) -> int:
    """One line per sample, or all as JSON; returns how many could not be read."""
    failed = sum(prediction.error is not None for prediction in predictions)
    if as_json:
        print_json({"predictions": predictions})
        return failed
    for prediction in predictions:
        if prediction.error is not None:
            out.print(f"{shown_name(prediction.source)}  [red]cannot be read: {escape(prediction.error)}[/]")
            continue
        out.print(f"{shown_name(prediction.source)}  {named(prediction)}")
    return failed


def named(prediction: Prediction) -> str:
    """The classes of a prediction with their probabilities, the best in bold."""
    pairs = zip(prediction.classes, prediction.probabilities, strict=True)
    first, *rest = [f"{shown_name(name)} {percent(probability)}" for name, probability in pairs]
    doubt = "[yellow]not sure:[/] " if prediction.unsure else ""
    return f"{doubt}[bold]{first}[/]" + "".join(f"  [dim]{other}[/]" for other in rest)

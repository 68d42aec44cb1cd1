"""What a model was made by, how good it is, and what it says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graft.dataset.task import Task
from graft.errors import plural
from graft.escaping import command
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.report import shown_figure
from graft.records import Json
from graft.tasks.table import CLASSES, task_of
from graft.terminal.blocks import show_blocks
from graft.terminal.console import escape, out, point_to, print_json, shown_name
from graft.terminal.table import Column, FittedTable
from graft.terminal.transcripts import kept_and_why, show_fitted_transcripts, show_transcript_evaluation
from graft.verbs.demo import Demonstration
from graft.verbs.evaluate import Evaluated
from graft.verbs.fit import Fitted


def show_evaluation(task: Task, evaluation: Any) -> None:
    """What an evaluation was made on, its figures, and what is worth knowing of them."""
    out.print(f"Measured on {escape(evaluation.part)}, {plural(evaluation.samples, evaluation.noun)}:")
    show_blocks(task.summary(evaluation))
    for note in evaluation.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def show_fitted(fitted: Fitted) -> None:
    """What fit ends with: the number and its interval, where the run is, and what to type next."""
    evaluation = fitted.evaluation
    if isinstance(evaluation, TranscriptEvaluation):
        show_fitted_transcripts(evaluation, fitted.ladder, fitted.seconds)
    else:
        _show_fitted_model(evaluation, fitted)
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


def _show_fitted_model(evaluation: Any, fitted: Fitted) -> None:
    task = task_of(fitted.task)
    if len(fitted.ladder) > 1:
        show_ladder(fitted.ladder, task.ladder_columns)
    told = task.headline(evaluation)
    where = "the validation set" if evaluation.part == "val" else evaluation.part
    out.print(
        f"\n[bold green]{told.figure}[/] {told.what} on {where} ({evaluation.samples:,} {evaluation.noun}s; "
        f"{told.interval}), after {fitted.seconds:.1f} s."
    )


def show_ladder(ladder: Sequence[Json], figures: Sequence[tuple[str, str, str]]) -> None:
    """What each rung did, how long it took, and why it was kept or dropped."""
    rows = []
    for rung in ladder:
        seconds = rung["seconds"] if isinstance(rung["seconds"], float) else sum(rung["seconds"].values())
        told = [shown_figure(rung[name], form) if name in rung else "–" for name, _, form in figures]
        names = (escape(str(rung["rung"])), escape(rung["name"]))
        rows.append((*names, *told, f"{seconds:.0f} s", kept_and_why(rung)))
    columns = (
        Column("rung", "words"),
        Column("", "words"),
        *(Column(title, rank=2 * number) for number, (_, title, _) in enumerate(figures)),
        Column("time", rank=1),
        Column("kept, and why", "words", rank=3, below=""),
    )
    out.print(FittedTable(columns, rows))
    deciding = max((rung.get("deciding_samples", 0) for rung in ladder), default=0)
    if deciding:
        titles = " and ".join(title for _, title, _ in figures)
        titles = titles[:1].upper() + titles[1:]
        out.print(f"[dim]{titles} of each rung on the {plural(deciding, 'sample')} that decide.[/]")


def show_evaluated(evaluated: Evaluated) -> None:
    """An evaluation, then where its page lies."""
    if isinstance(evaluated.evaluation, TranscriptEvaluation):
        show_transcript_evaluation(evaluated.evaluation)
    else:
        show_evaluation(task_of(evaluated.task), evaluated.evaluation)
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
        out.print(f"  {shown_name(_below(prediction.source, shown.data))}  {named(CLASSES, prediction)}  {mark}")
    out.print("\nNow with your own: one folder per class, or a table, then  [bold]graft fit DATA[/]")


def _example(noun: str) -> str:
    """What to type where one sample is wanted."""
    return {"text": '--text "A TEXT"', "pair": "TABLE"}.get(noun, noun.upper())


def _below(source: str, folder: Path) -> str:
    """A path as seen from a folder; anything else as it is."""
    return str(Path(source).relative_to(folder)) if source.startswith(str(folder)) else source


def show_predictions(task: Task, predictions: Sequence[Any], as_json: bool) -> int:
    """One line per sample, or all as JSON; returns how many could not be read."""
    failed = sum(prediction.error is not None for prediction in predictions)
    if as_json:
        print_json({"predictions": predictions})
        return failed
    for prediction in predictions:
        if prediction.error is not None:
            out.print(f"{shown_name(prediction.source)}  [red]cannot be read: {escape(prediction.error)}[/]")
            continue
        out.print(f"{shown_name(prediction.source)}  {named(task, prediction)}")
    return failed


def named(task: Task, prediction: Any) -> str:
    """The answer of a prediction, the best of it in bold."""
    pieces = [f"[{style}]{shown_name(text)}[/]" for text, style in task.shown(prediction)]
    return "  ".join(pieces).replace(":[/]  ", ":[/] ", 1)

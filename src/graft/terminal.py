"""What a person sees in a terminal: progress bars, tables and sentences. Results go to stdout, all else to stderr."""

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from graft.data import Dataset
from graft.errors import plural
from graft.evaluation.evaluate import confusions
from graft.evaluation.report import percent
from graft.features.cache import Kept
from graft.progress import Advance
from graft.records import PARTS, Evaluation, Finding, Json, Prediction
from graft.verbs.demo import Demonstration
from graft.verbs.evaluate import Evaluated
from graft.verbs.fit import Fitted
from graft.verbs.models import Listed

MOST_ROWS = 40
WIDE = 120  # columns

out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, emoji=False)


class Rate(ProgressColumn):
    """Units a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="dim")


class Terminal:
    """Shows tasks as progress bars on stderr, and sentences above them; in a log, one line for each finished task."""

    def __init__(self, tasks: bool = True) -> None:
        self.tasks = tasks  # without them only sentences are shown

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        """Open a task; see `Watch`."""
        if not self.tasks:
            yield lambda count: None
        elif not err.is_terminal:
            began = time.perf_counter()
            yield lambda count: None
            err.print(f"{escape(title)}: {total:,} {unit} in {time.perf_counter() - began:.1f} s", soft_wrap=True)
        else:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn(unit),
                Rate(),
                TimeRemainingColumn(elapsed_when_finished=True),
            )
            with Progress(*columns, console=err) as progress:
                number = progress.add_task(title, total=total)
                yield lambda count: progress.update(number, advance=count)

    def say(self, message: str) -> None:
        """Tell a sentence; see `Watch`."""
        err.print(f"[yellow]Note:[/] {escape(message)}")


def print_json(content: Any) -> None:
    """One JSON object on stdout."""
    # ASCII, so that names of any kind reach any terminal, pipe and locale; a parser gives the same names back.
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def escape(text: str) -> str:
    """A name or message as it may be printed: no markup of rich's, no control codes for the terminal."""
    return escape_markup("".join(c if c.isprintable() or c in "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))


def show_findings(findings: Iterable[Finding]) -> None:
    """Each finding as a sentence, with the first few of what it is about."""
    for finding in findings:
        mark = "[yellow]![/]" if finding.severity == "warning" else "[dim]·[/]"
        out.print(f"{mark} {escape(finding.message)}")
        if finding.kind in {"unreadable", "contradictory", "duplicate", "duplicate-across-parts", "other-kind"}:
            for source in finding.sources[:5]:
                out.print(f"    [dim]{escape(source)}[/]")
            if len(finding.sources) > 5:
                out.print(f"    [dim]and {len(finding.sources) - 5:,} more (all with --json)[/]")


def show_dataset(dataset: Dataset) -> None:
    """Classes with their samples in each part, then the findings."""
    counts = dataset.counts()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class")
    for part in PARTS:
        table.add_column(part, justify="right")
    for name, row in list(zip(dataset.classes, counts, strict=True))[:MOST_ROWS]:
        table.add_row(escape(name), *(f"{count:,}" if count else "[yellow]–[/]" for count in row))
    if len(dataset.classes) > MOST_ROWS:
        table.add_row(f"[dim]and {len(dataset.classes) - MOST_ROWS:,} more[/]", "", "", "")
    table.add_section()
    table.add_row("[bold]all[/]", *(f"[bold]{count:,}[/]" for count in counts.sum(axis=0)))
    out.print(table)
    how = "as given by the folders" if dataset.split == "given" else "dealt by graft, the same for the same --seed"
    out.print(f"{len(dataset):,} {dataset.modality.noun}s of {len(dataset.classes):,} classes; parts {how}.")
    show_findings(dataset.findings)


def show_evaluation(evaluation: Evaluation) -> None:
    """The figures, the weakest classes and the commonest confusions."""
    figures = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    a, b = evaluation.accuracy, evaluation.balanced_accuracy
    figures.add_row(
        "accuracy", f"[bold green]{percent(a.value)}[/]", f"95% interval {percent(a.low)} to {percent(a.high)}"
    )
    figures.add_row("balanced accuracy", percent(b.value), f"95% interval {percent(b.low)} to {percent(b.high)}")
    figures.add_row("log-loss", f"{evaluation.log_loss:.3f}", "")
    figures.add_row("calibration error", percent(evaluation.calibration_error), "how far its confidence is off")
    out.print(f"Measured on {escape(evaluation.part)}, {plural(evaluation.samples, 'picture')}:")
    out.print(figures)
    table = Table(box=box.SIMPLE_HEAD, title=None)
    table.add_column("class")
    for name in ("precision", "recall", "F1", "pictures"):
        table.add_column(name, justify="right")
    seen = [score for score in evaluation.per_class if score.support or score.precision]
    ordered = sorted(seen, key=lambda score: (score.support == 0, score.recall))
    for score in ordered[:MOST_ROWS]:
        recall = percent(score.recall) if score.support else "–"
        table.add_row(escape(score.name), percent(score.precision), recall, percent(score.f1), f"{score.support:,}")
    if len(ordered) > MOST_ROWS:
        table.add_row(f"[dim]and {len(ordered) - MOST_ROWS:,} more, in evaluation.json[/]", "", "", "", "")
    out.print(table)
    confused = confusions(evaluation, most=5)
    if confused:
        out.print("Most often confused:")
    for one in confused:
        out.print(f"  {escape(one.truth)} taken for {escape(one.predicted)}: {one.count} of {one.of}")
    for note in evaluation.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def show_fitted(fitted: Fitted) -> None:
    """What fit ends with: the number and its interval, where the run is, and what to type next."""
    evaluation = fitted.evaluation
    if len(fitted.ladder) > 1:
        show_ladder(fitted.ladder)
    a = evaluation.accuracy
    where = "the val part" if evaluation.part == "val" else evaluation.part
    out.print(
        f"\n[bold green]{percent(a.value)}[/] right on {where} ({evaluation.samples:,} pictures; "
        f"95% interval {percent(a.low)} to {percent(a.high)}), after {fitted.seconds:.1f} s."
    )
    for note in evaluation.notes:
        out.print(f"[dim]{escape(note)}[/]")
    run = escape(str(fitted.run))
    out.print(f"Run:    {run}  (report.html shows the mistakes)")
    if fitted.test_samples:
        out.print(f"Next:   [bold]graft evaluate {run}[/]  (opens the {fitted.test_samples:,} locked test pictures)")
    out.print(f"Then:   [bold]graft predict {run} PICTURE[/]")


def show_ladder(ladder: Sequence[Json]) -> None:
    """What each rung did, how long it took, and why it was kept or dropped."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("rung", "", "accuracy", "log-loss", "time"):
        table.add_column(name, justify="left" if not name or name == "rung" else "right")
    table.add_column("kept, and why")
    for rung in ladder:
        seconds = rung["seconds"] if isinstance(rung["seconds"], float) else sum(rung["seconds"].values())
        loss = f"{rung['log_loss']:.3f}" if "log_loss" in rung else "–"
        accuracy = percent(rung["accuracy"]) if "accuracy" in rung else "–"
        mark = "[green]kept[/]" if rung["kept"] else "[dim]no[/]"
        if "passed_by" in rung:
            mark = f"kept, then passed by rung {rung['passed_by']}"
        name, why = escape(rung["name"]), f": {escape(rung['why'])}"
        table.add_row(rung["rung"], name, accuracy, loss, f"{seconds:.0f} s", mark + why)
    out.print(table)
    deciding = max((rung.get("deciding_samples", 0) for rung in ladder), default=0)
    if deciding:
        out.print(f"[dim]Accuracy and log-loss of each rung on the {plural(deciding, 'picture')} that decide.[/]")


def show_evaluated(evaluated: Evaluated) -> None:
    """An evaluation, then where its page lies."""
    show_evaluation(evaluated.evaluation)
    times = "once" if evaluated.test_readings == 1 else f"{evaluated.test_readings} times"
    if evaluated.evaluation.part == "test":
        out.print(f"[dim]The test part of this run has now been read {times}.[/]")
    out.print(f"Report: {escape(str(evaluated.report))}")


def show_demo(shown: Demonstration) -> None:
    """The demonstration's steps in order, so that a newcomer can repeat each on pictures of their own."""
    out.print(f"\n[bold]1. graft fit[/] on the pictures in {escape(str(shown.data))}")
    show_fitted(shown.fitted)
    out.print(f"\n[bold]2. graft evaluate {escape(str(shown.fitted.run))}[/]")
    show_evaluated(shown.evaluated)
    out.print(f"\n[bold]3. graft predict {escape(str(shown.fitted.run))} PICTURE[/], on three test pictures:")
    for truth, prediction in shown.predictions:
        mark = "[green]right[/]" if prediction.classes[:1] == (truth,) else f"[red]wrong[/], it is {escape(truth)}"
        out.print(f"  {escape(str(Path(prediction.source).relative_to(shown.data)))}  {named(prediction)}  {mark}")
    out.print("\nNow with pictures of your own: one folder per class, then  [bold]graft fit FOLDER[/]")


def show_predictions(predictions: Sequence[Prediction], as_json: bool) -> int:
    """One line per picture, or all as JSON; returns how many could not be read."""
    failed = sum(prediction.error is not None for prediction in predictions)
    if as_json:
        print_json({"predictions": predictions})
        return failed
    for prediction in predictions:
        if prediction.error is not None:
            out.print(f"{escape(prediction.source)}  [red]cannot be read: {escape(prediction.error)}[/]")
            continue
        out.print(f"{escape(prediction.source)}  {named(prediction)}")
    return failed


def named(prediction: Prediction) -> str:
    """The classes of a prediction with their probabilities, the best in bold."""
    pairs = zip(prediction.classes, prediction.probabilities, strict=True)
    first, *rest = [f"{escape(name)} {percent(probability)}" for name, probability in pairs]
    return f"[bold]{first}[/]" + "".join(f"  [dim]{other}[/]" for other in rest)


def show_models(listed: Sequence[Listed]) -> None:
    """The table of backbones; a narrow window leaves out licence and source, which --json has."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("backbone", no_wrap=True)
    for name, width in (("parameters", 10), ("MACs", 8), ("input", 6)):
        table.add_column(name, justify="right", min_width=width)
    table.add_column("network", min_width=7)
    wide = out.width >= WIDE
    if wide:
        table.add_column("licence", min_width=12)
        table.add_column("trained on", no_wrap=True)
    for line in listed:
        here = "no need" if line.here else "once" if not line.id.startswith("wheel:") else "pip install"
        figures = (f"{line.parameters / 1e6:.1f} M", f"{line.macs / 1e6:,.0f} M", f"{line.side} px", here)
        mark = " [green]*[/]" if line.default else ""
        table.add_row(escape(line.id) + mark, *figures, *((line.licence, line.source) if wide else ()))
    out.print(table)
    out.print(
        "[green]*[/] is the default. Any other network of timm or torchvision works too: timm:NAME, torchvision:NAME.\n"
        "Weights of your own: file:PATH@timm:NAME. A model that graft made: run:RUN."
    )


def show_cache(lines: Sequence[Kept], folder: Path) -> None:
    """What the feature cache holds."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("backbone", "engine", "pictures", "size"):
        table.add_column(name, justify="right" if name in {"pictures", "size"} else "left")
    for line in lines:
        table.add_row(escape(line.backbone), line.engine, f"{line.rows:,}", f"{line.bytes / 1e6:,.1f} MB")
    out.print(table if lines else "The cache holds no features.")
    out.print(f"It lies in {escape(str(folder))}. Empty it with: graft cache --clear")

"""A verdict, and what it rests on."""

from typing import TYPE_CHECKING

from graft.errors import plural
from graft.evaluation.report import percent
from graft.records import Compared, Verdict
from graft.terminal.console import escape, out, point_to, shown_name
from graft.terminal.table import Column, FittedTable

if TYPE_CHECKING:
    from graft.verbs.audit import Audited  # which trains, and so needs torch

QUESTIONS = (
    Column("question", "words"),
    Column("points"),
    Column("95% interval", rank=2),
    Column("p", rank=3),
    Column("answer", "words", rank=1),
)
COLOURS = {"POSITIVE": "green", "NEGATIVE": "red", "BLOCKED": "red"}


def show_audited(audited: "Audited") -> None:
    """The arms, the comparisons, the alarms, and at last the sentence."""
    verdict = audited.verdict
    arms = sorted(verdict.arms, key=lambda one: one.accuracy)
    out.print(
        FittedTable(
            (Column("arm", "words"), Column(verdict.rated_by), Column("trainings", rank=2), Column("time", rank=1)),
            [(escape(one.name), percent(one.accuracy), str(one.seeds), f"{one.seconds:.0f} s") for one in arms],
        )
    )
    counted = verdict.rated_by == "accuracy"
    out.print(FittedTable(QUESTIONS, [_question(one, counted) for one in verdict.comparisons]))
    _show_details(verdict)
    colour = COLOURS.get(verdict.finding, "yellow")
    out.print(f"[bold {colour}]{verdict.finding}[/]  [bold]{escape(verdict.sentence)}[/]")
    out.print(
        f"[dim]Judged on {plural(verdict.samples, verdict.noun)} ({verdict.judged_on}), in {verdict.seconds:.0f} s.[/]"
    )
    point_to("Report: ", escape(str(audited.report)))


def _question(one: Compared, counted: bool) -> tuple[str, ...]:
    """A comparison; only answers that are right or wrong are `counted`, which the p value needs."""
    interval = f"{100 * one.low:+.1f} to {100 * one.high:+.1f}"
    none = "too few" if counted or one.finding is None else "–"
    probability = none if one.p is None else f"{one.p:.3f}" if one.p >= 0.001 else "< 0.001"
    return escape(one.question), f"{100 * one.difference:+.1f}", interval, probability, _answer(one)


def _answer(one: Compared) -> str:
    return "too few samples" if one.finding is None else one.finding.lower()


def _show_details(verdict: Verdict) -> None:
    efficiency = verdict.label_efficiency
    if efficiency:
        pairs = zip(efficiency["labels"], efficiency["accuracy"], strict=True)
        told = ", ".join(f"{percent(accuracy)} with {labels:,}" for labels, accuracy in pairs)
        out.print(f"[dim]Frozen pretrained network by labels: {told}.[/]")
    for one in verdict.harmed:
        out.print(
            f"[yellow]![/] {shown_name(one['class'])}: recall fell by {percent(one['recall_fell_by'])} after the probe."
        )
    if verdict.layers:
        told = ", ".join(f"{one['stage']} {one['weights_moved']:.1%} / {one['alike']:.2f}" for one in verdict.layers)
        out.print(f"[dim]Stages (weights moved / outputs alike): {told}.[/]")
    for alarm in verdict.alarms:
        mark = "[red]blocks[/]" if alarm.blocks else "[yellow]![/]"
        out.print(f"{mark} {escape(alarm.message)}")

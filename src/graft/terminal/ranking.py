"""Which network, and what past runs taught."""

import time
from collections.abc import Sequence
from pathlib import Path

from graft.errors import plural
from graft.evaluation.report import percent
from graft.ranking.history import Past
from graft.records import Ranked, Ranking
from graft.terminal.console import MOST_ROWS, escape, out, point_to
from graft.terminal.table import Column, FittedTable

CANDIDATES = (
    Column("backbone", "words"),
    Column("frozen"),
    Column("90% interval", rank=4, below="frozen 90% interval"),
    Column("fine-tuned", rank=1),
    Column("90% interval", rank=5, below="fine-tuned 90% interval"),
    Column("best?", rank=2),
    Column("ms", rank=3),
    Column("MB", rank=3),
    Column("", "words", rank=2),
)
PAST = (
    Column("backbone", "words"),
    Column("when", rank=3),
    Column("samples", rank=4),
    Column("classes", rank=5),
    Column("probe", rank=2),
    Column("fine-tuned", rank=1),
    Column("delivered", rank=1),
    Column("test set"),
)


def show_ranking(ranking: Ranking) -> None:
    """The table of candidates, those left out, and the sentence that explains the choice."""
    out.print(FittedTable(CANDIDATES, [_candidate(one, ranking.chosen) for one in ranking.candidates]))
    out.print(f"[bold]{escape(ranking.why)}[/]")
    for entry in ranking.race:
        told = f"{escape(entry['backbone'])}: {percent(entry['accuracy'])} with {escape(entry['trained'])}"
        out.print(f"[dim]  race  {told}, {entry['seconds']:.0f} s[/]")
    where = "the validation set" if ranking.judged_on == "val" else "cross-validation"
    out.print(
        f"[dim]frozen: accuracy of a head on the frozen network, by {where} ({plural(ranking.judged, ranking.noun)}). "
        f"fine-tuned: what training should reach on new ones, by {escape(ranking.regime)}. "
        f"ms: one {ranking.noun} here. MB: weights.[/]"
    )
    for name, reason in ranking.left_out.items():
        out.print(f"[yellow]![/] {escape(name)} left out: {escape(reason)}")


def _candidate(one: Ranked, chosen: str) -> tuple[str, ...]:
    mark = "[green]chosen[/]" if one.id == chosen else "statistically tied" if one.level else ""
    return (
        escape(one.id),
        percent(one.frozen.value),
        f"{percent(one.frozen.low)} to {percent(one.frozen.high)}",
        percent(one.fine_tuned.value),
        f"{percent(one.fine_tuned.low)} to {percent(one.fine_tuned.high)}",
        percent(one.best),
        f"{one.cost.milliseconds:.1f}",
        f"{one.cost.megabytes:.1f}",
        "; ".join([*filter(None, [mark]), *map(escape, one.flags)]),
    )


def show_history(runs: Sequence[Past], file: Path) -> None:
    """What finished runs taught."""
    rows = []
    for one in runs[-MOST_ROWS:]:
        when = time.strftime("%Y-%m-%d", time.localtime(one.time))
        shares = (one.probe, one.fine_tuned, one.foreseen, one.met)
        figures = ("" if share is None else percent(share) for share in shares)
        rows.append((escape(one.backbone), when, f"{one.samples:,}", f"{one.classes:,}", *figures))
    nothing = "No run has been remembered yet: graft fit with effort good or best adds one."
    out.print(FittedTable(PAST, rows) if runs else nothing)
    point_to("File: ", escape(str(file)), "graft history --erase forgets it.")

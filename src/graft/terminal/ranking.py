"""Which network, and what past runs taught."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from graft.errors import plural
from graft.evaluation.report import percent
from graft.ranking.history import Past
from graft.records import Ranking
from graft.terminal.console import MOST_ROWS, escape, out


def show_ranking(ranking: Ranking) -> None:
    """The table of candidates, those left out, and the sentence that explains the choice."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("backbone", no_wrap=True)
    for name in ("frozen", "90% interval", "fine-tuned", "90% interval", "best?", "ms", "MB"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in ranking.candidates:
        mark = "[green]chosen[/]" if one.id == ranking.chosen else "statistically tied" if one.level else ""
        remarks = "; ".join([*filter(None, [mark]), *map(escape, one.flags)])
        table.add_row(
            escape(one.id),
            percent(one.frozen.value),
            f"{percent(one.frozen.low)} to {percent(one.frozen.high)}",
            percent(one.fine_tuned.value),
            f"{percent(one.fine_tuned.low)} to {percent(one.fine_tuned.high)}",
            percent(one.best),
            f"{one.cost.milliseconds:.1f}",
            f"{one.cost.megabytes:.1f}",
            remarks,
        )
    out.print(table)
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


def show_history(runs: Sequence[Past], file: Path) -> None:
    """What finished runs taught."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("when", "backbone", "samples", "classes", "probe", "fine-tuned", "delivered", "test set"):
        table.add_column(name, justify="left" if name in {"when", "backbone"} else "right")
    for one in runs[-MOST_ROWS:]:
        when = time.strftime("%Y-%m-%d", time.localtime(one.time))
        shares = (one.probe, one.fine_tuned, one.foreseen, one.met)
        figures = ("" if share is None else percent(share) for share in shares)
        table.add_row(when, escape(one.backbone), f"{one.samples:,}", f"{one.classes:,}", *figures)
    out.print(table if runs else "No run has been remembered yet: graft fit with effort good or best adds one.")
    out.print(f"It lies in {escape(str(file))}. graft history --erase forgets it.")

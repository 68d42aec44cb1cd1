"""What an export ends with: the table of variants, and where the files are."""

from graft.errors import plural
from graft.escaping import command
from graft.evaluation.report import percent
from graft.export.parity import Parity, notes
from graft.export.ship import Shipped
from graft.records import Interval
from graft.terminal.console import escape, out, point_to
from graft.terminal.table import Column, FittedTable
from graft.verbs.export import Exported

COLUMNS = (
    Column("variant", "words"),
    Column("size"),
    Column("one sample", rank=1),
    Column("same answer"),
    Column("accuracy", rank=2),
    Column("change", rank=3, below="change of accuracy"),
)


def show_exported(exported: Exported) -> None:
    """Size, speed and agreement of each variant, and what was refused."""
    rows = [
        (one.variant if one.folder else f"[red]{one.variant} refused[/]", *_figures(one)) for one in exported.artifacts
    ]
    out.print(FittedTable(COLUMNS, rows))
    parity = next(one.parity for one in exported.artifacts if one.folder is not None)
    out.print(f"[dim]{escape(_compared(parity))}[/]")
    for line in [*exported.notes, *(notes(parity) if parity else [])]:
        out.print(f"[yellow]![/] {escape(line)}")
    for one in exported.artifacts:
        if one.folder is None:
            out.print(f"[red]![/] {escape(one.error)}")
    place = escape(str(exported.recommended))
    if exported.target == "app":
        point_to(f"App with the {exported.chosen} model: ", f"[bold]{place}[/]", "(any static web server can host it)")
        point_to("Next: ", f"[bold]{escape(command('graft', 'serve', exported.recommended))}[/]")
    else:
        what = "Artifact" if len(exported.artifacts) == 1 else "Smallest"
        point_to(f"{what}: ", f"[bold]{place}[/]", "(README.md says how to use it)")


def _compared(parity: Parity | None) -> str:
    if parity is None:
        return "Not compared with the model: its runtime does not run on this machine."
    return (
        f"Compared with the model in torch on {plural(parity.samples, 'file')} ({parity.checked_on}), bytes to label."
    )


def _figures(one: Shipped) -> tuple[str, ...]:
    parity = one.parity
    if parity is None:
        return (f"{one.megabytes:.1f} MB" if one.megabytes else "–", "–", "–", "–", "–")
    return (
        f"{one.megabytes:.1f} MB",
        f"{parity.milliseconds:.1f} ms (PyTorch {parity.model_milliseconds:.1f})",
        f"{100 * parity.agreement:.2f}%" + (f" ({plural(parity.ties, 'tie')})" if parity.ties else ""),
        "–" if parity.accuracy is None else percent(parity.accuracy.value),
        _points(parity.accuracy_difference),
    )


def _points(difference: Interval | None) -> str:
    if difference is None:
        return "–"
    return f"{100 * difference.value:+.1f} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"

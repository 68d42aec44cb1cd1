"""Data sets, networks and the cache, as tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from graft.backbones.licence import doubtful
from graft.data import Dataset
from graft.features.cache import Kept
from graft.records import Finding
from graft.terminal.blocks import show_blocks
from graft.terminal.console import escape, out, point_to, shown_name
from graft.terminal.table import Column, FittedTable
from graft.verbs.models import Listed

MODELS = (
    Column("backbone", "words"),
    Column("parameters", rank=1),
    Column("MACs", rank=3),
    Column("input", rank=4),
    Column("network", "words", rank=2, below="needs a network:"),
    Column("licence", "words", rank=5),
    Column("trained on", "words", rank=6),
)
KEPT = (Column("backbone", "words"), Column("engine", "words", rank=2), Column("samples", rank=1), Column("size"))


def show_findings(findings: Iterable[Finding]) -> None:
    """Each finding as a sentence, with the first few of what it is about."""
    for finding in findings:
        mark = "[yellow]![/]" if finding.severity == "warning" else "[dim]·[/]"
        out.print(f"{mark} {escape(finding.message)}")
        if finding.kind in {"unreadable", "contradictory", "duplicate", "duplicate-across-parts", "other-kind"}:
            for source in finding.sources[:5]:
                out.print(f"    [dim]{shown_name(source)}[/]", soft_wrap=True)
            if len(finding.sources) > 5:
                out.print(f"    [dim]and {len(finding.sources) - 5:,} more (all with --json)[/]")


def show_dataset(dataset: Dataset) -> None:
    """What the targets are like and how many there are of each in each part, then the findings."""
    how = "as given by the data" if dataset.split == "given" else "random split, the same for the same --seed"
    show_blocks(dataset.task.overview(dataset))
    out.print(f"{len(dataset):,} {dataset.modality.noun}s {dataset.task.counted(dataset)}; parts {how}.")
    show_findings(dataset.findings)


def show_models(listed: Sequence[Listed]) -> None:
    """The table of backbones."""
    rows = []
    for line in listed:
        here = "no need" if line.here else "once" if not line.id.startswith("wheel:") else "pip install"
        figures = (f"{line.parameters / 1e6:.1f} M", f"{line.macs / 1e6:,.0f} M", line.input, here)
        mark = " [green]*[/]" if line.default else ""
        licence = escape(line.licence) + (" [yellow]?[/]" if doubtful(line.licence_note) else "")
        rows.append((escape(line.id) + mark, *figures, licence, escape(line.source)))
    out.print(FittedTable(MODELS, rows))
    out.print(
        "[green]*[/] is the default. Any other network of timm or torchvision works too: timm:NAME, torchvision:NAME.\n"
        "Weights of your own: file:PATH@timm:NAME. A model that graft made: run:RUN.\n"
        "Where each licence is stated, and what is in doubt ([yellow]?[/]): graft models --licence"
    )


def show_cache(lines: Sequence[Kept], folder: Path) -> None:
    """What the feature cache holds."""
    rows = [
        (escape(line.backbone), escape(line.engine), f"{line.rows:,}", f"{line.bytes / 1e6:,.1f} MB") for line in lines
    ]
    out.print(FittedTable(KEPT, rows) if lines else "The cache holds no features.")
    point_to("Folder: ", escape(str(folder)), "Empty it with: graft cache --clear")

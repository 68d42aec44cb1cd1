"""Data sets, networks and the cache, as tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from graft.data import Dataset
from graft.features.cache import Kept
from graft.records import PARTS, Finding
from graft.terminal.console import MOST_ROWS, WIDE, escape, out
from graft.terminal.transcripts import show_transcripts
from graft.verbs.models import Listed


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
    """Classes with their samples in each part, or what the transcripts are like, then the findings."""
    how = "as given by the data" if dataset.split == "given" else "random split, the same for the same --seed"
    if dataset.transcribed:
        show_transcripts(dataset)
        out.print(f"{len(dataset):,} {dataset.modality.noun}s with transcripts; parts {how}.")
        show_findings(dataset.findings)
        return
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
    out.print(f"{len(dataset):,} {dataset.modality.noun}s of {len(dataset.classes):,} classes; parts {how}.")
    show_findings(dataset.findings)


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
        figures = (f"{line.parameters / 1e6:.1f} M", f"{line.macs / 1e6:,.0f} M", line.input, here)
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
    for name in ("backbone", "engine", "samples", "size"):
        table.add_column(name, justify="right" if name in {"samples", "size"} else "left")
    for line in lines:
        table.add_row(escape(line.backbone), line.engine, f"{line.rows:,}", f"{line.bytes / 1e6:,.1f} MB")
    out.print(table if lines else "The cache holds no features.")
    out.print(f"It lies in {escape(str(folder))}. Empty it with: graft cache --clear")

"""What a person sees of features: where they were written, and what lies near in them."""

from collections.abc import Sequence

from graft.errors import plural
from graft.terminal.console import escape, out, point_to, print_json, shown_name
from graft.terminal.data import show_findings
from graft.verbs.embed import Embedded, describe
from graft.verbs.search import Found, note_of


def show_embedded(embedded: Embedded, as_json: bool) -> int:
    """How many samples, of how many numbers each, or all but those as JSON; returns how many could not be read."""
    if as_json:
        print_json(describe(embedded))
        return embedded.unreadable
    samples, width = plural(len(embedded.sources), embedded.noun), embedded.features.shape[1]
    out.print(f"{samples}, {width:,} features each by {escape(embedded.backbone)}; {embedded.computed:,} computed now.")
    show_findings(embedded.set_aside)
    if embedded.file is not None:
        point_to("File:   ", escape(str(embedded.file)))
    return embedded.unreadable


def show_found(found: Sequence[Found], as_json: bool) -> int:
    """The nearest samples below each query, or all as JSON; returns how many queries could not be read."""
    failed = sum(one.error is not None for one in found)
    if as_json:
        print_json({"found": found})
        return failed
    for one in found:
        if one.error is not None:
            out.print(f"{shown_name(one.query)}  [red]cannot be read: {escape(one.error)}[/]")
            continue
        out.print(f"[bold]{shown_name(one.query)}[/]")
        if one.copies:
            out.print(f"  [dim]{escape(note_of(one))}[/]")
        for near in one.nearest:
            label = f"[green]{shown_name(near.label)}[/]  " if near.label else ""
            out.print(f"  {near.cosine:.3f}  {label}{shown_name(near.source)}")
    return failed

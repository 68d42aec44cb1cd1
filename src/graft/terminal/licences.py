"""The licences of the networks, each with where it is stated and what is in doubt."""

import textwrap
from collections.abc import Sequence

from graft.backbones.licence import UNKNOWN, doubtful, restricted
from graft.terminal.console import escape, out
from graft.verbs.models import Listed

NARROW = 100  # columns: longer lines are hard to read
ADVICE = (
    "graft states what the packages and libraries state, and is no legal advice; NOTICE, beside LICENSE, has all of "
    "it. Most picture networks learnt from ImageNet, which was released for non-commercial research: timm says that "
    "it is not clear what follows for the weights. Of hf:NAME graft reads the model card, of run:RUN what the run "
    "states, and of file:PATH it knows nothing."
)


def show_licences(listed: Sequence[Listed]) -> None:
    """A few lines for each network, broken where the window ends."""
    for line in listed:
        licence, reason = line.licence or UNKNOWN, restricted(line.licence)
        reason = reason or ("in doubt, see the note" if doubtful(line.licence_note) else "")
        out.print(f"[bold]{escape(line.id)}[/]")
        _say("licence", f"{licence} ({reason})" if reason else licence)
        _say("stated in", line.licence_source)
        _say("note", line.licence_note)
    out.print()
    for told in _filled(ADVICE):
        out.print(told)


def _say(title: str, text: str) -> None:
    """One fact below its network, further lines below its beginning; nothing where there is none."""
    if text:
        first = f"  {title:<9}  "
        for line in _filled(text, first):
            out.print(line)


def _filled(text: str, first: str = "") -> list[str]:
    """Lines that fit into the window, each as it may be printed."""
    lines = textwrap.wrap(
        text, _width(), initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
    )
    return [escape(line) for line in lines]


def _width() -> int:
    return min(out.width, NARROW)

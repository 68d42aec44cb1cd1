"""Progress bars: one for each task, and a task within a task stands below it."""

import io
import re

from rich.console import Console

from graft.terminal import console


def test_a_task_within_a_task_shows_both(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, force_terminal=True, width=120))
    terminal = console.Terminal()
    with terminal.task("Writing", 1, "file") as outer:
        with terminal.task("Choosing", 40, "samples") as inner:
            inner(40)
        outer(1)
    assert terminal.shown is None
    last = " ".join(re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", shown.getvalue().rsplit("Writing", 1)[1]).split())
    assert "1/1 file" in last
    assert "40/40 samples" in last
    with terminal.task("Asking", 3, "pictures") as advance:  # a new one starts afresh
        advance(3)
    assert "Writing" not in shown.getvalue().rsplit("Asking", 1)[1]

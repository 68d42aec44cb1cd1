"""Progress bars: one for each task, and a task within a task stands below it."""

import io
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from graft.progress import Stage
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


@pytest.mark.parametrize(
    ("speed", "shown"),
    [(1234.4, "1,234/s"), (10.2, "10/s"), (3.44, "3.4/s"), (1.0, "1.0/s"), (0.4, "0.40/s"), (0.1, "0.10/s")]
    + [(0.04, "25 s each"), (0.0001, "10,000 s each")],
)
def test_a_slow_rate_is_never_zero(speed, shown):
    assert console.rate(speed) == shown


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        (Stage(3, 7, "the last stages", 250.0, at_most=True), "at most 0:0"),
        (Stage(7, 7, "all samples", 250.0), "about 0:0"),
        (Stage(2, 7, "baseline"), "the time left of all is not known"),
    ],
)
def test_the_stage_stands_above_its_tasks_with_the_time_left_of_all(monkeypatch, stage, told):
    shown = shown_of(monkeypatch, 140, stage)
    assert f"Stage {stage.number} of 7: {stage.title}" in shown
    assert told in shown


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_keeps_the_counts_whole(monkeypatch, width):
    lines = shown_of(monkeypatch, width, Stage(3, 7, "a stage of quite some length")).splitlines()
    assert any("12345/12345 steps" in line for line in lines)
    assert max(map(len, lines)) <= width


def shown_of(monkeypatch, width, stage):
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, force_terminal=True, width=width, emoji=False))
    terminal = console.Terminal()
    terminal.stage(Stage(stage.number, stage.of, stage.title, stage.seconds, stage.at_most))
    with terminal.task("Training [bold]", 12345, "steps") as advance:
        advance(12345)
    return re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", shown.getvalue()).replace("\r", "\n")


def test_a_log_has_one_line_for_each_task_and_none_for_stages(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, width=200))
    terminal = console.Terminal()
    terminal.stage(Stage(1, 2, "one"))
    for title in ("first", "second"):
        with terminal.task(title, 3, "samples") as advance:
            advance(3)
    assert [line.split(" in ")[0] for line in shown.getvalue().splitlines()] == [
        "first: 3 samples",
        "second: 3 samples",
    ]


def test_a_reader_of_notes_that_has_gone_does_not_stop_the_work():
    """In a process of its own, whose standard error is a pipe that nobody reads."""
    code = (
        "import sys\nfrom graft.terminal import console\nwatch = console.Terminal()\n"
        "[watch.say('x' * 10000) for _ in range(20)]\nsys.stdout.write('done')"
    )
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=write, text=True)
    os.close(write)
    assert (result.returncode, result.stdout) == (0, "done")

"""A run that is interrupted, at whatever moment, ends as one that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from graft.adaptation import ladder
from graft.errors import RequestError
from graft.run_folder import RunFolder
from graft.verbs.fit import FitOptions, fit, resume
from graft.verbs.pretrain import pretrain

OPTIONS = FitOptions("random:timm:test_efficientnet@64", "best", checkpoint_seconds=0.0)


def weights(run) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def state(run) -> str:
    return json.loads((run / "run.json").read_text())["state"]


class Interruption:
    """Stops the training at its so-many-th step, as Ctrl-C or a crash would."""

    def __init__(self, monkeypatch, after: int, error: type[BaseException]):
        from graft.training import loop

        step, self.left = loop._Training.step, after

        def counted(training):
            self.left -= 1
            if self.left == 0:
                raise error
            step(training)

        monkeypatch.setattr(loop._Training, "step", counted)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    from graft.adaptation import defaults, strategy

    def brief(plan_of):
        return lambda backbone: replace(plan_of(backbone), epochs=2, least_steps=8, batch=8)

    for module in (strategy, ladder):
        monkeypatch.setattr(module, "partial_plan", brief(defaults.partial_plan))
    monkeypatch.setattr(strategy, "full_plan", brief(defaults.full_plan))


@pytest.fixture
def kept(monkeypatch):
    """Every trained rung is kept, so that the weights of each stand in the model."""
    from graft.adaptation.guard import decide

    monkeypatch.setattr(ladder, "decide", lambda *known: replace(decide(*known), share=1.0))


@pytest.mark.parametrize("after", [*(pytest.param(one, marks=pytest.mark.slow) for one in (1, 9)), 30])
def test_a_crash_resumed_gives_the_same_bits(folder, tmp_path, monkeypatch, kept, after):
    root = folder(lemon=16, plum=16)
    whole = fit(root, tmp_path / "whole", OPTIONS).run
    with monkeypatch.context() as patched:
        Interruption(patched, after, RuntimeError)
        with pytest.raises(RuntimeError):
            fit(root, tmp_path / "run", OPTIONS)
    assert state(tmp_path / "run") == "failed: RuntimeError"
    resumed = resume(tmp_path / "run")
    assert weights(resumed.run) == weights(whole)
    assert state(resumed.run) == "finished"
    assert not (resumed.run / "checkpoints").exists()


def test_pretraining_resumed_gives_the_same_bits(folder, tmp_path, monkeypatch):
    root, options = folder(lemon=16, plum=16), FitOptions(checkpoint_seconds=0.0)
    whole = pretrain(root, "timm:test_efficientnet", 4, tmp_path / "whole", 64, options).run
    with monkeypatch.context() as patched:
        Interruption(patched, 3, RuntimeError)
        with pytest.raises(RuntimeError):
            pretrain(root, "timm:test_efficientnet", 4, tmp_path / "run", 64, options)
    assert weights(resume(tmp_path / "run").run) == weights(whole)


def test_ctrl_c_keeps_the_best_model_so_far(folder, tmp_path, monkeypatch, kept):
    root = folder(lemon=16, plum=16)
    with monkeypatch.context() as patched:
        Interruption(patched, 5, KeyboardInterrupt)
        fitted = fit(root, tmp_path / "run", OPTIONS)
    assert fitted.stopped
    assert state(fitted.run) == "stopped"
    assert json.loads((fitted.run / "model/model.json").read_text())["provenance"]["rung"] == "1b"
    assert "graft fit --resume" in (fitted.run / "events.jsonl").read_text()
    assert not resume(fitted.run).stopped


def test_a_finished_run_has_nothing_to_resume(fitted):
    with pytest.raises(RequestError, match="is finished: there is nothing to resume"):
        resume(fitted.run)


def test_a_folder_that_is_no_run_has_nothing_to_resume(tmp_path):
    with pytest.raises(RequestError, match="not a run of graft"):
        resume(tmp_path)


def test_a_run_of_another_version_is_refused(folder, tmp_path):
    run = RunFolder.create(tmp_path / "run", {"graft": "9.9"})
    run.update(format=99)
    with pytest.raises(RequestError, match="begun in format 99 by graft 9.9"):
        resume(run.path)


def test_data_that_changed_are_refused_with_what_changed(folder, tmp_path, monkeypatch):
    root = folder(lemon=16, plum=16, lime=16)
    with monkeypatch.context() as patched:
        Interruption(patched, 2, RuntimeError)
        with pytest.raises(RuntimeError):
            fit(root, tmp_path / "run", OPTIONS)
    (root / "lemon" / "0.png").unlink()
    (root / "plum" / "0.png").rename(root / "plum" / "new.png")
    (root / "lime" / "0.png").write_bytes((root / "lime" / "1.png").read_bytes() + b"x")
    with pytest.raises(RequestError) as caught:
        resume(tmp_path / "run")
    message = str(caught.value)
    assert "2 gone (lemon/0.png, plum/0.png)" in message
    assert "1 new (plum/new.png)" in message
    assert "1 changed (lime/0.png)" in message


def test_two_processes_do_not_work_on_one_run(folder, tmp_path, monkeypatch):
    root = folder(lemon=16, plum=16)
    with monkeypatch.context() as patched:
        Interruption(patched, 2, RuntimeError)
        with pytest.raises(RuntimeError):
            fit(root, tmp_path / "run", OPTIONS)
    with RunFolder(tmp_path / "run").alone_at_work(), pytest.raises(RequestError, match="Another process is at work"):
        resume(tmp_path / "run")
    assert resume(tmp_path / "run").run == tmp_path / "run"


COMMAND = """
import sys
from dataclasses import replace
from pathlib import Path
from graft.adaptation import defaults, ladder, strategy
from graft.adaptation.guard import decide
from graft.verbs.fit import FitOptions, fit, resume

def longer(plan_of):
    return lambda backbone: replace(plan_of(backbone), epochs=60, batch=8)

for module in (strategy, ladder):
    module.partial_plan = longer(defaults.partial_plan)
strategy.full_plan = longer(defaults.full_plan)
ladder.decide = lambda *known: replace(decide(*known), share=1.0)
data, run = sys.argv[1:]
if (Path(run) / "run.json").is_file():
    resume(run)
else:
    fit(data, run, FitOptions("random:timm:test_efficientnet@64", "best", checkpoint_seconds=0.2))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_20_random_moments_it_still_ends_with_the_same_weights(folder, tmp_path, cache):
    root = folder(lemon=16, plum=16, lime=16)
    environment = {**os.environ, "GRAFT_CACHE": str(cache)}

    def start(run):
        command = [sys.executable, "-c", COMMAND, str(root), str(tmp_path / run)]
        return subprocess.Popen(command, env=environment)

    def is_finished(run) -> bool:
        return (run / "run.json").is_file() and state(run) == "finished"

    assert start("warm").wait() == 0  # fills the cache, so that the time below is the time of a resumed run
    began = time.monotonic()
    assert start("whole").wait() == 0
    whole = time.monotonic() - began
    rng, kills, run = random.Random(0), 0, tmp_path / "run"
    while kills < 20 or not is_finished(run):
        process = start("run")
        try:
            assert process.wait(timeout=rng.uniform(0.3, 0.6) * whole if kills < 20 else None) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if is_finished(run):
            assert weights(run) == weights(tmp_path / "whole")
            if kills < 20:
                run.rename(tmp_path / f"run-{kills}")  # it was done before the kills were: begin another

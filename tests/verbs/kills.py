"""Kill a verb at random moments, again and again, and look after each kill whether a law is broken.

python kills.py IMAGE|AUDIO|TEXT|SPEECH VERB KILLS SEED FOLDER, with VERB one of quick, good, best, evaluate, export,
cache. Each attempt is a fork of a process that has imported everything and started no thread, so that a kill costs
seconds.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import openvino  # noqa: F401  # so that no attempt spends its time on importing
import scipy.optimize  # noqa: F401
import torch  # noqa: F401

from conftest import NETWORKS, pictures, sounds, texts
from graft.adaptation import ctc, defaults, ladder, multitap, strategy  # noqa: F401
from graft.adaptation.guard import decide
from graft.adaptation.model import Model
from graft.adaptation.speech_model import SpeechModel, writes_transcripts
from graft.data import load
from graft.features import cache, extract
from graft.features.suited import suited
from graft.run_folder import RunFolder
from graft.verbs.evaluate import evaluate
from graft.verbs.export import ExportOptions, export
from graft.verbs.fit import FitOptions, fit, resume
from graft.verbs.record import _delivered_rung

FORK = multiprocessing.get_context("fork")


def brief(plan_of: Callable) -> Callable:
    return lambda backbone: replace(plan_of(backbone), epochs=4, least_steps=8, batch=8)


for module in (strategy, ladder):
    module.partial_plan = brief(defaults.partial_plan)
strategy.full_plan = brief(defaults.full_plan)
ladder.decide = lambda *known: replace(decide(*known), share=1.0)  # every rung is kept, so that each is delivered


def speech(root: Path) -> Path:
    """Recordings whose tone is their word: enough to spell with two letters."""
    import csv

    import soundfile

    rng, rows = np.random.default_rng(0), []
    root.mkdir(parents=True)
    for number in range(20):
        word, hertz = (("aa", 500), ("bb", 2000))[number % 2]
        wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(12000 + 50 * number) / 16000)
        soundfile.write(root / f"{number}.wav", wave + rng.normal(0, 0.01, len(wave)), 16000)
        rows.append((f"{number}.wav", word))
    with (root / "said.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "text"), *rows])
    return root / "said.csv"


DATA = {"image": pictures, "audio": sounds, "text": texts, "speech": speech}


class Campaign:
    def __init__(self, kind: str, verb: str, seed: int, folder: Path) -> None:
        self.kind, self.verb, self.rng, self.folder = kind, verb, random.Random(seed), folder
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["GRAFT_HISTORY"] = str(folder / "history.json")
        self.data = DATA[kind](folder / "data")
        effort = verb if verb in ("quick", "good", "best") else "quick"
        self.options = FitOptions(NETWORKS.get(kind), effort, checkpoint_seconds=0.0)

    def attempt(self, work: Callable[[], object], seconds: float | None) -> bool:
        """Run work in a fork and kill it after so many seconds; whether it came to its end."""

        def quietly() -> None:
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1), os.dup2(log, 2)
            work()

        process = FORK.Process(target=quietly)
        process.start()
        process.join(seconds)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            with (self.folder / "kills").open("a") as file:  # how far it came, for whoever cannot wait
                file.write("x")
            return False
        if process.exitcode:
            tail = (self.folder / "log").read_text()[-3000:]
            raise AssertionError(f"{self.kind} {self.verb} failed with {process.exitcode}: {tail}")
        return True

    def fitted(self, run: Path) -> Callable[[], object]:
        def work() -> object:
            if not (run / "run.json").is_file():
                return fit(self.data, run, self.options)
            if json.loads((run / "run.json").read_text())["state"] == "finished":
                return None  # the kill came after the last commit, before the process had ended
            return resume(run)

        return work

    def whole(self, name: str) -> tuple[Path, float]:
        run = self.folder / name
        began = time.monotonic()
        self.attempt(self.fitted(run), None)
        return run, time.monotonic() - began

    def run(self, kills: int) -> int:
        self.whole("warm")  # fills the cache
        self.reference, self.seconds = self.whole("whole")
        return self._kill_fits(kills) if self.verb in ("quick", "good", "best") else getattr(self, self.verb)(kills)

    def moment(self, seconds: float) -> float:
        return self.rng.uniform(0.02, 0.9) * seconds

    def _kill_fits(self, kills: int) -> int:
        done, turn, best = 0, 0, ""
        run = self.folder / "run-0"
        while done < kills:
            ended = self.attempt(self.fitted(run), self.moment(self.seconds))
            done += not ended
            best = self.check_run(run, best)
            if self.rng.random() < 0.25 and not ended:
                ended = self.attempt(self.fitted(run), None)
            if ended:
                self.same(run)
                turn, best = turn + 1, ""
                run = self.folder / f"run-{turn}"
        if (run / "run.json").is_file():
            self.attempt(self.fitted(run), None)
            self.same(run)
        return done

    def check_run(self, run: Path, best: str) -> str:
        """Whether all that lies there is whole and belongs together; gives the rung of the model, never an earlier."""
        if not (run / "run.json").is_file():
            assert best == "", "a run is lost"
            return ""
        for file in run.glob("*.json"):
            json.loads(file.read_text())
        folder = RunFolder(run)
        if not folder.model_id:
            assert best == "", "a model is lost"
            return ""
        folder = RunFolder.open(run)
        folder.read_split()
        model = (SpeechModel if writes_transcripts(folder.model) else Model).load(folder.model)
        assert not (run / ".staged").exists()
        ladder = json.loads((run / "ladder.json").read_text())
        rung = _delivered_rung(ladder)
        assert json.loads((run / "evaluation.json").read_text()), "a model without figures"
        if rung != "final":
            assert model.provenance["rung"] == rung, "the ladder is of another model"
        order = [entry["rung"] for entry in json.loads((self.reference / "ladder.json").read_text())]
        assert not best or order.index(rung) >= order.index(best), f"the model of rung {best} was lost for {rung}"
        return rung

    def same(self, run: Path) -> None:
        for name in ("model/model.safetensors", "evaluation.json", "split.csv"):
            assert (run / name).read_bytes() == (self.reference / name).read_bytes(), f"{name} differs"
        assert json.loads((run / "run.json").read_text())["state"] == "finished"
        assert (run / "report.html").is_file()
        assert not list(run.glob(".staged*")), "something is left over"

    def evaluate(self, kills: int) -> int:
        """Each reading is counted, the figures are the old or the new ones, and those of others stay."""
        run = self.reference
        evaluate(run, part="val")
        began = time.monotonic()
        self.attempt(lambda: evaluate(run), None)
        seconds, done = time.monotonic() - began, 0
        before = json.loads((run / "evaluation.json").read_text())
        while done < kills:
            done += not self.attempt(lambda: evaluate(run), self.moment(seconds))
            assert json.loads((run / "evaluation.json").read_text()) == before
            RunFolder.open(run).read_split()
            assert (run / "report.html").read_text().rstrip().endswith("</html>")
        return done

    def export(self, kills: int) -> int:
        """An artifact is there whole, or not at all; an older one is never lost."""
        run, place = self.reference, self.folder / "artifact"
        began = time.monotonic()
        self.attempt(lambda: export(run, "openvino", place), None)
        seconds, done = time.monotonic() - began, 0

        def again() -> None:
            export(run, "openvino", place, ExportOptions(replace=True))

        while done < kills:
            done += not self.attempt(again, self.moment(seconds))
            whole = [one for one in (place, *self.folder.glob("artifact.old*")) if (one / "manifest.json").is_file()]
            assert whole, "the artifact is lost"
            for one in whole:
                from graft.export.artifact import Artifact

                self.attempt(lambda one=one: Artifact(one), None)
        self.attempt(again, None)
        assert not list(self.folder.glob(".artifact.unfinished*"))
        return done

    def cache(self, kills: int) -> int:
        """What is kept is what was computed: after any kill the features are the same bits."""
        dataset = load(self.data, self.options.load)
        rows = dataset.rows("train", "val")

        def compute() -> None:
            extract(dataset, rows, suited(self.options.backbone, dataset))

        def compare() -> None:
            found = extract(dataset, rows, suited(self.options.backbone, dataset)).matrix
            file = self.folder / "features.npy"
            if not file.exists():
                np.save(file, found)
            assert np.array_equal(np.load(file), found)

        os.environ["GRAFT_CACHE"] = str(self.folder / "own-cache")
        self.attempt(compare, None)
        done, seconds = 0, 0.0
        while done < kills:
            if not seconds or self.rng.random() < 0.5:
                cache.clear()
            began = time.monotonic()
            ended = self.attempt(compute, self.moment(seconds) if seconds else None)
            seconds = seconds or time.monotonic() - began
            done += not ended
            self.attempt(compare, None)
        return done


if __name__ == "__main__":
    kind, verb, kills, seed, folder = sys.argv[1:]
    done = Campaign(kind, verb, int(seed), Path(folder)).run(int(kills))
    sys.stdout.write(json.dumps({"kind": kind, "verb": verb, "kills": done}) + "\n")

"""A watch that also writes what happens into the run's events, and how a fit puts its data and models into the run."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from graft.data import Dataset
from graft.errors import WorkError, listing
from graft.progress import Advance, Stage, Watch, tell_stage
from graft.records import PARTS, Json
from graft.run_folder import Essential, RunFolder, findings_json
from graft.storage import json_bytes
from graft.verbs.report import write_report

Kind = TypeVar("Kind")

OF_A_FIT = ("val", "cross-validation", "held-out share of train")


class Recorder:
    """Passes everything on, and keeps a line per task and per message in events.jsonl."""

    def __init__(self, watch: Watch, run: RunFolder) -> None:
        self.watch = watch
        self.run = run

    @contextmanager
    def task(self, title: str, total: int, unit: str) -> Iterator[Advance]:
        began = time.perf_counter()
        self.run.event("task", title=title, total=total, unit=unit)
        with self.watch.task(title, total, unit) as advance:
            yield advance
        self.run.event("task done", title=title, seconds=round(time.perf_counter() - began, 3))

    def stage(self, stage: Stage | None) -> None:
        if stage is not None:
            self.run.event("stage", number=stage.number, of=stage.of, title=stage.title)
        tell_stage(self.watch, stage)

    def say(self, message: str) -> None:
        self.watch.say(message)
        with suppress(WorkError):  # a full disk is what the message may be about
            self.run.event("message", message=message)


def readings_before(path: Path, dataset: Dataset) -> list[Json]:
    """How often the run that is to be moved aside read the test set, if it was made of the same data."""
    if not (path / "run.json").is_file():
        return []
    try:
        before = RunFolder(path).read("run.json", Essential)
    except WorkError:  # a damaged run is moved aside as it is
        return []
    return before.test_readings if before.dataset == dataset.fingerprint else []


def write_split(run: RunFolder, dataset: Dataset) -> None:
    """Write which sample is in which part, and what the checks saw."""
    columns = (dataset.sources, dataset.labels, dataset.parts, dataset.groups, dataset.hashes)
    run.write_split(
        (source, dataset.task.write(dataset.classes, label), PARTS[part], group, sha256.tobytes().hex())
        for source, label, part, group, sha256 in zip(*columns, strict=True)
    )
    run.write("findings.json", findings_json(dataset.findings))


class Delivery:
    """Puts each rung's model, ladder and evaluation into the run together.

    A run that is resumed may hold a better model than its first rungs make: that one stays, until the climb has come
    to its rung again.
    """

    def __init__(self, run: RunFolder, watch: Watch) -> None:
        self.run, self.watch = run, watch
        self._reached = _delivered_rung(self.ladder) if run.model_id else ""
        self._save: Callable[[Path], None] | None = None  # of a model that the run does not hold yet

    @property
    def ladder(self) -> list[Json]:
        """The ladder that belongs to the model in the run."""
        there = (self.run.path / "ladder.json").is_file()
        return self.run.read("ladder.json", list[dict[str, Any]]) if there else []

    @property
    def waits(self) -> bool:
        """Whether the run still holds the model of before the interruption."""
        return bool(self._reached)

    def offer(self, save: Callable[[Path], None]) -> None:
        """The model that the next `write` puts into the run."""
        self._save = save

    def write(self, ladder: Sequence[Json], evaluation: Any, last: bool = False) -> None:
        """Write what is known after a rung, or, after the `last`, whatever the run held before."""
        if self._reached and not last and _delivered_rung(ladder) != self._reached:
            return
        self._reached = ""
        if last and self._save is None:
            return
        with self.run.exclusively():
            known = self._known()
            gone = [title for title in known if title != evaluation.part] if self._save else []
            kept = {} if self._save else known
            evaluations = {**kept, evaluation.part: dataclasses.asdict(evaluation)}
            files = {"ladder.json": json_bytes(list(ladder)), "evaluation.json": json_bytes(evaluations)}
            self.run.commit(files, self._save)
            self._save = None
            write_report(self.run)
        if gone:
            self.watch.say(
                f"The run has a new model: what was measured of the one before is removed ({listing(gone)}). Measure "
                f"again with: graft evaluate {self.run.path}"
            )

    def _known(self) -> dict[str, Any]:
        with suppress(WorkError):  # damaged: it is written anew
            if (self.run.path / "evaluation.json").is_file():
                return self.run.read("evaluation.json", dict[str, Any])
        return {}


def first_unlocked(evaluations: Mapping[str, Kind]) -> Kind:
    """The evaluation that a fit wrote, of those of a run."""
    return next(one for title, one in evaluations.items() if title in OF_A_FIT)


def _delivered_rung(ladder: Sequence[Json]) -> str:
    """The rung whose model is the one delivered; empty before the first."""
    kept = [str(entry["rung"]) for entry in ladder if entry["kept"] and "passed_by" not in entry]
    return "final" if "final" in kept else kept[-1] if kept else ""

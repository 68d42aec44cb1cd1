"""A watch that also writes what happens into the run's events, and what every fit writes of its data."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graft.data import Dataset
from graft.errors import WorkError
from graft.progress import Advance, Watch
from graft.records import PARTS, Json
from graft.run_folder import Essential, RunFolder, findings_json


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
        (source, dataset.classes[label], PARTS[part], group, sha256.tobytes().hex())
        for source, label, part, group, sha256 in zip(*columns, strict=True)
    )
    run.write("findings.json", findings_json(dataset.findings))

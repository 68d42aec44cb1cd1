"""The folder of a run: everything that was decided, seen and made, in files a person can read."""

import csv
import dataclasses
import io
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from graft.errors import RequestError, WorkError
from graft.records import Finding, Json
from graft.storage import Record, explain, free_name, is_utf8, read_record, sha256_of, write_bytes, write_json

FORMAT = 1
CHECKSUMS = "checksums.json"  # of the model folder
LOCK_SECONDS = 30  # how long another process may hold run.json

SPLIT_COLUMNS = ("source", "class", "part", "group", "sha256")


@dataclass(frozen=True, slots=True)
class Essential:
    """What every finished run.json holds, among other things."""

    graft: str
    data: str
    dataset: str
    split: str
    split_sha256: str
    samples: dict[str, int]
    started: str
    seed: int
    test_readings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Resumable:
    """What a run.json must hold for the run to be resumed, among other things."""

    state: str
    data: str
    dataset: str
    backbone: str
    effort: Literal["quick", "good", "best"]
    seed: int
    group: str | None
    min_per_class: int
    cache_gb: float
    minutes: float | None
    checkpoint_seconds: float
    pretrain_epochs: float | None
    versions: dict[str, str]
    text: str | None = None
    label: str | None = None
    strategy: Json | None = None  # of a run that graft.adapt made


def place_for(path: Path, replace: bool) -> Path:
    """Where a run may begin; raises `RequestError` where it may not, so that no work is done in vain."""
    if not is_utf8(str(path)):
        raise RequestError(f"--out {str(path).encode('ascii', 'replace').decode()} is not valid UTF-8. Choose another.")
    path = path if path.name else path.absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        if not (path / "run.json").is_file():
            raise RequestError(f"{path} exists and is not a run of graft. Choose another --out.")
        if not replace:
            raise RequestError(
                f"{path} already holds a run. Choose another --out, or add --replace to move the old run aside."
            )
    return path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names and formats of a run's files. Every file is written whole or not at all."""

    path: Path

    @classmethod
    def create(cls, path: Path, settings: Json, replace: bool = False) -> "RunFolder":
        """Begin a run. An existing run is kept unless `replace` says to move it aside; nothing is ever deleted."""
        path = place_for(path, replace)
        if path.exists() and any(path.iterdir()):
            path.rename(free_name(path.with_name(f"{path.name}.old")))
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkError(f"Could not make the folder {path}: {explain(error)}") from error
        run = cls(path)
        run.write("run.json", {"format": FORMAT, "state": "running", "test_readings": [], **settings})
        return run

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open a finished run; raises `RequestError` for a folder that is none."""
        if not (path / "run.json").is_file():
            raise RequestError(
                f"{path} is not a run of graft (it has no run.json). Make one with: graft fit DATA --out {path}"
            )
        run = cls(path)
        settings = run.settings
        if settings.get("format") != FORMAT:
            raise RequestError(
                f"{path} was written in format {settings.get('format')} by graft {settings.get('graft')}; this graft "
                f"reads format {FORMAT}. Use that version, or run graft fit again."
            )
        if "state" in settings and not run.model.is_dir():  # not even the first rung was finished
            raise RequestError(
                f"{path} holds no model yet (its state: {settings['state']}). Go on with: graft fit --resume {path}"
            )
        read_record(path / "run.json", Essential)
        return run

    def unfinished(self) -> Resumable:
        """The settings of a run that can be resumed; raises `RequestError` where there is nothing to resume."""
        if not (self.path / "run.json").is_file():
            raise RequestError(f"{self.path} is not a run of graft (it has no run.json): there is nothing to resume.")
        if self.settings.get("format") != FORMAT:
            raise RequestError(
                f"{self.path} was begun in format {self.settings.get('format')} by graft "
                f"{self.settings.get('graft')}; this graft goes on with format {FORMAT}. Begin a new run."
            )
        settings = self.read("run.json", Resumable)
        if settings.state == "finished":
            raise RequestError(f"{self.path} is finished: there is nothing to resume.")
        if settings.strategy is not None:
            raise RequestError(f"{self.path} was begun by graft.adapt. Call that again with the same arguments.")
        return settings

    @contextmanager
    def alone_at_work(self) -> Iterator[None]:
        """Entered while a fit writes the run; raises `RequestError` where another process does."""
        lock = FileLock(self.path / ".work.lock", blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise RequestError(f"Another process is at work on {self.path}. Wait for it, or stop it first.") from error
        with lock:
            lock.release()  # entering took it once more
            yield

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self.path / "model"

    def write_model(self, save: Callable[[Path], None]) -> None:
        """Let `save` write a model beside the present one, then put it in its place."""
        fresh, old = self.path / ".model.new", self.path / ".model.old"
        for folder in (fresh, old):
            shutil.rmtree(folder, ignore_errors=True)
        save(fresh)
        if self.model.exists():
            self.model.rename(old)
        fresh.rename(self.model)
        shutil.rmtree(old, ignore_errors=True)

    @property
    def settings(self) -> Json:
        """Everything in run.json."""
        return self.read("run.json", dict[str, Any])

    def update(self, **changes: Any) -> None:
        """Change some entries of run.json and keep the others."""
        with self._alone():
            self.write("run.json", {**self.settings, **changes})

    def read(self, name: str, kind: type[Record]) -> Record:
        """A file of the run as a record; raises as `read_record` does."""
        return read_record(self.path / name, kind)

    def write(self, name: str, content: Any) -> None:
        """Write a file of the run as JSON."""
        write_json(self.path / name, content)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run as text."""
        write_bytes(self.path / name, text.encode())

    def event(self, kind: str, **details: Any) -> None:
        """Append one line to events.jsonl."""
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **details}, ensure_ascii=False)
        try:
            with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise WorkError(f"Could not write {self.path / 'events.jsonl'}: {explain(error)}") from error

    def count_test_reading(self, purpose: str) -> int:
        """Note that the test part is being read, and return how often it has been."""
        with self._alone():
            settings = self.settings
            reading = {"time": round(time.time(), 3), "purpose": purpose, "model": self._model_now()}
            readings = [*settings["test_readings"], reading]
            self.write("run.json", {**settings, "test_readings": readings})
        return len(readings)

    def readings_of_other_models(self) -> list[Json]:
        """The readings of the test set after which the model was changed, by going on with the fit or by a new one."""
        now = self._model_now()
        return [one for one in self.settings["test_readings"] if one.get("model", now) != now]

    def _model_now(self) -> str:
        """A hash that says which model the run holds, and depends on nothing else; empty where there is none yet."""
        sums = self.model / CHECKSUMS
        return sha256_of(sums) if sums.is_file() else ""

    def _alone(self) -> FileLock:
        """Entered while run.json is read and written again, so that no other process's change is lost."""
        return FileLock(self.path / ".lock", timeout=LOCK_SECONDS)

    def write_split(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Write split.csv (source, class, part, group and content hash of every sample), and its hash to run.json."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(SPLIT_COLUMNS)
        writer.writerows(rows)
        self.write_text("split.csv", text.getvalue())
        self.update(split_sha256=sha256_of(self.path / "split.csv"))

    def read_split(self) -> list[dict[str, str]]:
        """The rows of split.csv; raises `WorkError` where it is not the file that was written."""
        path = self.path / "split.csv"
        try:
            whole = sha256_of(path) == self.settings["split_sha256"]
        except OSError as error:
            raise WorkError(f"{path} cannot be read: {explain(error)}") from error
        if not whole:
            raise WorkError(
                f"{path} was changed: its SHA-256 differs from that in run.json, so nobody can tell any more which "
                "samples the model has seen. Copy the run again from where it was made, or run graft fit again."
            )
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def findings_json(findings: Iterable[Finding]) -> list[Json]:
    """Findings as plain JSON."""
    return [dataclasses.asdict(finding) for finding in findings]

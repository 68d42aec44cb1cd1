"""Names and formats of a run's files, and how they are written so that nothing is lost, half there or another run's."""

import dataclasses
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from graft.errors import RequestError, WorkError
from graft.escaping import command
from graft.records import Finding, Json
from graft.run_folder.place import LOCK, SETTINGS, WORK_LOCK, held, lock_of, place_for
from graft.run_folder.settings import Essential, Resumable
from graft.run_folder.split import split_bytes, split_rows
from graft.storage import (
    Record,
    explain,
    free_name,
    json_bytes,
    named_path,
    put_in_place,
    read_record,
    sha256_of,
    sync_folder,
    write_bytes,
)

Loaded = TypeVar("Loaded")

FORMAT = 1
STAGED = ".staged"  # what is whole and belongs into the run; a crash leaves it to the next process that opens the run
MODEL, OLD_MODEL = "model", ".model.replaced"
OF_ONE_MODEL = ("report.html", "README.md")  # they describe the model, so they go when it is replaced
ATTEMPTS = 20  # at reading a model that is replaced meanwhile


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names and formats of a run's files. Every file is written whole or not at all.

    `id` is what run.json called the run when this process opened it. Nothing is written once the folder holds another
    run, or none: raises `WorkError` then.
    """

    path: Path
    id: str = ""

    @classmethod
    def create(cls, path: Path, settings: Json, replace: bool = False) -> "RunFolder":
        """Begin a run. An existing run is kept unless `replace` says to move it aside; nothing is ever deleted."""
        path = place_for(path, replace)
        if (path / SETTINGS).is_file():
            cls(path)._move_aside()
        _make(path)
        run = cls(path, uuid.uuid4().hex)
        with lock_of(path):
            if any(one.name not in (WORK_LOCK, LOCK) for one in path.iterdir()):  # another process was faster
                raise RequestError(f"{path} already holds a run. Choose another --out.")
            described = {"format": FORMAT, "id": run.id, "state": "running", "test_readings": [], **settings}
            write_bytes(path / SETTINGS, json_bytes(described))
        return run

    def _move_aside(self) -> None:
        """Rename the run that lies here, unless a process works on it."""
        with held(self.path) as work, self.exclusively():
            if os.name == "nt":  # an open file there keeps its folder from being renamed
                work.release()
            self.path.rename(free_name(self.path.with_name(f"{self.path.name}.old")))

    @classmethod
    def open(cls, place: str | Path) -> "RunFolder":
        """Open a finished run; raises `RequestError` for a folder that is none."""
        path = named_path(place)
        if not (path / "run.json").is_file():
            raise RequestError(
                f"{path} is not a run of graft (it has no run.json). Make one with: "
                f"graft fit DATA {command('--out', path)}"
            )
        run = cls(path)
        run._recover()
        settings = run.settings
        if settings.get("format") != FORMAT:
            raise RequestError(
                f"{path} was written in format {settings.get('format')} by graft {settings.get('graft')}; this graft "
                f"reads format {FORMAT}. Use that version, or run graft fit again."
            )
        if "state" in settings and not run.model.is_dir():  # not even the first rung was finished
            raise RequestError(
                f"{path} holds no model yet (its state: {settings['state']}). Go on with: "
                f"{command('graft', 'fit', '--resume', path)}"
            )
        read_record(path / SETTINGS, Essential)
        return cls(path, str(settings.get("id", "")))

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
        with held(self.path):
            with self.exclusively():  # what a crash left staged is finished
                pass
            yield

    def check(self) -> None:
        """Raise `WorkError` where the folder does not hold the run any more that this process opened."""
        try:
            present = json.loads((self.path / SETTINGS).read_bytes()).get("id", "")
        except OSError as error:
            raise self._gone() from error
        except (ValueError, AttributeError):  # damaged: reading it says so
            present = ""
        if self.id and present != self.id:
            raise self._gone()

    def _gone(self) -> WorkError:
        return WorkError(
            f"{self.path} does not hold the run any more that this process works on: it was moved, replaced or removed "
            "meanwhile. Nothing more is written there. Where a run that a fit works on was moved, go on with: graft "
            "fit --resume ITS_NEW_PLACE"
        )

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Entered while files are read and written again, so that no other process's change is lost. May be nested."""
        self.check()  # before the lock: taking it would make the folder of a run that is gone
        with lock_of(self.path):
            self.check()
            self._finish_staged()  # before anything reads or writes: what was committed counts
            yield

    @property
    def model(self) -> Path:
        """The folder of the model, wherever a crash left it."""
        places = (self.path / STAGED / MODEL, self.path / MODEL, self.path / OLD_MODEL)
        return next((place for place in places if place.is_dir()), self.path / MODEL)

    def read_model(self, load: Callable[[Path], Loaded]) -> Loaded:
        """What `load` makes of the model's folder; begun again where a fit replaces the model meanwhile."""
        for _ in range(ATTEMPTS):
            before = place, _ = self.model, self.model_id
            try:
                loaded = load(place)
            except Exception:
                if before == (self.model, self.model_id):  # it is not that somebody replaces it
                    raise
            else:
                if before == (self.model, self.model_id):
                    return loaded
            time.sleep(0.05)
        raise WorkError(f"The model in {self.path} is replaced again and again while it is read. Try again.")

    @property
    def model_id(self) -> str:
        """What tells the model that lies here from every other: the hash of its checksums; empty without a model."""
        with suppress(OSError):
            return sha256_of(self.model / "checksums.json")
        return ""

    def write_model(self, save: Callable[[Path], None]) -> None:
        """Let `save` write a model beside the present one, then put it in its place."""
        self.commit({}, save)

    def commit(self, files: Mapping[str, bytes], save: Callable[[Path], None] | None = None) -> None:
        """Write several files, and with `save` the model, all together: after a crash all are there or none."""
        self.check()
        fresh = self.path / f"{STAGED}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _make(fresh)
        if save is not None:
            save(fresh / MODEL)
        for name, content in files.items():
            write_bytes(fresh / name, content)
        with self.exclusively():
            try:
                fresh.rename(self.path / STAGED)  # from here on it counts
                sync_folder(self.path)
            except OSError as error:
                raise WorkError(f"Could not write {self.path}: {explain(error)}") from error
            self._finish_staged()

    def _finish_staged(self) -> None:
        """Put what a commit staged into its place; called with the lock."""
        staged = self.path / STAGED
        if not staged.is_dir():
            return
        if (staged / MODEL).is_dir():
            for name in OF_ONE_MODEL:
                (self.path / name).unlink(missing_ok=True)
        try:
            put_in_place(staged, self.path)
        except OSError as error:
            raise WorkError(f"Could not write {self.path}: {explain(error)}") from error

    def _recover(self) -> None:
        """Finish what a crash left staged; where this may not be written, `model` finds it all the same."""
        if (self.path / STAGED).is_dir() and os.access(self.path, os.W_OK):
            with self.exclusively():
                pass

    @property
    def settings(self) -> Json:
        """Everything in run.json."""
        return self.read(SETTINGS, dict[str, Any])

    def update(self, **changes: Any) -> None:
        """Change some entries of run.json and keep the others."""
        with self.exclusively():
            self.write(SETTINGS, {**self.settings, **changes})

    def read(self, name: str, kind: type[Record]) -> Record:
        """A file of the run as a record; raises as `read_record` does."""
        return read_record(self.path / name, kind)

    def write(self, name: str, content: Any) -> None:
        """Write a file of the run as JSON."""
        self._write(name, json_bytes(content))

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the run as text."""
        self._write(name, text.encode())

    def _write(self, name: str, content: bytes) -> None:
        with self.exclusively():
            write_bytes(self.path / name, content)

    def event(self, kind: str, **details: Any) -> None:
        """Append one line to events.jsonl."""
        self.check()
        line = json.dumps({"time": round(time.time(), 3), "event": kind, **details}, ensure_ascii=False)
        try:
            with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise WorkError(f"Could not write {self.path / 'events.jsonl'}: {explain(error)}") from error

    def count_test_reading(self, purpose: str) -> int:
        """Note that the test part is being read, and return how often it has been."""
        with self.exclusively():
            settings = self.settings
            reading = {"time": round(time.time(), 3), "purpose": purpose, "model": self.model_id}
            readings = [*settings["test_readings"], reading]
            self.write(SETTINGS, {**settings, "test_readings": readings})
        return len(readings)

    def readings_of_other_models(self) -> list[Json]:
        """The readings of the test set after which the model was changed, by going on with the fit or by a new one."""
        now = self.model_id
        return [one for one in self.settings["test_readings"] if one.get("model", now) != now]

    def write_split(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Write split.csv (source, class, part, group and content hash of every sample), and its hash to run.json."""
        content = split_bytes(rows)
        with self.exclusively():
            settings = {**self.settings, "split_sha256": hashlib.sha256(content).hexdigest()}
            self.commit({"split.csv": content, SETTINGS: json_bytes(settings)})

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
        return split_rows(path)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkError(f"Could not make the folder {folder}: {explain(error)}") from error


def findings_json(findings: Iterable[Finding]) -> list[Json]:
    """Findings as plain JSON."""
    return [dataclasses.asdict(finding) for finding in findings]

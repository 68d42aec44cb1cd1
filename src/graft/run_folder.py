"""The folder of a run: everything that was decided, seen and made, in files a person can read."""

import csv
import dataclasses
import io
import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.errors import RequestError, WorkError
from graft.records import Finding, Json
from graft.storage import explain, write_bytes, write_json

FORMAT = 1
ESSENTIAL = ("graft", "data", "dataset", "split", "samples", "started", "seed", "test_readings")  # of run.json
SPLIT_COLUMNS = ("source", "class", "part", "group", "sha256")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names and formats of a run's files. Every file is written whole or not at all."""

    path: Path

    @classmethod
    def create(cls, path: Path, settings: Json, replace: bool = False) -> "RunFolder":
        """Begin a run. An existing run is kept unless `replace` says to move it aside; nothing is ever deleted."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            if not (path / "run.json").is_file():
                raise RequestError(f"{path} exists and is not a run of graft. Choose another --out.")
            if not replace:
                raise RequestError(
                    f"{path} already holds a run. Choose another --out, or add --replace to move the old run aside."
                )
            path.rename(_free_name(path.with_name(f"{path.name}.old")))
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
        missing = [name for name in ESSENTIAL if name not in settings]
        if missing:
            raise WorkError(f"{path / 'run.json'} was changed: it lacks {', '.join(missing)}. Run graft fit again.")
        return run

    @property
    def model(self) -> Path:
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
        return self.read_object("run.json")

    def update(self, **changes: Any) -> None:
        """Change some entries of run.json and keep the others."""
        self.write("run.json", {**self.settings, **changes})

    def read(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WorkError(f"{self.path / name} cannot be read: {error}. Run graft fit again.") from error

    def read_object(self, name: str) -> Json:
        """A JSON object from a file of the run; raises `WorkError` where the file holds anything else."""
        content = self.read(name)
        if not isinstance(content, dict):
            raise WorkError(f"{self.path / name} was changed: expected a JSON object. Run graft fit again.")
        return content

    def write(self, name: str, content: Any) -> None:
        write_json(self.path / name, content)

    def write_text(self, name: str, text: str) -> None:
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
        readings = [*self.settings["test_readings"], {"time": round(time.time(), 3), "purpose": purpose}]
        self.update(test_readings=readings)
        return len(readings)

    def write_split(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Write split.csv: source, class, part, group and content hash of every sample."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(SPLIT_COLUMNS)
        writer.writerows(rows)
        self.write_text("split.csv", text.getvalue())

    def read_split(self) -> list[dict[str, str]]:
        """The rows of split.csv; raises `WorkError` where it is missing or has other columns."""
        try:
            with (self.path / "split.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        except OSError as error:
            raise WorkError(f"{self.path / 'split.csv'} cannot be read: {explain(error)}") from error
        if rows and set(rows[0]) != set(SPLIT_COLUMNS):
            raise WorkError(f"{self.path / 'split.csv'} was changed: expected the columns {', '.join(SPLIT_COLUMNS)}.")
        return rows


def findings_json(findings: Iterable[Finding]) -> list[Json]:
    """Findings as plain JSON."""
    return [dataclasses.asdict(finding) for finding in findings]


def _free_name(path: Path) -> Path:
    number = 1
    candidate = path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return candidate

"""What every reader gives: the labelled samples of a path, before any of them was opened."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from graft.dataset.options import LoadOptions
from graft.dataset.task import Task
from graft.modalities.modality import Modality
from graft.records import Finding, Part
from graft.tasks.table import CLASSES

PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One labelled sample, as found: a file that nothing was read of yet, or a text that stands in a table."""

    source: str  # relative to the root, with forward slashes; of a text the row where it stands
    label: str
    part: Part | None
    text: str | None = None
    group: str | None = None  # where a column of the table names it
    file: str | None = None  # that a row names, relative to the root


@dataclass
class Listing:
    """All that a reader found, with what it left out and what stands in the way; sources are relative to `root`."""

    root: Path
    modality: Modality
    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    task: Task = CLASSES
    table: bool = False  # samples stand in the rows of a table


class Reader(Protocol):
    """Lists the labelled samples of one layout; no file of a sample is opened."""

    def accepts(self, path: Path) -> bool:
        """Whether this path has the layout that this reader reads."""

    def read(self, path: Path, options: LoadOptions) -> Listing:
        """All samples of a path, with what was left out and what stands in the way."""

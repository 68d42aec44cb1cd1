"""The Dataset record: which samples there are, their targets, parts and content hashes. Nothing is decoded here."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graft.dataset.options import LoadOptions
from graft.dataset.task import Task
from graft.errors import RequestError, plural
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.modalities.modality import Content, Modality, Pair
from graft.records import PARTS, Finding, Part


@dataclass(frozen=True)
class Dataset:
    """Labelled samples as columns, so that a million of them stay small.

    `sources` are paths relative to `root`, or names of a table's rows where `texts` holds what stands there, and
    `files` the paths of pictures beside them, if there are any; `parts` index `PARTS`. `task` says what is predicted:
    `labels` index `classes`, or hold a number for each of them, which are then the names of labels or of numbers. Of
    transcripts `classes` are the different ones.
    """

    root: Path
    modality: Modality
    task: Task
    classes: tuple[str, ...]
    sources: Sequence[str]
    labels: Targets  # (samples,) or (samples, classes)
    parts: NDArray[np.uint8]  # (samples,)
    groups: Sequence[str]  # empty strings where there are none
    hashes: NDArray[np.uint8]  # (samples, 32), SHA-256 of each file's content
    split: Literal["given", "made"]
    findings: tuple[Finding, ...] = ()
    texts: Sequence[str] | None = None  # where samples are texts of a table instead of files
    origin: Path | None = None  # what was pointed at, where it is not the root
    files: Sequence[str] | None = None  # relative to the root, where rows of a table name them beside texts
    options: LoadOptions = LoadOptions()  # how it was read, to read it again
    scale: NDArray[np.float64] | None = None  # (2, classes), mean and deviation of targets that are numbers

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def has_groups(self) -> bool:
        return any(self.groups)

    @property
    def transcribed(self) -> bool:
        """Whether what is said in recordings is predicted."""
        return "transcripts" in self.task.steps

    @property
    def outputs(self) -> int:
        """How many numbers an answer has."""
        return len(self.classes)

    def targets(self, rows: NDArray[np.intp]) -> Targets:
        """What is learnt of rows: their labels, of numbers in standard units."""
        found = self.labels[rows]
        return found if self.scale is None else (found - self.scale[0]) / self.scale[1]

    def head_in_units(self, head: LinearHead) -> LinearHead:
        """A head whose scores are in the units of the labels."""
        if self.scale is None:
            return head
        return LinearHead(head.weight * self.scale[1], head.bias * self.scale[1] + self.scale[0])

    def in_units(self, scores: Scores) -> Scores:
        """Scores in the units of the labels."""
        return scores if self.scale is None else scores * self.scale[1] + self.scale[0]

    @property
    def fingerprint(self) -> str:
        """One hash over classes, contents, labels and parts; the order and place of the files do not matter."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        kind = "<f8" if np.issubdtype(self.labels.dtype, np.floating) else "<i4"
        labels = np.ascontiguousarray(self.labels, kind).view(np.uint8).reshape(len(self), -1)
        rows = np.concatenate([self.hashes, labels, self.parts[:, None]], axis=1)
        digest.update(rows[np.lexsort(rows.T)].tobytes())
        return digest.hexdigest()

    def rows(self, *parts: Part) -> NDArray[np.intp]:
        """The sample numbers of parts that may be looked at while choosing; the test part is locked."""
        if "test" in parts:
            raise RequestError(
                "The test set is locked. Measure a run on it with graft evaluate, which counts the reading."
            )
        return np.flatnonzero(np.isin(self.parts, [PARTS.index(part) for part in parts]))

    def count(self, part: Part) -> int:
        return int((self.parts == PARTS.index(part)).sum())

    def counts(self) -> NDArray[np.intp]:
        """Samples of each class, or with each label, in each part: (classes, parts)."""
        table = np.zeros((len(self.classes), len(PARTS)), dtype=np.intp)
        if self.labels.ndim == 1:
            np.add.at(table, (self.labels, self.parts), 1)
            return table
        for number in range(len(PARTS)):
            table[:, number] = (self.labels[self.parts == number] == 1).sum(axis=0)
        return table

    def group_numbers(self, rows: NDArray[np.intp]) -> NDArray[np.intp] | None:
        """Numbers of the groups that rows belong to, or None where there are no groups."""
        if not self.has_groups:
            return None
        numbers: NDArray[np.intp] = np.unique(np.array(self.groups), return_inverse=True)[1][rows]
        return numbers

    def path(self, row: int) -> Path:
        return self.root / self.sources[row]

    def content(self, row: int) -> Content:
        """What a modality decodes: the file of a sample, the text itself, or both."""
        if self.texts is None:
            return self.path(row)
        text = self.texts[row].encode()
        return text if self.files is None else Pair(self.root / self.files[row], text)

    @property
    def pointed_at(self) -> Path:
        """The path that reads the same data set again."""
        return self.origin or self.root

    def key(self, row: int) -> bytes:
        """The content hash of a sample, which names its features in the cache."""
        return self.hashes[row].tobytes()

    def expected_sha256(self, row: int) -> bytes | None:
        """The hash that the content of a sample must still have; None for a text that lies in memory."""
        return None if self.texts is not None and self.files is None else self.key(row)

    def without(self, unreadable: dict[int, str]) -> "Dataset":
        """The same data set with samples set aside that turned out to be unreadable, as a new finding."""
        if not unreadable:
            return self
        keep = np.setdiff1d(np.arange(len(self)), np.fromiter(unreadable, dtype=np.intp))
        reasons = tuple(f"{self.sources[row]}: {reason}" for row, reason in sorted(unreadable.items()))
        finding = unreadable_finding(self.modality.noun, reasons)
        return replace(self.take(keep), findings=(*self.findings, finding))

    def take(self, rows: NDArray[np.intp]) -> "Dataset":
        """The same data set with only these samples."""
        return replace(
            self,
            sources=[self.sources[row] for row in rows],
            labels=self.labels[rows],
            parts=self.parts[rows],
            groups=[self.groups[row] for row in rows],
            hashes=self.hashes[rows],
            texts=None if self.texts is None else [self.texts[row] for row in rows],
            files=None if self.files is None else [self.files[row] for row in rows],
        )


def unreadable_finding(noun: str, reasons: tuple[str, ...]) -> Finding:
    """The finding for samples that cannot be decoded; `reasons` are "source: reason"."""
    message = f"{plural(len(reasons), noun)} cannot be read and will not be used."
    return Finding("unreadable", "warning", message, reasons)


def groups_across_parts(dataset: Dataset) -> list[str]:
    """Groups of which a given split puts samples into several parts."""
    parts: dict[str, set[int]] = defaultdict(set)
    for group, part in zip(dataset.groups, dataset.parts, strict=True):
        if group:
            parts[group].add(int(part))
    return sorted(group for group, where in parts.items() if len(where) > 1)

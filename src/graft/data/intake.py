"""From data to a Dataset: read the layout, check every file, set aside what cannot be used, deal the parts."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from graft.data.duplicates import without_duplicates
from graft.data.folder import FolderReader
from graft.data.in_memory import Data
from graft.data.index import check_files, check_pairs, check_texts
from graft.data.listing import Entry, Listing, Reader
from graft.data.objects import as_path, left_out
from graft.data.rows import TABLES
from graft.data.table import TableReader
from graft.dataset.dataset import Dataset, unreadable_finding
from graft.dataset.options import LoadOptions
from graft.errors import DataError, RequestError, listing, plural
from graft.modalities.modality import Pair
from graft.modalities.pair import PAIR
from graft.modalities.text import bytes_of
from graft.progress import SILENT, Watch
from graft.records import PARTS, Finding
from graft.storage import is_utf8, named_path
from graft.tasks.table import CLASSES, joined_by_copies

READERS: tuple[Reader, ...] = (FolderReader(), TableReader())
OF_ALL_SAMPLES: tuple[Reader, ...] = (FolderReader(unlabelled=True), TableReader(unlabelled=True))


def load(data: Data, options: LoadOptions | None = None, watch: Watch = SILENT) -> Dataset:
    """Read a folder or a table of labelled samples into a checked, split data set.

    Besides a path, `data` may be a DataFrame, a data set of torch or of Hugging Face, or an iterable of (sample,
    label); what lies in memory is written into graft's cache once, and read from there. A table of recordings with a
    text and no label is one of transcripts.

    Raises `RequestError` for a path that is not there and `DataError`, with all problems in one report, for data
    that no model can be made from.
    """
    options = options or LoadOptions()
    options.check()
    root = as_path(data, None, options, watch)
    found = _read(root, options)
    if not found.entries:
        raise DataError(root, found.problems)
    dataset = replace(_checked(root, found, options, watch), options=options)
    problems = [*found.problems, *found.task.problems([one.label for one in found.entries], found.table)]
    return found.task.finish(without_duplicates(dataset), options, problems)


def load_labelled(data: Data, watch: Watch = SILENT, options: LoadOptions | None = None) -> Dataset:
    """Read labelled samples to measure a model on: no split, no least number of classes, duplicates set aside.

    Of a folder with train/val/test parts all parts are read. Raises as `load` does.
    """
    options = replace(options or LoadOptions(), group=None)
    root = as_path(data, None, options, watch)
    found = _read(root, options)
    if found.problems:
        raise DataError(root, found.problems)
    return without_duplicates(_checked(root, found, options, watch))


def load_samples(path: str | Path, watch: Watch = SILENT, options: LoadOptions | None = None) -> Dataset:
    """Read every sample of a path, labelled or not, to look at and not to learn from: no split, and copies stay.

    The classes are the labels as they are written, and the empty one is that of samples without any. What cannot be
    read is left out, and the findings say so. Raises as `load` does.
    """
    root = named_path(path)
    options = replace(options or LoadOptions(), group=None)
    options.check()
    found = _read(root, options, OF_ALL_SAMPLES)
    if not found.entries:
        raise DataError(root, found.problems)
    found.findings += [Finding("unreadable", "warning", problem, (problem,)) for problem in found.problems]
    _write_labels(found)
    return _checked(root, found, replace(options, task=CLASSES.name), watch)


def _write_labels(found: Listing) -> None:
    """Give each entry the label that its task would write, and none where it cannot be used."""
    rows = [row for row, one in enumerate(found.entries) if one.label]
    read = found.task.read([found.entries[row].label for row in rows])
    faults = tuple(
        f"{found.entries[row].source}: {read.faults[at]}" for at, row in enumerate(rows) if at in read.faults
    )
    if faults:
        message = f"{plural(len(faults), 'label')} cannot be used, so their samples have none: {_alike(faults)}."
        found.findings.append(Finding("unusable-label", "warning", message, faults))
    for at, row in enumerate(rows):
        label = "" if at in read.faults else found.task.write(read.names, read.targets[at])
        found.entries[row] = replace(found.entries[row], label=label)
    found.task = CLASSES


def _read(root: Path, options: LoadOptions, readers: Sequence[Reader] = READERS) -> Listing:
    if not is_utf8(str(root)):
        raise RequestError(f"The path {str(root).encode('ascii', 'replace').decode()} is not valid UTF-8. Rename it.")
    if not root.exists():
        nearest = next(parent for parent in root.absolute().parents if parent.exists())
        raise RequestError(f"{root} does not exist. The part of the path that does: {nearest}")
    for reader in readers:
        if reader.accepts(root):
            found = reader.read(root, options)
            found.findings += left_out(root)
            return found
    raise RequestError(
        f"{root} is a file. Expected a folder with one sub-folder per class, or with train/ val/ test/ folders, or a "
        f"table ({', '.join(TABLES)}) with a text or the path of a file in each row."
    )


def _checked(origin: Path, found: Listing, options: LoadOptions, watch: Watch) -> Dataset:
    root, modality = found.root, found.modality
    texts = [entry.text for entry in found.entries if entry.text is not None]
    if modality is PAIR:
        pairs = [Pair(root / (one.file or ""), bytes_of(one.text or "")) for one in found.entries]
        checked = check_pairs(pairs, watch)
    elif texts:
        checked = check_texts(texts, modality)
    else:
        checked = check_files([root / entry.source for entry in found.entries], modality, watch)
    reasons = tuple(
        f"{entry.source}: {result.error}"
        for entry, result in zip(found.entries, checked, strict=True)
        if result.error is not None
    )
    remarks = tuple(
        f"{entry.source}: {result.remark}"
        for entry, result in zip(found.entries, checked, strict=True)
        if result.error is None and result.remark
    )
    findings = [*found.findings, *([unreadable_finding(modality.noun, reasons)] if reasons else [])]
    if remarks:
        message = f"{plural(len(remarks), modality.noun)} can be used but may teach little: {listing(remarks, 3)}."
        findings.append(Finding("flawed", "warning", message, remarks))
    hashes = {row: one.sha256 for row, one in enumerate(checked) if one.error is None and one.sha256 is not None}
    if not hashes:
        told = [f"none of its {plural(len(checked), modality.noun)} can be read: {_alike(reasons)}"]
        raise DataError(origin, told, [finding.message for finding in found.findings])
    if not found.table and options.task is None:
        found.task, why = joined_by_copies([one.label for one in found.entries], hashes)
        findings += [Finding("task", "info", why)] if why else []
    read = found.task.read([entry.label for entry in found.entries])
    findings += _unusable_labels(found, read.faults)
    rows = [row for row in hashes if row not in read.faults]
    if not rows:
        raise DataError(origin, ["No label of it can be used."], [finding.message for finding in findings])
    entries = [found.entries[row] for row in rows]
    return Dataset(
        root=root.absolute(),
        modality=modality,
        task=found.task,
        classes=read.names,
        sources=[entry.source for entry in entries],
        labels=read.targets[rows],
        parts=np.array([PARTS.index(entry.part or "train") for entry in entries], dtype=np.uint8),
        groups=_groups(entries, options.group),
        hashes=np.frombuffer(b"".join(hashes[row] for row in rows), dtype=np.uint8).reshape(-1, 32),
        split="made" if entries[0].part is None else "given",
        findings=tuple(findings),
        texts=[entry.text or "" for entry in entries] if texts else None,
        origin=origin.absolute(),
        files=[entry.file or "" for entry in entries] if modality is PAIR else None,
    )


def _unusable_labels(found: Listing, faults: dict[int, str]) -> list[Finding]:
    """The finding for samples whose labels cannot be what is predicted."""
    if not faults:
        return []
    reasons = tuple(f"{found.entries[row].source}: {reason}" for row, reason in faults.items())
    message = f"{plural(len(faults), 'label')} cannot be used, so their samples are left out: {_alike(reasons)}."
    return [Finding("unusable-label", "warning", message, reasons)]


def _alike(reasons: Sequence[str]) -> str:
    """Reasons ("source: reason"), each said once with the files that it holds for."""
    sources: dict[str, list[str]] = {}
    for one in reasons:
        source, _, reason = one.partition(": ")
        sources.setdefault(reason, []).append(source)
    return "; ".join(f"{reason} ({listing(names, 3)})" for reason, names in [*sources.items()][:3])


def _groups(entries: Sequence[Entry], pattern: str | None) -> list[str]:
    if pattern is None:
        return [""] * len(entries)
    if any(entry.group is not None for entry in entries):
        return [entry.group or "" for entry in entries]
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise RequestError(f"--group {pattern!r} is not a regular expression: {error}.") from error
    matches = [regex.search(entry.source) for entry in entries]
    unmatched = [entry.source for entry, match in zip(entries, matches, strict=True) if match is None]
    if unmatched:
        raise RequestError(
            f"--group {pattern!r} does not match {plural(len(unmatched), 'path')}: {listing(unmatched, 3)}. "
            "It must match every path, and its first group (in brackets) names what the sample belongs to."
        )
    return [match[1] if match.re.groups else match[0] for match in matches if match is not None]

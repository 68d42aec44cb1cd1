"""From a path to a Dataset: read the layout, check every file, set aside what cannot be used, deal the parts."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from graft.data import checks, transcripts
from graft.data.dataset import Dataset, unreadable_finding
from graft.data.folder import FolderReader
from graft.data.index import check_files, check_pairs, check_texts
from graft.data.listing import Entry, Listing, Reader
from graft.data.options import LoadOptions
from graft.data.rows import TABLES
from graft.data.split import make_split
from graft.data.table import TableReader
from graft.errors import DataError, RequestError, listing, plural
from graft.modalities.modality import Pair
from graft.modalities.pair import PAIR
from graft.modalities.text import bytes_of
from graft.progress import SILENT, Watch
from graft.records import PARTS, Finding
from graft.storage import is_utf8, named_path

READERS: tuple[Reader, ...] = (FolderReader(), TableReader())


def load(path: str | Path, options: LoadOptions | None = None, watch: Watch = SILENT) -> Dataset:
    """Read a folder or a table of labelled samples into a checked, split data set.

    A table of recordings with a text and no label is one of transcripts.

    Raises `RequestError` for a path that is not there and `DataError`, with all problems in one report, for data
    that no model can be made from.
    """
    root = named_path(path)
    options = options or LoadOptions()
    options.check()
    found = _read(root, options)
    problems = list(found.problems)
    if not found.transcribed:
        problems += checks.name_problems(found.entries)
        problems += checks.look_alike_problems(found.entries, found.table)
    if not found.entries:
        raise DataError(root, problems)
    dataset = replace(_checked(root, found, options, watch), options=options)
    kept, duplicates = checks.set_aside_duplicates(dataset)
    dataset = replace(dataset.take(kept), findings=(*dataset.findings, *duplicates))
    if dataset.transcribed:
        return transcripts.finish(dataset, options, problems)
    dataset = _leave_out(dataset, checks.small_classes(dataset, options.min_per_class), options)
    dataset = _without_untrained_classes(dataset)
    problems += checks.obstacles(dataset)
    if problems:
        raise DataError(root, problems, [finding.message for finding in dataset.findings])
    if dataset.split == "made":
        dataset = _dealt(dataset, options.seed)
    findings = [*checks.part_findings(dataset), checks.too_many_classes(dataset)]
    return replace(dataset, findings=(*dataset.findings, *(finding for finding in findings if finding)))


def load_labelled(path: str | Path, watch: Watch = SILENT, options: LoadOptions | None = None) -> Dataset:
    """Read labelled samples to measure a model on: no split, no least number of classes, duplicates set aside.

    Of a folder with train/val/test parts all parts are read. Raises as `load` does.
    """
    root = named_path(path)
    options = replace(options or LoadOptions(), group=None)
    found = _read(root, options)
    if found.problems:
        raise DataError(root, found.problems)
    dataset = _checked(root, found, options, watch)
    kept, duplicates = checks.set_aside_duplicates(dataset)
    return replace(dataset.take(kept), findings=(*dataset.findings, *duplicates))


def _read(root: Path, options: LoadOptions) -> Listing:
    if not is_utf8(str(root)):
        raise RequestError(f"The path {str(root).encode('ascii', 'replace').decode()} is not valid UTF-8. Rename it.")
    if not root.exists():
        nearest = next(parent for parent in root.absolute().parents if parent.exists())
        raise RequestError(f"{root} does not exist. The part of the path that does: {nearest}")
    for reader in READERS:
        if reader.accepts(root):
            return reader.read(root, options)
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
    readable = [
        (entry, result.sha256)
        for entry, result in zip(found.entries, checked, strict=True)
        if result.error is None and result.sha256 is not None
    ]
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
    if not readable:
        told = [f"none of its {plural(len(checked), modality.noun)} can be read: {_alike(reasons)}"]
        raise DataError(origin, told, [finding.message for finding in found.findings])
    entries = [entry for entry, _ in readable]
    classes = sorted({entry.label for entry in found.entries})
    numbers = {name: number for number, name in enumerate(classes)}
    return Dataset(
        root=root.absolute(),
        modality=modality,
        classes=tuple(classes),
        sources=[entry.source for entry in entries],
        labels=np.array([numbers[entry.label] for entry in entries], dtype=np.int32),
        parts=np.array([PARTS.index(entry.part or "train") for entry in entries], dtype=np.uint8),
        groups=_groups(entries, options.group),
        hashes=np.frombuffer(b"".join(sha256 for _, sha256 in readable), dtype=np.uint8).reshape(-1, 32),
        split="made" if entries[0].part is None else "given",
        findings=tuple(findings),
        texts=[entry.text or "" for entry in entries] if texts else None,
        origin=origin.absolute(),
        transcribed=found.transcribed,
        files=[entry.file or "" for entry in entries] if modality is PAIR else None,
    )


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


def _leave_out(dataset: Dataset, small: dict[str, int], options: LoadOptions) -> Dataset:
    """The data set without classes that the user said are too small, as a finding."""
    if not small:
        return dataset
    emptied = [name for name, count in small.items() if count == 0]
    if emptied:
        message = f"Nothing usable is left of {plural(len(emptied), 'class')}: {listing(emptied)}."
        dataset = _without_classes(dataset, set(emptied), Finding("emptied-class", "warning", message, tuple(emptied)))
        small = {name: count for name, count in small.items() if count}
    if not small:
        return dataset
    message = (
        f"{plural(len(small), 'class')} with fewer than {options.min_per_class} {dataset.modality.noun}s left out, "
        f"as asked: {checks.counted(small)}."
    )
    return _without_classes(dataset, set(small), Finding("small-class", "warning", message, tuple(small)))


def _without_untrained_classes(dataset: Dataset) -> Dataset:
    """The data set without classes that a given split leaves nothing to train on, as a finding."""
    if dataset.split == "made":
        return dataset
    in_train = dataset.counts()[:, PARTS.index("train")]
    absent = [name for name, count in zip(dataset.classes, in_train, strict=True) if count == 0]
    if not absent:
        return dataset
    noun = dataset.modality.noun
    left = int(np.isin(dataset.labels, [dataset.classes.index(name) for name in absent]).sum())
    message = (
        f"{plural(len(absent), 'class')} without any {noun} in train, so no model can know them; their "
        f"{plural(left, noun)} in val and test are set aside: {listing(absent)}."
    )
    return _without_classes(dataset, set(absent), Finding("class-not-in-train", "warning", message, tuple(absent)))


def _dealt(dataset: Dataset, seed: int) -> Dataset:
    """The data set with its parts dealt; raises `DataError` where groups leave a class nothing to train on."""
    dataset = replace(dataset, parts=make_split(dataset, seed))
    in_train = dataset.counts()[:, PARTS.index("train")]
    lacking = [name for name, count in zip(dataset.classes, in_train, strict=True) if count == 0]
    if lacking:
        raise DataError(
            dataset.root,
            [
                f"The groups leave {plural(len(lacking), 'class')} nothing to train on: {listing(lacking)}. "
                "Each class needs samples from several groups; add some, or name smaller groups with --group."
            ],
        )
    return dataset


def _without_classes(dataset: Dataset, names: set[str], finding: Finding) -> Dataset:
    remaining = [number for number, name in enumerate(dataset.classes) if name not in names]
    renumbered = np.full(len(dataset.classes), -1, dtype=np.int32)
    renumbered[remaining] = np.arange(len(remaining), dtype=np.int32)
    dataset = dataset.take(np.flatnonzero(np.isin(dataset.labels, remaining)))
    return replace(
        dataset,
        classes=tuple(dataset.classes[number] for number in remaining),
        labels=renumbered[dataset.labels],
        findings=(*dataset.findings, finding),
    )

"""What can be wrong with labelled samples, and what is done about it: nothing is repaired, all is told."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graft.data.dataset import Dataset
from graft.data.listing import Entry
from graft.errors import listing, plural
from graft.escaping import is_plain
from graft.records import PARTS, Finding

LEAST_TO_SPLIT = 3  # one sample for each of train, val and test
LOOK_ALIKE = str.maketrans("АВЕКМНОРСТХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxijsABEZHIKMNOPTYXo")  # noqa: RUF001
IMBALANCE = 10  # the largest class has so many times more samples than the smallest


def name_problems(entries: Sequence[Entry]) -> list[str]:
    """Classes whose names no file and no terminal could show as they are."""
    odd = sorted({entry.label for entry in entries if not is_plain(entry.label)})
    if not odd:
        return []
    return [
        f"{plural(len(odd), 'class')} with control characters or line ends in the name: {listing(odd)}. Rename the "
        "folders, so that every system can show them."
    ]


def look_alike_problems(entries: Sequence[Entry], table: bool = False) -> list[str]:
    """Classes whose names a person can hardly tell apart: in letter case, white space, or letters that look alike."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        names[_skeleton(entry.label)][entry.label] += 1
    return [_look_alike(counts, table) for counts in names.values() if len(counts) > 1]


def _skeleton(label: str) -> str:
    """What of a label the eye goes by."""
    plain = unicodedata.normalize("NFKC", label).translate(LOOK_ALIKE).casefold()
    return " ".join("".join(sign for sign in plain if unicodedata.category(sign) != "Cf").split())


def _look_alike(counts: Counter[str], table: bool) -> str:
    names = sorted(counts)
    case = len({name.casefold() for name in names}) == 1
    shown = " and ".join(f"{name if case else ascii(name)} ({counts[name]:,})" for name in names)
    how = "differ only in letter case" if case else "look alike: they differ in white space or in signs like each other"
    one = "Write them in one way" if table else "Put them into one folder"
    what = "labels" if table else "classes"
    return f"The {what} {shown} {how}. {one} if they are one class, or rename one of them."


def too_many_classes(dataset: Dataset) -> Finding | None:
    """Many classes with hardly any samples usually means that the folders are not classes."""
    classes, samples = len(dataset.classes), len(dataset)
    if classes < 1000 or samples / classes >= 5:
        return None
    message = (
        f"{classes:,} classes with {samples / classes:.1f} {dataset.modality.noun}s each on average. If the folders "
        "are not classes (but dates, orders or people), sort the files by class first."
    )
    return Finding("many-classes", "warning", message)


def set_aside_duplicates(dataset: Dataset) -> tuple[NDArray[np.intp], list[Finding]]:
    """Rows to keep so that no content occurs twice, and the findings that say what was set aside and why.

    The same content under two classes is set aside whole. Of the same content in several parts the copy in the
    most protected part stays (test, then val, then train), so that a given test part remains what it was.
    """
    copies: dict[bytes, list[int]] = defaultdict(list)
    for row in range(len(dataset)):
        copies[dataset.key(row)].append(row)
    drop: list[int] = []
    contradictory: list[str] = []
    across: list[str] = []
    within: list[str] = []
    for rows in copies.values():
        if len(rows) == 1:
            continue
        names = [dataset.sources[row] for row in rows]
        if len({int(dataset.labels[row]) for row in rows}) > 1:
            drop += rows
            contradictory.append(" = ".join(names))
            continue
        kept = max(rows, key=lambda row: (int(dataset.parts[row]), -row))
        for row in rows:
            if row != kept:
                drop.append(row)
                same_part = dataset.parts[row] == dataset.parts[kept]
                (within if same_part else across).append(f"{dataset.sources[row]} = {dataset.sources[kept]}")
    twice = "has two transcripts" if dataset.transcribed else "stands in two classes"
    findings = [
        Finding(kind, "warning", message, tuple(sources))
        for kind, sources, message in (
            (
                "contradictory",
                contradictory,
                f"the same {dataset.modality.noun} {twice}; all copies are set aside.",
            ),
            (
                "duplicate-across-parts",
                across,
                f"copies of a {dataset.modality.noun} in another part; kept only in the later part.",
            ),
            ("duplicate", within, f"exact copies of another {dataset.modality.noun}; one of each is kept."),
        )
        if sources
    ]
    findings = [
        Finding(f.kind, f.severity, f"{plural(len(f.sources), 'case')}: {f.message}", f.sources) for f in findings
    ]
    return np.setdiff1d(np.arange(len(dataset)), np.array(drop, dtype=np.intp)), findings


def part_findings(dataset: Dataset) -> list[Finding]:
    """Classes that some part lacks, and classes of very different size."""
    counts = dataset.counts()  # (classes, parts)
    findings = []
    for number, part in enumerate(PARTS):
        lacking = [name for name, row in zip(dataset.classes, counts, strict=True) if row[number] == 0]
        if lacking and counts[:, number].any():
            names = f"{plural(len(lacking), 'class')}: {listing(lacking)}"
            message = f"The {part} part has no {dataset.modality.noun} of {names}."
            findings.append(Finding(f"class-missing-from-{part}", "warning", message, tuple(lacking)))
    across = groups_across_parts(dataset)
    if across:
        message = (
            f"{plural(len(across), 'group')} in more than one of the given parts, which flatters: {listing(across)}."
        )
        findings.append(Finding("group-across-parts", "warning", message, tuple(across)))
    sizes = counts[:, PARTS.index("train")]
    if sizes.min() > 0 and sizes.max() >= IMBALANCE * sizes.min():
        small, large = dataset.classes[int(sizes.argmin())], dataset.classes[int(sizes.argmax())]
        message = (
            f"Classes of very different size: {large} has {sizes.max():,} {dataset.modality.noun}s to train on, "
            f"{small} has {sizes.min():,}. Balanced accuracy tells how the small ones fare."
        )
        findings.append(Finding("imbalance", "warning", message, (large, small)))
    return findings


def groups_across_parts(dataset: Dataset) -> list[str]:
    """Groups of which a given split puts samples into several parts."""
    parts: dict[str, set[int]] = defaultdict(set)
    for group, part in zip(dataset.groups, dataset.parts, strict=True):
        if group:
            parts[group].add(int(part))
    return sorted(group for group, where in parts.items() if len(where) > 1)


def small_classes(dataset: Dataset, least: int) -> dict[str, int]:
    """Classes with fewer samples than `least`, with their counts."""
    counts = Counter(int(label) for label in dataset.labels)
    return {name: counts[number] for number, name in enumerate(dataset.classes) if counts[number] < least}


def obstacles(dataset: Dataset) -> list[str]:
    """What stands in the way of making a model: too few classes, classes too small to split, nothing to hold out."""
    noun = dataset.modality.noun
    problems = []
    small = small_classes(dataset, LEAST_TO_SPLIT) if dataset.split == "made" else {}
    if small:
        problems.append(
            f"{plural(len(small), 'class')} cannot be split: {counted(small, noun)}. A split needs {LEAST_TO_SPLIT} of "
            f"each. Add {noun}s, or leave these classes out with --min-per-class {LEAST_TO_SPLIT}."
        )
    if len(dataset.classes) < 2:
        only = f"only one class, {dataset.classes[0]}" if dataset.classes else "no class that can be used"
        problems.append(
            f"There is {only}: a classifier needs at least two. Expected one sub-folder per class; if the classes "
            "lie one folder deeper, name that folder."
        )
    elif dataset.split == "given" and dataset.count("val") == 0 and dataset.counts()[:, 0].max() < 2:
        problems.append(
            f"Every class has a single {noun} in train and there is no validation set, so nothing can be held out "
            f"to measure a model. Add {noun}s to train, or a val folder."
        )
    return problems


def counted(small: dict[str, int], noun: str = "") -> str:
    """Classes with their counts, the smallest first: "quince (1 picture), medlar (2)"."""
    ordered = sorted(small.items(), key=lambda item: item[1])
    names = [f"{name} ({count})" for name, count in ordered]
    if noun and ordered:
        names[0] = f"{ordered[0][0]} ({plural(ordered[0][1], noun)})"
    return listing(names, 10)

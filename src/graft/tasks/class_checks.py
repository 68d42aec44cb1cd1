"""What can be wrong with classes, and what is done about it: nothing is repaired, all is told."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from graft.dataset.dataset import Dataset, groups_across_parts
from graft.errors import listing, plural
from graft.escaping import is_plain
from graft.records import PARTS, Finding

LEAST_TO_SPLIT = 3  # one sample for each of train, val and test
LOOK_ALIKE = str.maketrans("АВЕКМНОРСТХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxijsABEZHIKMNOPTYXo")  # noqa: RUF001
IMBALANCE = 10  # the largest class has so many times more samples than the smallest


def name_problems(labels: Sequence[str]) -> list[str]:
    """Classes whose names no file and no terminal could show as they are."""
    odd = sorted({label for label in set(labels) if not is_plain(label)})
    if not odd:
        return []
    return [
        f"{plural(len(odd), 'class')} with control characters or line ends in the name: {listing(odd)}. Rename the "
        "folders, so that every system can show them."
    ]


def look_alike_problems(labels: Sequence[str], table: bool = False) -> list[str]:
    """Classes whose names a person can hardly tell apart: in letter case, white space, or letters that look alike."""
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for label, count in Counter(labels).items():
        names[_skeleton(label)][label] += count
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

"""Which classes of a data set take part, and the dealing of their samples to parts."""

from dataclasses import replace

import numpy as np

from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.errors import DataError, listing, plural
from graft.records import PARTS, Finding
from graft.tasks import class_checks as checks
from graft.tasks.split import make_split


def leave_out(dataset: Dataset, small: dict[str, int], options: LoadOptions) -> Dataset:
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


def without_untrained_classes(dataset: Dataset) -> Dataset:
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


def dealt(dataset: Dataset, seed: int) -> Dataset:
    """The data set with its parts dealt; raises `DataError` where groups leave a class nothing to train on."""
    dataset = replace(dataset, parts=make_split(dataset, dataset.labels, seed))
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

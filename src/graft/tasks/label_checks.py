"""What can be wrong with several labels for each sample, and the dealing of such samples to parts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graft.dataset.dataset import Dataset, groups_across_parts
from graft.errors import listing, plural
from graft.heads.iterative_folds import deal, in_units
from graft.records import PARTS, Finding
from graft.tasks.split import TEST_SHARE, VAL_SHARE, draw, enough_groups


def without_few(dataset: Dataset, least: int) -> Dataset:
    counts = (dataset.labels == 1).sum(axis=0)
    few = [name for name, count in zip(dataset.classes, counts, strict=True) if count < max(1, least)]
    message = f"{plural(len(few), 'label')} that fewer than {max(1, least)} samples have left out: {listing(few)}."
    return _without(dataset, few, Finding("small-class", "warning", message, tuple(few)))


def without_unlearnable(dataset: Dataset) -> Dataset:
    train = dataset.labels[dataset.parts == PARTS.index("train")]
    yes, no = (train == 1).any(axis=0), (train == 0).any(axis=0)
    bad = [name for name, *sides in zip(dataset.classes, yes, no, strict=True) if not all(sides)]
    message = (
        f"{plural(len(bad), 'label')} that all training samples have, or none, so no model can learn them; left "
        f"out: {listing(bad)}."
    )
    return _without(dataset, bad, Finding("class-not-in-train", "warning", message, tuple(bad)))


def dealt_by_labels(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    groups = enough_groups(dataset) if dataset.has_groups else None
    counts, sizes, unit = in_units((dataset.labels == 1).astype(float), groups)
    keys = np.zeros(len(sizes), np.uint64)
    for row in range(len(dataset)):
        keys[unit[row]] = max(int(keys[unit[row]]), draw(seed, dataset.key(row)))
    order = np.argsort(keys, kind="stable")
    shares = np.array([1 - VAL_SHARE - TEST_SHARE, VAL_SHARE, TEST_SHARE])
    dealt = np.empty(len(sizes), np.uint8)
    dealt[order] = deal(counts[order], shares, sizes[order])
    return dealt[unit]


def findings_of_labels(dataset: Dataset) -> list[Finding]:
    found = []
    counts = dataset.counts()
    for number, part in enumerate(PARTS):
        lacking = [name for name, row in zip(dataset.classes, counts, strict=True) if row[number] == 0]
        if lacking and counts[:, number].any():
            message = f"The {part} part has no {dataset.modality.noun} with {listing(lacking)}."
            found.append(Finding(f"class-missing-from-{part}", "warning", message, tuple(lacking)))
    none = int((dataset.labels != 1).all(axis=1).sum())
    if none:
        message = f"{plural(none, dataset.modality.noun)} without any label, kept as: none of them."
        found.append(Finding("no-label", "info", message))
    unknown = int((dataset.labels < 0).sum())
    if unknown:
        message = f"{plural(unknown, 'label')} not known: they teach nothing and count nowhere."
        found.append(Finding("labels-not-known", "info", message))
    across = groups_across_parts(dataset)
    if across:
        message = f"{plural(len(across), 'group')} in more than one part, which flatters: {listing(across)}."
        found.append(Finding("group-across-parts", "warning", message, tuple(across)))
    return found


def _without(dataset: Dataset, names: Sequence[str], finding: Finding) -> Dataset:
    """The data set without these labels; its samples stay."""
    if not names:
        return dataset
    kept = [number for number, name in enumerate(dataset.classes) if name not in names]
    return replace(
        dataset,
        classes=tuple(dataset.classes[number] for number in kept),
        labels=dataset.labels[:, kept],
        findings=(*dataset.findings, finding),
    )

"""Recordings with what is said in them: checked, and dealt to parts without classes to go by."""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graft.data import checks
from graft.data.cells import one_line
from graft.data.dataset import Dataset
from graft.data.options import LoadOptions
from graft.data.split import TEST_SHARE, VAL_SHARE, draw, enough_groups, parts_of_folds
from graft.errors import DataError, RequestError, listing, plural
from graft.records import PARTS, Finding

LEAST = 3  # recordings: one for each part


def tidy(written: str) -> str:
    """A transcript in one way of writing it: composed letters (NFC), single spaces; capitals and signs stay."""
    return one_line(written)


def finish(dataset: Dataset, options: LoadOptions, problems: list[str]) -> Dataset:
    """Deal the parts where none are given, and tell what the transcripts are like.

    Raises `DataError` for what no model can be made from.
    """
    if options.min_per_class > 1:
        raise RequestError(f"--min-per-class is {options.min_per_class}, and transcripts are no classes. Leave it out.")
    problems = [*problems, *_obstacles(dataset)]
    if problems:
        raise DataError(dataset.pointed_at, problems, [finding.message for finding in dataset.findings])
    if dataset.split == "made":
        dataset = replace(dataset, parts=_dealt(dataset, options.seed))
    return replace(dataset, findings=(*dataset.findings, *_findings(dataset)))


def spoken(dataset: Dataset, rows: NDArray[np.intp]) -> list[str]:
    """The transcripts of rows."""
    return [dataset.classes[label] for label in dataset.labels[rows]]


def letters_of(dataset: Dataset) -> tuple[str, ...]:
    """The characters of the transcripts that may be looked at while choosing, sorted."""
    return tuple(sorted(set("".join(spoken(dataset, dataset.rows("train", "val"))))))


def _obstacles(dataset: Dataset) -> list[str]:
    found = []
    letters = set("".join(dataset.classes))
    if len(letters) < 2:
        found.append(
            f"The transcripts hold {plural(len(letters), 'letter')}. A model needs at least two to tell apart."
        )
    if len(dataset) < LEAST:
        found.append(f"There are {plural(len(dataset), 'recording')}. Train, val and test need at least {LEAST}.")
    elif dataset.split == "given" and dataset.count("train") < 2:
        found.append("The train part has fewer than two recordings. Add some to learn from.")
    return found


def _dealt(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """About 70% train, 10% val and 20% test; groups stay whole. A recording's place depends on its content."""
    parts = np.zeros(len(dataset), dtype=np.uint8)
    if not dataset.has_groups:
        order = np.argsort([draw(seed, dataset.key(row)) for row in range(len(dataset))], kind="stable")
        test = max(1, round(TEST_SHARE * len(dataset)))
        parts[order[:test]] = PARTS.index("test")
        parts[order[test : test + max(1, round(VAL_SHARE * len(dataset)))]] = PARTS.index("val")
        return parts
    from sklearn.model_selection import GroupKFold

    groups = enough_groups(dataset)
    folds = min(10, int(groups.max()) + 1)
    dealer = GroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    return parts_of_folds([rows for _, rows in dealer.split(parts, None, groups)], parts)


def _findings(dataset: Dataset) -> list[Finding]:
    found = []
    rows = dataset.rows("train", "val")
    uses = Counter(letter for text in spoken(dataset, rows) for letter in set(text))
    rare = sorted(letter for letter, count in uses.items() if count == 1)
    if rare:
        message = f"{plural(len(rare), 'letter')} in a single transcript, hardly to be learnt: {listing(rare, 12)}."
        found.append(Finding("rare-letters", "warning", message, tuple(rare)))
    train = set("".join(spoken(dataset, dataset.rows("train"))))
    unknown = sorted(set("".join(dataset.classes)) - train)
    if unknown:
        message = (
            f"{plural(len(unknown), 'letter')} in val or test and not in train, so no model can write them: "
            f"{listing(unknown, 12)}."
        )
        found.append(Finding("letters-not-in-train", "warning", message, tuple(unknown)))
    both = sorted(letter for letter in uses if letter != letter.lower() and letter.lower() in uses)
    if both:
        message = (
            f"Capital and small letters are different letters to the model: {listing(both, 12)}. Where they sound the "
            "same, write the transcripts in one case."
        )
        found.append(Finding("letter-case", "info", message, tuple(both)))
    across = checks.groups_across_parts(dataset)
    if across:
        message = f"{plural(len(across), 'group')} in more than one part, which flatters: {listing(across)}."
        found.append(Finding("group-across-parts", "warning", message, tuple(across)))
    return found

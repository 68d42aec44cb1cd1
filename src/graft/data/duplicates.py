"""The same content in several places: one copy stays, copies that contradict each other are set aside."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from graft.dataset.dataset import Dataset
from graft.errors import plural
from graft.records import Finding


def without_duplicates(dataset: Dataset) -> Dataset:
    """The data set with each content once, and the findings that say what was set aside and why.

    Copies whose targets contradict each other are set aside whole; the task says what is a contradiction, and what the
    target of several copies is. Of the same content in several parts the copy in the most protected part stays (test,
    then val, then train), so that a given test part remains what it was.
    """
    copies: dict[bytes, list[int]] = defaultdict(list)
    for row in range(len(dataset)):
        copies[dataset.key(row)].append(row)
    drop: list[int] = []
    told: dict[str, list[str]] = {"contradictory": [], "duplicate-across-parts": [], "duplicate": []}
    labels = dataset.labels
    for rows in copies.values():
        if len(rows) == 1:
            continue
        merged = dataset.task.merge(dataset.labels[rows])
        if merged is None:
            drop += rows
            told["contradictory"].append(" = ".join(dataset.sources[row] for row in rows))
            continue
        kept = max(rows, key=lambda row: (int(dataset.parts[row]), -row))
        if not np.array_equal(merged, labels[kept], equal_nan=labels.dtype.kind == "f"):
            labels = labels.copy() if labels is dataset.labels else labels
            labels[kept] = merged
        for row in rows:
            if row != kept:
                drop.append(row)
                kind = "duplicate" if dataset.parts[row] == dataset.parts[kept] else "duplicate-across-parts"
                told[kind].append(f"{dataset.sources[row]} = {dataset.sources[kept]}")
    noun = dataset.modality.noun
    messages = {
        "contradictory": f"the same {noun} {dataset.task.contradiction}; all copies are set aside.",
        "duplicate-across-parts": f"copies of a {noun} in another part; kept only in the later part.",
        "duplicate": f"exact copies of another {noun}; one of each is kept.",
    }
    findings = [
        Finding(kind, "warning", f"{plural(len(sources), 'case')}: {messages[kind]}", tuple(sources))
        for kind, sources in told.items()
        if sources
    ]
    keep = np.setdiff1d(np.arange(len(dataset)), np.array(drop, dtype=np.intp))
    return replace(replace(dataset, labels=labels).take(keep), findings=(*dataset.findings, *findings))

"""graft data: what there is, for machines."""

from graft.data import Dataset
from graft.records import PARTS, Json
from graft.run_folder import findings_json


def describe(dataset: Dataset) -> Json:
    """A data set as plain JSON: classes with their counts, parts, fingerprint and findings."""
    counts = dataset.counts()
    return {
        "root": str(dataset.root),
        "modality": dataset.modality.name,
        "samples": len(dataset),
        "split": dataset.split,
        "parts": {part: dataset.count(part) for part in PARTS},
        "classes": [
            {"name": name, **{part: int(count) for part, count in zip(PARTS, row, strict=True)}}
            for name, row in zip(dataset.classes, counts, strict=True)
        ],
        "fingerprint": dataset.fingerprint,
        "findings": findings_json(dataset.findings),
    }

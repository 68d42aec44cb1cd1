"""graft data: what there is, for machines."""

from graft.data import Dataset
from graft.records import PARTS, Json
from graft.run_folder import findings_json


def describe(dataset: Dataset) -> Json:
    """A data set as plain JSON: its targets with their counts; parts, fingerprint and findings."""
    return {
        "root": str(dataset.root),
        "modality": dataset.modality.name,
        "task": dataset.task.name,
        "samples": len(dataset),
        "split": dataset.split,
        "parts": {part: dataset.count(part) for part in PARTS},
        **dataset.task.describe(dataset),
        "fingerprint": dataset.fingerprint,
        "findings": findings_json(dataset.findings),
    }

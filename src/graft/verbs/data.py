"""graft data: what there is, for machines."""

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from graft.data import Dataset
from graft.modalities.audio import seconds_of
from graft.records import PARTS, Json, Part
from graft.run_folder import findings_json

COMMON = 12  # transcripts that are named


@dataclass(frozen=True, slots=True)
class TranscriptFigures:
    """How much is said in some recordings."""

    recordings: int
    groups: int
    transcripts: int  # different ones
    words: int
    characters: int
    letters: tuple[str, ...]  # different ones
    seconds: tuple[float, float]  # the shortest and the longest recording
    common: tuple[tuple[str, int], ...]


def transcript_figures(dataset: Dataset, part: Part | None = None) -> TranscriptFigures:
    """What the transcripts of a part, or of all, are like."""
    rows = [row for row in range(len(dataset)) if part is None or dataset.parts[row] == PARTS.index(part)]
    texts = Counter(dataset.classes[dataset.labels[row]] for row in rows)
    seconds = np.array([seconds_of(dataset.path(row)) for row in rows] or [0.0])
    return TranscriptFigures(
        recordings=len(rows),
        groups=len({dataset.groups[row] for row in rows} - {""}),
        transcripts=len(texts),
        words=sum(count * len(text.split()) for text, count in texts.items()),
        characters=sum(count * len(text) for text, count in texts.items()),
        letters=tuple(sorted({letter for text in texts for letter in text})),
        seconds=(round(float(np.nanmin(seconds)), 3), round(float(np.nanmax(seconds)), 3)),
        common=tuple(texts.most_common(COMMON)),
    )


def describe(dataset: Dataset) -> Json:
    """A data set as plain JSON: classes with their counts, or transcripts; parts, fingerprint and findings."""
    counts = dataset.counts()
    about: Json = {
        "root": str(dataset.root),
        "modality": dataset.modality.name,
        "samples": len(dataset),
        "split": dataset.split,
        "parts": {part: dataset.count(part) for part in PARTS},
    }
    if dataset.transcribed:
        about["transcripts"] = asdict(transcript_figures(dataset))
    else:
        about["classes"] = [
            {"name": name, **{part: int(count) for part, count in zip(PARTS, row, strict=True)}}
            for name, row in zip(dataset.classes, counts, strict=True)
        ]
    return {**about, "fingerprint": dataset.fingerprint, "findings": findings_json(dataset.findings)}

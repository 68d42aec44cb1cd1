"""What is said in recordings: checked, and dealt to parts without classes to go by."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.dataset.cells import one_line
from graft.dataset.dataset import Dataset, groups_across_parts
from graft.dataset.options import LoadOptions
from graft.dataset.task import Read
from graft.errors import DataError, RequestError, listing, plural
from graft.evaluation.blocks import Block, Grid, GridColumn, Lines
from graft.heads.ridge import Targets
from graft.modalities.audio import seconds_of
from graft.records import PARTS, Finding, Json, Part
from graft.tasks.split import TEST_SHARE, VAL_SHARE, draw, enough_groups, parts_of_folds

COMMON = 12  # transcripts that are named
LEAST = 3  # recordings: one for each part


class Transcription:
    """The text of each recording. What heads and evaluations of it are stands in the verbs so far."""

    name = "transcription"
    classes_noun = "transcript"
    several = False
    contradiction = "has two transcripts"
    steps = frozenset({"transcripts"})

    def faults(self, names: tuple[str, ...], details: Json) -> list[str]:
        return ["task: models of transcripts are described in another way"]

    def joins(self, several: int, whole: int) -> str:
        return ""

    def is_missing(self, label: str) -> bool:
        return not label

    def recognise(self, labels: Sequence[str]) -> str:
        return ""

    def problems(self, labels: Sequence[str], table: bool) -> list[str]:
        return []

    def read(self, labels: Sequence[str], names: tuple[str, ...] | None = None) -> Read:
        known = tuple(sorted(set(labels)))
        numbers = {name: number for number, name in enumerate(known)}
        return Read(known, np.array([numbers[label] for label in labels], dtype=np.int32))

    def write(self, names: tuple[str, ...], target: Any) -> str:
        return names[int(target)]

    def merge(self, targets: Targets) -> Any | None:
        return targets[0] if (targets == targets[0]).all() else None

    def finish(self, dataset: Dataset, options: LoadOptions, problems: list[str]) -> Dataset:
        if options.min_per_class > 1:
            raise RequestError(
                f"--min-per-class is {options.min_per_class}, and transcripts are no classes. Leave it out."
            )
        problems = [*problems, *_obstacles(dataset)]
        if problems:
            raise DataError(dataset.pointed_at, problems, [finding.message for finding in dataset.findings])
        if dataset.split == "made":
            dataset = replace(dataset, parts=_dealt(dataset, options.seed))
        return replace(dataset, findings=(*dataset.findings, *_findings(dataset)))

    def lost(self, before: Dataset, after: Dataset) -> list[str]:
        return []

    def overview(self, dataset: Dataset) -> list[Block]:
        columns = (
            GridColumn("part"),
            GridColumn("recordings"),
            GridColumn("groups", rank=3),
            GridColumn("different transcripts", rank=4),
            GridColumn("words", rank=2),
            GridColumn("letters", rank=2),
            GridColumn("seconds", rank=1),
        )
        rows = [(part, *_shown(transcript_figures(dataset, part))) for part in PARTS]
        whole = transcript_figures(dataset)
        letters = " ".join(letter if letter != " " else "(space)" for letter in whole.letters)
        common = ", ".join(f"{text} ({count:,})" for text, count in whole.common)
        return [
            Grid("", columns, rows),
            Lines("", (f"{len(whole.letters)} letters: {letters}", f"Commonest transcripts: {common}")),
        ]

    def counted(self, dataset: Dataset) -> str:
        return "with transcripts"

    def describe(self, dataset: Dataset) -> Json:
        return {"transcripts": asdict(transcript_figures(dataset))}


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


def _shown(one: TranscriptFigures) -> tuple[str, ...]:
    shortest, longest = one.seconds
    return (
        f"{one.recordings:,}",
        f"{one.groups:,}" if one.groups else "–",
        f"{one.transcripts:,}",
        f"{one.words:,}",
        f"{one.characters:,}",
        f"{shortest:.2f} to {longest:.2f}" if one.recordings else "–",
    )


def tidy(written: str) -> str:
    """A transcript in one way of writing it: composed letters (NFC), single spaces; capitals and signs stay."""
    return one_line(written)


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
    across = groups_across_parts(dataset)
    if across:
        message = f"{plural(len(across), 'group')} in more than one part, which flatters: {listing(across)}."
        found.append(Finding("group-across-parts", "warning", message, tuple(across)))
    return found


TRANSCRIPTION = Transcription()

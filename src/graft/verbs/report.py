"""Writing report.html and README.md from what lies in a run folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from graft.backbones.licence import UNKNOWN
from graft.backbones.model_folder import DESCRIPTION, TRANSCRIPT, read_description
from graft.errors import WorkError, plural
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.exhibit import Samples, find_sample
from graft.evaluation.report import Story, Subject, render, render_transcripts
from graft.modalities.table import modality_of
from graft.records import Card, Finding, Ranking, Verdict
from graft.run_folder import RunFolder
from graft.storage import read_record
from graft.tasks.table import CLASSES, task_of

Kind = TypeVar("Kind")

TITLES = {
    "test": "On the test set, which nothing was chosen on",
    "val": "On the validation set, kept apart from training",
    "cross-validation": "By cross-validation within train and val",
    "held-out share of train": "On a share of train, kept apart from training",
    "val, seen by the model": "On the validation set, which helped to make the model",
    "train, seen by the model": "On the training set, which the model was fitted on",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the report tells of how a model came about."""

    head: str
    samples: int


@dataclass(frozen=True, slots=True)
class Made:
    """The part of model.json that says how a model came about."""

    provenance: Provenance


def write_report(run: RunFolder, read: Samples | None = None) -> Path:
    """Render the report and the model card anew; the most trustworthy evaluation comes first.

    Of the samples that evaluations name, the page shows those of the run's own split, if they are what they were, and
    those that were just `read`.
    """
    settings, described = run.settings, read_description(run.model)
    card, made = described.backbone, read_record(run.model / DESCRIPTION, Made).provenance
    parts = ", ".join(f"{part} {count:,}" for part, count in settings["samples"].items())
    noun = modality_of(card.modality).noun
    transcribes = described.kind == TRANSCRIPT
    task = CLASSES if transcribes else task_of(described.task)
    kind = "letters" if transcribes else plural(2, task.classes_noun).removeprefix("2 ")
    subject = Subject(
        name=run.path.absolute().name,
        path=str(run.path),
        made=settings["started"],
        version=settings["graft"],
        classes=tuple(described.classes),
        facts=(
            ("Backbone", f"{card.id} (trained on {card.source})"),
            *_licence(card),
            (
                "Size",
                f"{card.parameters / 1e6:.1f} million parameters, {card.macs / 1e6:.0f} million MACs a {noun}",
            ),
            ("Head", f"{made.head}, {len(described.classes)} {kind}"),
            ("Fitted on", f"{made.samples:,} {noun}s of train and val"),
            ("Data", f"{parts} {noun}s, parts {settings['split']}, fingerprint {settings['dataset'][:16]}"),
            ("Seed", str(settings["seed"])),
            ("The test set was read", plural(len(settings["test_readings"]), "time")),
        ),
        noun=noun,
        classes_noun=task.classes_noun,
        what=task.made.format(noun=noun),
        caveat=task.caveat.format(noun=noun, names=f"{len(described.classes):,}"),
    )
    findings, story = read_findings(run), read_story(run)
    found = partial(find_sample, _own_samples(run), read)
    if transcribes:
        page, model_card = render_transcripts(
            subject, _titled(read_transcript_evaluations(run)), findings, story, found
        )
    else:
        page, model_card = render(subject, task, _titled(read_evaluations(run)), findings, story, found)
    run.write_text("report.html", page)
    run.write_text("README.md", model_card)
    return run.path / "report.html"


def _licence(card: Card) -> list[tuple[str, str]]:
    """The licence of a backbone's weights, where it is stated, and any doubt; earlier versions kept the name alone."""
    facts = [("Licence of its weights", card.licence or UNKNOWN)]
    further = (("Licence stated in", card.licence_source), ("Note on the licence", card.licence_note))
    return facts + [(title, told) for title, told in further if told]


def _own_samples(run: RunFolder) -> Samples:
    """The files of the run's split with their hashes, where there is one that can be read."""
    data = Path(run.settings["data"])
    try:
        rows = run.read_split()
    except WorkError:
        return Samples("", {})
    root = data if data.is_dir() else data.parent
    return Samples(str(root), {row["source"]: row["sha256"] for row in rows})


def _titled(evaluations: dict[str, Kind]) -> list[tuple[str, Kind]]:
    """Evaluations with their titles, the most trustworthy first."""
    order = [*TITLES, *(part for part in evaluations if part not in TITLES)]
    return [(TITLES.get(part, f"On other {part}"), evaluations[part]) for part in order if part in evaluations]


def read_transcript_evaluations(run: RunFolder) -> dict[str, TranscriptEvaluation]:
    """The evaluations of a run on transcripts, by what they were made on."""
    return run.read("evaluation.json", dict[str, TranscriptEvaluation])


def read_evaluations(run: RunFolder) -> dict[str, Any]:
    """The evaluations of a run, by what they were made on, as its task has them."""
    task = task_of(read_description(run.model).task)
    found: dict[str, Any] = run.read("evaluation.json", dict[str, task.evaluation])  # type: ignore[name-defined]
    return found


def read_story(run: RunFolder) -> Story:
    """How the run came about, as far as its files tell."""

    def there(name: str) -> bool:
        return (run.path / name).exists()

    return Story(
        ladder=run.read("ladder.json", list[dict[str, Any]]) if there("ladder.json") else (),
        ranking=run.read("ranking.json", Ranking) if there("ranking.json") else None,
        verdict=run.read("verdict.json", Verdict) if there("verdict.json") else None,
    )


def read_findings(run: RunFolder) -> list[Finding]:
    """What the data checks saw."""
    return run.read("findings.json", list[Finding])

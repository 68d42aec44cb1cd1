"""Writing report.html and README.md from what lies in a run folder."""

from pathlib import Path
from typing import Any, TypeVar

from graft.backbones.model_folder import TRANSCRIPT, read_description
from graft.errors import plural
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.report import Story, Subject, render, render_transcripts
from graft.modalities import modality_of
from graft.records import Evaluation, Finding, Ranking, Verdict
from graft.run_folder import RunFolder

Kind = TypeVar("Kind")

TITLES = {
    "test": "On the test set, which nothing was chosen on",
    "val": "On the validation set, kept apart from training",
    "cross-validation": "By cross-validation within train and val",
    "held-out share of train": "On a share of train, kept apart from training",
    "val, seen by the model": "On the validation set, which helped to make the model",
    "train, seen by the model": "On the training set, which the model was fitted on",
}


def write_report(run: RunFolder) -> Path:
    """Render the report and the model card anew; the most trustworthy evaluation comes first."""
    settings, description = run.settings, read_description(run.model)
    card = description["backbone"]
    parts = ", ".join(f"{part} {count:,}" for part, count in settings["samples"].items())
    noun = modality_of(card["modality"]).noun
    transcribes = description.get("kind") == TRANSCRIPT
    kind = "letters" if transcribes else "classes"
    subject = Subject(
        name=run.path.absolute().name,
        path=str(run.path),
        made=settings["started"],
        version=settings["graft"],
        classes=tuple(description["classes"]),
        facts=(
            ("Backbone", f"{card['id']} (licence of the weights: {card['licence']}; trained on {card['source']})"),
            (
                "Size",
                f"{card['parameters'] / 1e6:.1f} million parameters, {card['macs'] / 1e6:.0f} million MACs a {noun}",
            ),
            ("Head", f"{description['provenance']['head']}, {len(description['classes'])} {kind}"),
            ("Fitted on", f"{description['provenance']['samples']:,} {noun}s of train and val"),
            ("Data", f"{parts} {noun}s, parts {settings['split']}, fingerprint {settings['dataset'][:16]}"),
            ("Seed", str(settings["seed"])),
            ("The test set was read", plural(len(settings["test_readings"]), "time")),
        ),
        noun=noun,
    )
    findings, story = read_findings(run), read_story(run)
    if transcribes:
        page, model_card = render_transcripts(subject, _titled(read_transcript_evaluations(run)), findings, story)
    else:
        page, model_card = render(subject, _titled(read_evaluations(run)), findings, story)
    run.write_text("report.html", page)
    run.write_text("README.md", model_card)
    return run.path / "report.html"


def _titled(evaluations: dict[str, Kind]) -> list[tuple[str, Kind]]:
    """Evaluations with their titles, the most trustworthy first."""
    order = [*TITLES, *(part for part in evaluations if part not in TITLES)]
    return [(TITLES.get(part, f"On other {part}"), evaluations[part]) for part in order if part in evaluations]


def read_transcript_evaluations(run: RunFolder) -> dict[str, TranscriptEvaluation]:
    """The evaluations of a run on transcripts, by what they were made on."""
    return run.read("evaluation.json", dict[str, TranscriptEvaluation])


def read_evaluations(run: RunFolder) -> dict[str, Evaluation]:
    """The evaluations of a run, by what they were made on."""
    return run.read("evaluation.json", dict[str, Evaluation])


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

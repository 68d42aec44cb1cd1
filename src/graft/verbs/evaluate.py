"""graft evaluate: how good a run is on its locked test set, or on other labelled samples."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graft.adaptation.model import Model
from graft.adaptation.speech_model import writes_transcripts
from graft.data import LoadOptions, load_labelled
from graft.data.table import contents_of
from graft.errors import RequestError, WorkError, listing, plural
from graft.evaluation import evaluate_probabilities
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.modality import Content, Pair, UnreadableError
from graft.pair import joined
from graft.progress import SILENT, Watch
from graft.ranking.history import meet
from graft.records import Evaluation, Part
from graft.run_folder import RunFolder
from graft.storage import sha256_of
from graft.verbs.report import read_evaluations, read_findings, write_report


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, the report that shows it, and how often the test part has been read by now."""

    evaluation: Evaluation | TranscriptEvaluation
    report: Path
    test_readings: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """What to measure on: files, or texts of a table, with the names of their classes."""

    title: str  # its key in evaluation.json
    root: Path
    contents: list[Content]
    names: list[str]
    sources: list[str]
    notes: list[str]
    opens_test: bool


def evaluate(run: str | Path, data: str | Path | None = None, part: Part = "test", watch: Watch = SILENT) -> Evaluated:
    """Measure a run from file to label, and write the result into its evaluation.json and report.

    Without `data` the run's own test part is read, and the reading is counted. With `data` the classes are matched by
    name, and samples that the model was fitted on are left out. Raises `WorkError` where files have changed or gone.
    """
    folder = RunFolder.open(Path(run))
    if writes_transcripts(folder.model):
        from graft.verbs.evaluate_transcripts import evaluate_transcriber

        return evaluate_transcriber(folder, data, part, watch)
    model = Model.load(folder.model)
    known = read_evaluations(folder)  # before the test part is opened: a damaged run must not cost a reading
    read_findings(folder)
    labelled = part_of_run(folder, part) if data is None else _other(folder, model, data, watch)
    if labelled.opens_test:
        folder.count_test_reading("evaluate" if data is None else f"evaluate {data}")
    evaluation = _measure(model, labelled, watch)
    if labelled.title == "test" and data is None and "strategy" not in folder.settings:  # not a run of graft.adapt
        _remember(folder, evaluation, watch)
    results = {**known, labelled.title: evaluation}
    folder.write("evaluation.json", {title: dataclasses.asdict(result) for title, result in results.items()})
    return Evaluated(evaluation, write_report(folder), len(folder.settings["test_readings"]))


def _remember(folder: RunFolder, evaluation: Evaluation, watch: Watch) -> None:
    """Tell the history what became of the accuracy that the run foresaw."""
    settings = folder.settings
    try:
        meet(settings["dataset"], settings.get("backbone", ""), evaluation.accuracy.value, evaluation.samples)
    except WorkError as error:  # the measurement itself is done
        watch.say(f"{error} The history does not have this measurement.")


def _measure(model: Model, labelled: Labelled, watch: Watch) -> Evaluation:
    numbers = {name: number for number, name in enumerate(model.classes)}
    noun = model.modality.noun
    rows, probabilities, unreadable = [], [], []
    for row, answer in model.predict(labelled.contents, watch):
        if isinstance(answer, UnreadableError):
            unreadable.append(f"{labelled.sources[row]}: {answer}")
        else:
            rows.append(row)
            probabilities.append(answer)
    if not rows:
        raise WorkError(f"None of the {len(labelled.contents):,} {noun}s could be read: {listing(unreadable, 3)}")
    notes, kept = list(labelled.notes), [labelled.contents[row] for row in rows]
    if unreadable:
        notes.append(f"{plural(len(unreadable), noun)} could not be read and do not count: {listing(unreadable)}")
    return evaluate_probabilities(
        part=labelled.title,
        probabilities=np.stack(probabilities),
        labels=np.array([numbers[labelled.names[row]] for row in rows], np.int32),
        classes=model.classes,
        sources=[labelled.sources[row] for row in rows],
        notes=notes,
        root=str(labelled.root),
        noun=noun,
        texts=[words for one in kept if (words := _words(one)) is not None] or None,
    )


def _words(content: Content) -> str | None:
    if isinstance(content, Path):
        return None
    return (content.text if isinstance(content, Pair) else content).decode("utf-8", "replace")


def part_of_run(folder: RunFolder, part: Part) -> Labelled:
    """A part of the run's own data; raises `WorkError` unless every file is still the one that was split."""
    settings = folder.settings
    origin = Path(settings["data"])
    rows = [row for row in folder.read_split() if row["part"] == part]
    if not rows:
        raise RequestError(
            f"This run has no {part} part. Name labelled samples to measure on: graft evaluate {folder.path} DATA"
        )
    sources = [row["source"] for row in rows]
    options = LoadOptions(text=settings.get("text"), label=settings.get("label"))
    contents = contents_of(origin, sources, options, settings.get("modality", "image"))
    gone = [source for source, content in zip(sources, contents, strict=True) if content is None]
    there = [content for content in contents if content is not None]
    changed = [
        row["source"]
        for row, content in zip(rows, contents, strict=True)
        if content is not None and hash_of(content) != row["sha256"]
    ]
    if gone or changed:
        told = [f"{len(gone):,} gone ({listing(gone, 3)})"] * bool(gone)
        told += [f"{len(changed):,} changed ({listing(changed, 3)})"] * bool(changed)
        raise WorkError(
            f"The {part} part under {origin} is not what it was when the run was made: {' and '.join(told)}. Put the "
            "files back, or measure on another folder with: graft evaluate RUN DATA"
        )
    seen = "The training and validation sets helped to make the model; only the test set is fair."
    notes = [seen] if part != "test" else []
    title = "test" if part == "test" else f"{part}, seen by the model"
    root = origin if origin.is_dir() else origin.parent
    names = [row["class"] for row in rows]
    return Labelled(title, root, there, names, sources, notes, opens_test=part == "test")


def hash_of(content: Content) -> str:
    """The SHA-256 of a sample's content, as split.csv has it."""
    if isinstance(content, Pair):
        content = joined(content)
    return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def _other(folder: RunFolder, model: Model, data: str | Path, watch: Watch) -> Labelled:
    """Another labelled folder, without what the model was fitted on and without classes it does not know."""
    dataset = load_labelled(data, watch)
    if dataset.modality.name != model.modality.name:
        raise RequestError(f"{data} holds {dataset.modality.noun}s; this model was made for {model.modality.noun}s.")
    split = folder.read_split()
    fitted_on = {row["sha256"] for row in split if row["part"] != "test"}
    locked = {row["sha256"] for row in split if row["part"] == "test"}
    known = set(model.classes)
    names = [dataset.classes[label] for label in dataset.labels]
    seen = [row for row in range(len(dataset)) if dataset.key(row).hex() in fitted_on]
    strange = sorted(set(names) - known)
    new = set(range(len(dataset))) - set(seen)
    rows = [row for row in sorted(new) if names[row] in known]
    notes = [finding.message for finding in dataset.findings]
    if seen:
        notes.append(f"{plural(len(seen), dataset.modality.noun)} left out because the model was fitted on them.")
    if strange:
        notes.append(f"{plural(len(strange), 'class')} left out that the model does not know: {listing(strange)}.")
    tested = sum(dataset.key(row).hex() in locked for row in rows)
    if tested:
        notes.append(
            f"{plural(tested, dataset.modality.noun)} of the run's locked test set are among these; the reading is "
            "counted."
        )
    if not rows:
        raise RequestError(
            f"Nothing in {data} to measure on: {' '.join(notes)} The model knows: {listing(list(model.classes), 10)}."
        )
    return Labelled(
        title=f"data: {dataset.root}",
        root=dataset.root,
        contents=[dataset.content(row) for row in rows],
        names=[names[row] for row in rows],
        sources=[dataset.sources[row] for row in rows],
        notes=notes,
        opens_test=tested > 0,
    )

"""graft evaluate: how good a run is on its locked test set, or on other labelled samples."""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft.adaptation.model import Model
from graft.adaptation.speech_model import writes_transcripts
from graft.data import LoadOptions, load_labelled
from graft.data.aside import SetAside, aside_notes, set_aside
from graft.data.in_memory import Data
from graft.data.objects import as_path
from graft.data.table import contents_of, sources_of
from graft.dataset.task import About
from graft.errors import GraftError, RequestError, WorkError, listing, plural
from graft.escaping import command
from graft.evaluation.exhibit import Samples
from graft.modalities.modality import Content, Pair, UnreadableError, joined
from graft.progress import SILENT, Watch
from graft.ranking.history import meet
from graft.records import Interval, Part
from graft.run_folder import RunFolder
from graft.serving.predictor import named_by, table_options
from graft.storage import sha256_of
from graft.tasks.table import CLASSES
from graft.verbs.report import read_evaluations, read_findings, write_report


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, the report that shows it, and how often the test part has been read by now."""

    evaluation: Any  # the record of the task's evaluation
    report: Path
    test_readings: int
    set_aside: tuple[SetAside, ...] = ()  # what of the data was used neither for the model nor here
    task: str = CLASSES.name


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
    set_aside: tuple[SetAside, ...] = ()
    groups: list[str] = field(default_factory=list)  # of each sample, empty strings where there are none

    @property
    def samples(self) -> Samples:
        """Those that lie in files of their own, for the report to show."""
        files = zip(self.sources, self.contents, strict=True)
        return Samples(str(self.root), {source: None for source, content in files if isinstance(content, Path)})


def evaluate(
    run: str | Path,
    data: Data | None = None,
    part: Part = "test",
    watch: Watch = SILENT,
    load: LoadOptions | None = None,
) -> Evaluated:
    """Measure a run from file to label, and write the result into its evaluation.json and report.

    Without `data` the run's own test part is read, and the reading is counted. With `data` the classes are matched by
    name, and samples that the model was fitted on are left out; `load` says how a table is read, and the columns are
    those of the run by default. What lies in
    memory is taken as by `graft.load`. Raises `WorkError` where files have changed or gone.
    """
    folder = RunFolder.open(run)
    data = None if data is None else as_path(data, None, columns_of_run(folder, load), watch)
    if writes_transcripts(folder.model):
        from graft.verbs.evaluate_transcripts import evaluate_transcriber

        return evaluate_transcriber(folder, data, part, watch, load)
    model_id, model = folder.read_model(lambda place: (folder.model_id, Model.load(place)))
    read_evaluations(folder)  # before the test part is opened: a damaged run must not cost a reading
    read_findings(folder)
    labelled = part_of_run(folder, part) if data is None else _other(folder, model, data, watch, load)
    if labelled.opens_test:
        folder.count_test_reading("evaluate" if data is None else f"evaluate {data}")
    evaluation, unreadable = _measure(model, labelled, watch)
    evaluated = keep_evaluation(folder, model_id, evaluation, labelled, unreadable)
    of_adapt = "strategy" in folder.settings
    if labelled.title == "test" and data is None and not of_adapt and "history" in model.task.steps:
        _remember(folder, model.task.figure(evaluation), evaluation.samples, watch)
    return evaluated


def keep_evaluation(
    folder: RunFolder,
    model_id: str,
    evaluation: Any,
    labelled: Labelled,
    unreadable: tuple[SetAside, ...],
) -> Evaluated:
    """Add an evaluation to the run and render its report; raises `WorkError` where the model is another by now."""
    with folder.exclusively():
        if folder.model_id != model_id:
            raise WorkError(
                f"The model in {folder.path} was replaced while it was measured, so the figures are not kept: they are "
                "of the model before. Measure again."
            )
        known = folder.read("evaluation.json", dict[str, Any])  # what others measured meanwhile stays
        folder.write("evaluation.json", {**known, evaluation.part: dataclasses.asdict(evaluation)})
        report = write_report(folder, labelled.samples)
        aside = (*labelled.set_aside, *unreadable)
        task = folder.settings.get("task") or CLASSES.name
        return Evaluated(evaluation, report, len(folder.settings["test_readings"]), aside, task)


def unreadable_here(noun: str, reasons: list[str]) -> tuple[SetAside, ...]:
    """What could not be read while a model was measured."""
    message = f"{plural(len(reasons), noun)} could not be read and do not count: {listing(reasons)}"
    return (SetAside("unreadable", len(reasons), "samples", message),) if reasons else ()


def _remember(folder: RunFolder, figure: Interval, samples: int, watch: Watch) -> None:
    """Tell the history what became of the accuracy that the run foresaw."""
    settings = folder.settings
    try:
        meet(settings["dataset"], settings.get("backbone", ""), figure.value, samples, folder.id)
    except GraftError as error:  # the measurement itself is done
        watch.say(f"{error} The history does not have this measurement.")


def _measure(model: Model, labelled: Labelled, watch: Watch) -> tuple[Any, tuple[SetAside, ...]]:
    noun = model.modality.noun
    rows, answers, unreadable = [], [], []
    for row, answer in model.predict(labelled.contents, watch):
        if isinstance(answer, UnreadableError):
            unreadable.append(f"{labelled.sources[row]}: {answer}")
        else:
            rows.append(row)
            answers.append(answer)
    if not rows:
        raise WorkError(f"None of the {len(labelled.contents):,} {noun}s could be read: {listing(unreadable, 3)}")
    aside, kept = unreadable_here(noun, unreadable), [labelled.contents[row] for row in rows]
    notes = [*labelled.notes, *(one.message for one in aside)]
    about = About(
        part=labelled.title,
        names=model.classes,
        sources=[labelled.sources[row] for row in rows],
        notes=notes,
        root=str(labelled.root),
        noun=noun,
        texts=[words for one in kept if (words := _words(one)) is not None] or None,
        groups=[labelled.groups[row] for row in rows] if labelled.groups else None,
    )
    targets = model.task.read([labelled.names[row] for row in rows], model.classes).targets
    return model.task.evaluate(np.stack(answers), targets, about, model.details), aside


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
            f"This run has no {part} part. Name labelled samples to measure on: "
            f"{command('graft', 'evaluate', folder.path)} DATA"
        )
    sources = [row["source"] for row in rows]
    options = replace(named_by(folder), encoding=settings.get("encoding"), root=settings.get("root"))
    _refuse_outside(folder, origin, sources, options)
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
    findings = read_findings(folder)
    notes = [seen] * (part != "test") + aside_notes(findings)
    title = "test" if part == "test" else f"{part}, seen by the model"
    root = origin if origin.is_dir() else Path(options.root or origin.parent)
    names = [row["class"] for row in rows]
    groups = [row["group"] for row in rows]
    return Labelled(title, root, there, names, sources, notes, part == "test", set_aside(findings), groups)


def hash_of(content: Content) -> str:
    """The SHA-256 of a sample's content, as split.csv has it."""
    if isinstance(content, Pair):
        content = joined(content)
    return sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()


def _refuse_outside(folder: RunFolder, origin: Path, sources: Sequence[str], options: LoadOptions) -> None:
    """Raise `WorkError` for samples outside the data of the run, unless the table that it was made from names them.

    A run may come from somebody else, and must not make graft read whatever lies on this machine.
    """
    outside = [one for one in sources if Path(one).is_absolute() or ".." in Path(one).parts or "\0" in one]
    if outside and origin.is_file():
        named = sources_of(origin, options)
        outside = [one for one in outside if one not in named]
    if outside:
        raise WorkError(
            f"The split of {folder.path} names files outside of its data ({origin}): {listing(outside, 3)}. graft "
            "reads only what lies below. Measure on other samples with: graft evaluate RUN DATA"
        )


def columns_of_run(folder: RunFolder, load: LoadOptions | None) -> LoadOptions:
    """How another table is read: as asked for, with the columns that were named for the run where no other is."""
    return table_options(named_by(folder), load)


def _other(
    folder: RunFolder, model: Model, data: str | Path, watch: Watch, load: LoadOptions | None = None
) -> Labelled:
    """Another labelled folder, without what the model was fitted on and without classes it does not know."""
    dataset = load_labelled(data, watch, replace(columns_of_run(folder, load), task=model.task.name))
    if dataset.modality.name != model.modality.name:
        raise RequestError(f"{data} holds {dataset.modality.noun}s; this model was made for {model.modality.noun}s.")
    split = folder.read_split()
    fitted_on = {row["sha256"] for row in split if row["part"] != "test"}
    locked = {row["sha256"] for row in split if row["part"] == "test"}
    names = [dataset.task.write(dataset.classes, label) for label in dataset.labels]
    faults = model.task.read(names, model.classes).faults
    seen = [row for row in range(len(dataset)) if dataset.key(row).hex() in fitted_on]
    strange = sorted({names[row] for row in faults})
    new = set(range(len(dataset))) - set(seen)
    rows = [row for row in sorted(new) if row not in faults]
    notes = [finding.message for finding in dataset.findings]
    if seen:
        notes.append(f"{plural(len(seen), dataset.modality.noun)} left out because the model was fitted on them.")
    if strange:
        noun = model.task.classes_noun
        notes.append(f"{plural(len(strange), noun)} left out that the model does not know: {listing(strange)}.")
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
        set_aside=set_aside(dataset.findings),
        groups=[dataset.groups[row] for row in rows],
    )

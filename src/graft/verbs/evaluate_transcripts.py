"""graft evaluate for a model that writes down what is said."""

from pathlib import Path

from graft.adaptation.decoding import Frames
from graft.adaptation.speech_model import SpeechModel
from graft.data import LoadOptions, load_labelled
from graft.data.aside import SetAside, set_aside
from graft.errors import RequestError, WorkError, listing, plural
from graft.evaluation.error_rates import Said, TranscriptEvaluation, evaluate_transcripts
from graft.modalities.modality import UnreadableError
from graft.progress import Watch
from graft.records import Part
from graft.run_folder import RunFolder
from graft.verbs.evaluate import Evaluated, Labelled, columns_of_run, keep_evaluation, part_of_run, unreadable_here
from graft.verbs.heard import heard_in
from graft.verbs.report import read_findings, read_transcript_evaluations


def evaluate_transcriber(
    folder: RunFolder, data: str | Path | None, part: Part, watch: Watch, load: LoadOptions | None = None
) -> Evaluated:
    """Measure a run on a part of its own, or on other recordings with transcripts; see `evaluate`."""
    model_id, model = folder.read_model(lambda place: (folder.model_id, SpeechModel.load(place)))
    read_transcript_evaluations(folder)  # before the test part is opened, as for classes
    read_findings(folder)
    labelled = part_of_run(folder, part) if data is None else _other(folder, data, watch, load)
    if labelled.opens_test:
        folder.count_test_reading("evaluate" if data is None else f"evaluate {data}")
    evaluation, unreadable = _measure(model, labelled, watch)
    return keep_evaluation(folder, model_id, evaluation, labelled, unreadable)


def _measure(model: SpeechModel, labelled: Labelled, watch: Watch) -> tuple[TranscriptEvaluation, tuple[SetAside, ...]]:
    noun, rows, unreadable = model.modality.noun, [], []
    all_frames: list[Frames] = []
    for row, answer in model.listen(labelled.contents, watch):
        if isinstance(answer, UnreadableError):
            unreadable.append(f"{labelled.sources[row]}: {answer}")
        else:
            rows.append(row)
            all_frames.append(answer)
    if not rows:
        raise WorkError(f"None of the {len(labelled.contents):,} {noun}s could be read: {listing(unreadable, 3)}")
    aside = unreadable_here(noun, unreadable)
    notes = [*labelled.notes, *(one.message for one in aside)]
    with watch.task("Spelling", len(rows), f"{noun}s") as advance:
        heard = heard_in(all_frames, model.letters, model.words)
        advance(len(rows))
    sources = [labelled.sources[row] for row in rows]
    said = Said(
        [labelled.names[row] for row in rows],
        sources,
        [labelled.groups[row] for row in rows],
        str(labelled.root),
    )
    return evaluate_transcripts(labelled.title, said, heard, model.words, notes), aside


def _other(folder: RunFolder, data: str | Path, watch: Watch, load: LoadOptions | None) -> Labelled:
    """Other recordings with transcripts, without those that the model was fitted on."""
    dataset = load_labelled(data, watch, columns_of_run(folder, load))
    if not dataset.transcribed:
        raise RequestError(
            f"{data} has classes, and this model writes down what is said. Expected a table with a column file of "
            "recordings and a column text of transcripts."
        )
    split = folder.read_split()
    fitted_on = {row["sha256"] for row in split if row["part"] != "test"}
    locked = {row["sha256"] for row in split if row["part"] == "test"}
    keys = [dataset.key(row).hex() for row in range(len(dataset))]
    rows = [row for row, key in enumerate(keys) if key not in fitted_on]
    noun = dataset.modality.noun
    notes = [finding.message for finding in dataset.findings]
    if len(rows) < len(keys):
        notes.append(f"{plural(len(keys) - len(rows), noun)} left out because the model was fitted on them.")
    tested = sum(keys[row] in locked for row in rows)
    if tested:
        notes.append(f"{plural(tested, noun)} of the run's locked test set are among these; the reading is counted.")
    if not rows:
        raise RequestError(f"Nothing in {data} to measure on: {' '.join(notes)}")
    return Labelled(
        title=f"data: {dataset.root}",
        root=dataset.root,
        contents=[dataset.content(row) for row in rows],
        names=[dataset.classes[dataset.labels[row]] for row in rows],
        sources=[dataset.sources[row] for row in rows],
        notes=notes,
        opens_test=tested > 0,
        set_aside=set_aside(dataset.findings),
        groups=[dataset.groups[row] for row in rows],
    )

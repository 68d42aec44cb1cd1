"""graft fit: from a folder of labelled pictures to a model that works, with an honest number."""

import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from graft import machine
from graft.backbones import Backbone
from graft.data import Dataset, LoadOptions, load
from graft.data.aside import SetAside, set_aside
from graft.data.in_memory import Data
from graft.data.objects import as_path, beside, is_path
from graft.errors import GraftError, RequestError, WorkError, listing
from graft.escaping import command
from graft.features import excess, suited
from graft.features.cache import DEFAULT_GB
from graft.progress import SILENT, Watch, tell_stage
from graft.records import Json, Ranking
from graft.run_folder import Resumable, RunFolder, place_for
from graft.storage import named_path
from graft.tasks.table import CLASSES
from graft.training.plan import Plan, PlanChanges
from graft.verbs.begun import began_with, default_out, free_run, tell_what_differs
from graft.verbs.climb import CHECKPOINTS, Climb
from graft.verbs.config import CONFIG, written_config
from graft.verbs.dictation import Dictation, backbone_for_frames
from graft.verbs.record import Recorder, readings_before

Effort = Literal["quick", "good", "best"]
EFFORTS: tuple[Effort, ...] = ("quick", "good", "best")
AUTO = "auto"  # let the ranking choose the backbone
ATTEMPTS = 20  # at finding a free name for a run while others begin theirs
TRAINED = ("2", "3")  # rungs that say what fine-tuning adds to the probe


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a model is made.

    `backbone` is a name, "auto" for the one that ranks first, or None for the packaged one of this kind of sample.
    `effort` is how far to climb: quick is a head on the frozen network, good trains its last stages, best all of them.
    `minutes` bounds the time, `cache_gb` the features kept on disk. `seed` stands in `load`. `changes` are what the
    training of stages does otherwise than by default.
    """

    backbone: str | None = None
    effort: Effort = "good"
    load: LoadOptions = LoadOptions()
    replace: bool = False
    cache_gb: float = DEFAULT_GB
    minutes: float | None = None
    checkpoint_seconds: float = 30.0
    pretrain_epochs: float | None = None  # train from random weights for so long, instead of climbing
    changes: PlanChanges = PlanChanges()


@dataclass(frozen=True, slots=True)
class Fitted:
    """A finished run, with the evaluation that needed no look at the test part, and what each rung did."""

    run: Path
    evaluation: Any  # the record of the task's evaluation
    ladder: tuple[Json, ...]
    test_samples: int
    seconds: float
    stopped: bool = False
    set_aside: tuple[SetAside, ...] = ()  # what of the data was not used, and why
    task: str = CLASSES.name


def fit(data: Data, out: str | Path | None = None, options: FitOptions | None = None, watch: Watch = SILENT) -> Fitted:
    """Make a model from labelled samples and write its run folder.

    `data` is a path, or what `graft.load` takes instead of one: what lies in memory is written beside the run, into
    OUT-data, where resuming and measuring read it again.
    Ctrl-C after the first rung, or the end of `options.minutes`, keeps the best model so far. Raises `DataError` for
    data that no model can be made from, `RequestError` for wrong options, and `WorkError` where something fails on
    the way; `resume` goes on after that. The test part is not read.
    """
    options = options or FitOptions()
    _check(options)
    began = time.perf_counter()
    if not is_path(data):
        out = place_for(free_run("run") if out is None else named_path(out), options.replace)
        data = as_path(data, beside(out), options.load, watch)
    dataset = load(data, options.load, watch)
    if not dataset.transcribed:
        check_memory(dataset)
    elif options.changes.any:
        raise RequestError(
            "epochs, batch_size, learning_rate and label_smoothing change no training of transcripts, so far."
        )
    place = place_for(default_out(dataset) if out is None else named_path(out), options.replace)
    ranking = None
    if options.backbone == AUTO:
        ranking = _ranked(dataset, options, watch)
        options = replace(options, backbone=ranking.chosen)
    backbone = _opened(options.backbone, dataset)
    options = replace(options, backbone=options.backbone or backbone.card.id)
    run = _begun(place, dataset, options, named=bool(out))
    run.write_text(CONFIG, written_config(str(dataset.pointed_at.absolute()), options))
    if ranking is not None:
        run.write("ranking.json", asdict(ranking))
    return _work(run, dataset, backbone, options, watch, began)


def _begun(place: Path, dataset: Dataset, options: FitOptions, named: bool) -> RunFolder:
    """The new run; where nobody named its place and another process took it meanwhile, the next that is free."""
    settings = began_with(dataset, options)
    for _ in range(ATTEMPTS):
        try:
            before = {"test_readings": readings_before(place, dataset)}
            return RunFolder.create(place, {**settings, **before}, options.replace)
        except RequestError:
            if named:
                raise
            place = default_out(dataset)
    return RunFolder.create(place, settings, options.replace)


def _ranked(dataset: Dataset, options: FitOptions, watch: Watch) -> Ranking:
    """The networks that are installed, compared on this data in at most a quarter of the time there is."""
    from graft.ranking.ranker import RankOptions
    from graft.verbs.rank import rank

    minutes = None if options.minutes is None else options.minutes / 4
    ranking = rank(dataset, RankOptions(load=options.load, minutes=minutes, cache_gb=options.cache_gb), watch)
    watch.say(ranking.why)
    return ranking


def resume(run: str | Path, watch: Watch = SILENT) -> Fitted:
    """Go on with a run that was interrupted, to the same model as if it had not been.

    What was computed is in the cache or in checkpoints, so only the rest is done. Raises `RequestError` for a run
    that is finished, or whose data are not what they were.
    """
    began = time.perf_counter()
    folder = RunFolder(named_path(run))
    settings = folder.unfinished()
    folder = replace(folder, id=settings.id)
    options = FitOptions(
        backbone=settings.backbone,
        effort=settings.effort,
        load=options_of(settings),
        cache_gb=settings.cache_gb,
        minutes=settings.minutes,
        checkpoint_seconds=settings.checkpoint_seconds,
        pretrain_epochs=settings.pretrain_epochs,
        changes=PlanChanges(settings.epochs, settings.batch_size, settings.learning_rate, settings.label_smoothing),
    )
    dataset = load(settings.data, options.load, watch)
    if dataset.fingerprint != settings.dataset:
        raise RequestError(f"{settings.data} is not what it was when {run} began: {changes(folder, dataset)}")
    tell_what_differs(settings, watch)
    return _work(folder, dataset, _opened(options.backbone, dataset), options, watch, began)


def _opened(identity: str | None, dataset: Dataset) -> Backbone:
    """The backbone as this kind of data set needs it: pooled, or frame by frame for transcripts."""
    return backbone_for_frames(identity, dataset) if dataset.transcribed else suited(identity, dataset)


def options_of(settings: Resumable) -> LoadOptions:
    """How the data of a run were read."""
    return LoadOptions(**{field.name: getattr(settings, field.name) for field in fields(LoadOptions)})


def changes(folder: RunFolder, dataset: Dataset) -> str:
    """What differs between the data now and the split that the run wrote."""
    then = {row["source"]: row["sha256"] for row in folder.read_split()}
    now = {source: dataset.key(row).hex() for row, source in enumerate(dataset.sources)}
    told = [
        f"{len(names):,} {what} ({listing(sorted(names), 3)})"
        for what, names in (
            ("gone", then.keys() - now.keys()),
            ("new", now.keys() - then.keys()),
            ("changed", {name for name in then.keys() & now.keys() if then[name] != now[name]}),
        )
        if names
    ]
    return f"{', '.join(told) or 'classes or parts'}. Put the files back, or begin a new run with graft fit."


def _work(
    run: RunFolder, dataset: Dataset, backbone: Backbone, options: FitOptions, watch: Watch, began: float
) -> Fitted:
    """Climb as far as the effort and the time say, alone in the run folder."""
    if not dataset.transcribed:
        dataset = replace(dataset, findings=(*dataset.findings, *excess(backbone, dataset)))
    with run.alone_at_work():
        run.update(state="running")
        watch = Recorder(watch, run)
        climb = (Dictation if dataset.transcribed else Climb)(run, dataset, backbone, options, watch, began)
        stopped = False
        try:
            if options.pretrain_epochs is None or isinstance(climb, Dictation):
                climb.first_rung()
            else:
                climb.from_scratch(options.pretrain_epochs)
            try:
                climb.later_rungs()
            except KeyboardInterrupt:
                stopped = True
                again = command("graft", "fit", "--resume", run.path)
                watch.say(f"Stopped: the best model so far is kept. Go on with: {again}")
        except BaseException as error:
            with suppress(WorkError):  # the disk may be full, or the run moved: the first error says more
                state = "stopped" if isinstance(error, KeyboardInterrupt) else f"failed: {type(error).__name__}"
                run.update(state=state)
            raise
        finally:
            tell_stage(watch, None)
        if not stopped and not climb.is_over:
            climb.delivery.write(climb.ladder, climb.evaluation, last=True)
        seconds = time.perf_counter() - began
        run.update(state="stopped" if stopped else "finished", seconds=round(seconds, 2))
        run.event("stopped" if stopped else "finished", seconds=round(seconds, 2))
        if not stopped:
            shutil.rmtree(run.path / CHECKPOINTS, ignore_errors=True)
            if isinstance(climb, Climb):
                _remember(climb, watch)
    evaluation, ladder = climb.evaluation, climb.ladder
    if climb.delivery.waits:  # the model of before the interruption stands, so its figures do
        evaluation, ladder = climb.known_evaluation(), climb.delivery.ladder
    aside = set_aside(climb.dataset.findings)
    return Fitted(
        run.path,
        evaluation,
        tuple(ladder),
        climb.dataset.count("test"),
        seconds,
        stopped,
        aside,
        climb.dataset.task.name,
    )


def _remember(climb: Climb, watch: Watch) -> None:
    """Add what fine-tuning gained to the history that later rankings learn from."""
    from graft.ranking.history import Past, remember

    probe = next((entry for entry in climb.ladder if entry["rung"] == "1"), {})
    trained = [entry for entry in climb.ladder if entry["rung"] in TRAINED]
    task = climb.dataset.task
    if not trained or "deciding_samples" not in probe or "history" not in task.steps:
        return
    data = climb.dataset
    past = Past(
        time=round(time.time(), 3),
        dataset=data.fingerprint,
        modality=data.modality.name,
        samples=len(data.rows("train", "val")),
        classes=len(data.classes),
        backbone=climb.backbone.card.id,
        probe=probe["accuracy"],
        fine_tuned=trained[-1]["accuracy"],
        deciding=probe["deciding_samples"],
        foreseen=task.figure(climb.evaluation).value,
        run=climb.run.id,
    )
    try:
        remember(past)
    except GraftError as error:  # the run itself is done
        watch.say(f"{error} The history does not have this run.")


def _check(options: FitOptions) -> None:
    problems = []
    if options.effort not in EFFORTS:
        problems.append(f"effort {options.effort!r} is not known. Expected: {', '.join(EFFORTS)}.")
    if not 0 < options.cache_gb < float("inf"):
        problems.append(f"cache_gb is {options.cache_gb}. Expected a size in gigabytes above 0.")
    if options.pretrain_epochs is not None and not 0 < options.pretrain_epochs < float("inf"):
        problems.append(f"epochs is {options.pretrain_epochs}. Expected a number above 0.")
    if options.changes.any and options.effort == "quick":
        problems.append(
            "epochs, batch_size, learning_rate and label_smoothing are of the training of stages, and effort quick "
            "trains none. Take effort good or best."
        )
    try:
        options.changes.on(Plan()).check()
    except RequestError as error:
        problems.append(str(error))
    if options.minutes is not None and not 0 < options.minutes < float("inf"):
        problems.append(f"minutes is {options.minutes}. Expected a number above 0.")
    if problems:
        raise RequestError("\n".join(problems))


def check_memory(dataset: Dataset) -> None:
    """Raise `RequestError` where the scores of so many classes cannot fit into memory."""
    from graft.heads.probe import MOST_FOLDED

    samples = min(MOST_FOLDED, len(dataset.rows("train", "val")))
    needed = 18 * 8 * samples * len(dataset.classes)  # targets, residuals, scores and their temporaries, in bytes
    free = machine.available_memory()
    if free is not None and needed > free:
        raise RequestError(
            f"{len(dataset.classes):,} classes need about {needed / 1e9:.0f} GB of memory to cross-validate, and "
            f"{free / 1e9:.0f} GB are free. Leave small classes out with --min-per-class, or use a larger machine."
        )

"""graft.adapt: one strategy alone, from a backbone and labelled samples to a model, and to a run if asked."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.model import Model
from graft.adaptation.recorded import recorded
from graft.adaptation.strategy import Probe, Scratch, Strategy
from graft.backbones import Backbone
from graft.data import Dataset, LoadOptions, load
from graft.data.in_memory import Data
from graft.data.objects import as_path, beside
from graft.data.refusal import refuse_unserved
from graft.dataset.task import Calibrated
from graft.features import extract, extract_all, suit, suited
from graft.heads.probe import Samples, refit
from graft.progress import SILENT, Watch
from graft.run_folder import RunFolder
from graft.storage import json_bytes
from graft.training.loop import Epoch
from graft.training.place import Place
from graft.verbs.begun import began_with
from graft.verbs.climb import CHECKPOINTS, delivered, evaluate_held_out
from graft.verbs.fit import FitOptions
from graft.verbs.record import Recorder, write_split
from graft.verbs.report import write_report


def adapt(
    backbone: str | Backbone,
    data: Data | Dataset,
    how: Strategy | None = None,
    seed: int = 0,
    watch: Watch = SILENT,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    out: str | Path | None = None,
    place: Place | None = None,
) -> Model:
    """Turn a backbone into a classifier in one way: `Probe`, `Partial`, `Full`, `LoRA`, `Contrastive` or `Scratch`.

    The validation set, or a share of train where there is none, stops the training and calibrates the model; nothing is
    compared with the probe here, which is what `graft.fit` is for. `data` is what `graft.load` takes or gives.
    `on_epoch` gets the loss of each epoch as sum and mean, `place` says where it trains and whether its steps are
    compiled.

    With `out` a run folder is written there as well, as `graft.fit` writes one: `graft evaluate`, `predict`, `export`
    and `audit` take it. An interrupted run goes on where the same call is made again. The model returned is the one in
    `out`/model. Raises `RequestError` for settings out of range, a network that the strategy cannot train, or an `out`
    that is taken.
    """
    if isinstance(data, Dataset):
        dataset = data
    else:
        into = None if out is None else beside(Path(out))
        dataset = load(as_path(data, into, LoadOptions(seed), watch), LoadOptions(seed), watch)
    refuse_unserved(dataset, "adapt")
    opened = suited(backbone, dataset) if isinstance(backbone, str) else suit(backbone, dataset)
    strategy, place = how or Probe(), place or Place.best()
    if out is None:
        context = replace(
            TrainingContext.of(_readable(dataset, opened, strategy, watch), place, seed, watch), told=on_epoch
        )
        return _model(context, strategy, _grown(opened, strategy, context))[0]
    name = backbone if isinstance(backbone, str) else opened.card.id
    run = _begun(Path(out), name, dataset, strategy, seed)
    with _at_work(run):
        watch = Recorder(watch, run)
        context = TrainingContext.of(_readable(dataset, opened, strategy, watch), place, seed, watch)

        def told(epoch: Epoch) -> None:
            run.event("epoch", **asdict(epoch))
            on_epoch(epoch)

        context = replace(context, told=told, checkpoints=run.path / CHECKPOINTS)
        write_split(run, context.dataset)
        result = _grown(opened, strategy, context)
        model, calibrated = _model(context, strategy, result)
        _write(run, model, calibrated, context, result)
    return model


def _readable(dataset: Dataset, backbone: Backbone, strategy: Strategy, watch: Watch) -> Dataset:
    """The data set without what cannot be decoded; training from random weights does not look at it beforehand."""
    if isinstance(strategy, Scratch):
        return dataset
    return dataset.without(extract(dataset, dataset.rows("train", "val"), backbone, watch).unreadable)


def _grown(backbone: Backbone, strategy: Strategy, context: TrainingContext) -> FitResult:
    return strategy.fit(_at_probe(backbone, context) if strategy.from_probe else _at_zero(backbone, context), context)


def _at_probe(backbone: Backbone, context: TrainingContext) -> InitialModel:
    features = extract_all(context.dataset, context.rows, backbone, context.watch, context.cache_gb)
    head = refit(Probe().head, Samples(features[context.train], context.labels[context.train]), context.objective)
    return InitialModel(backbone, head, context.judge(head.scores(features[context.deciding])).temperature)


def _at_zero(backbone: Backbone, context: TrainingContext) -> InitialModel:
    return InitialModel(backbone, context.zero_head(backbone.card.width), 1.0)


def _model(context: TrainingContext, strategy: Strategy, result: FitResult) -> tuple[Model, Calibrated]:
    trunk, head = result.deliver(1.0)
    data, scores = context.dataset, result.scores[1.0]
    temperature = context.judge(scores).temperature
    calibrated = data.task.calibrate(head, temperature, scores, data, context.rows[context.deciding])
    provenance = {
        "graft": version("graft-ml"),
        "dataset": data.fingerprint,
        "seed": context.seed,
        "head": result.name,
        "strategy": recorded(strategy),
        "samples": len(context.train),
        "losses": [asdict(epoch) for epoch in result.trained.epochs],
    }
    return delivered(trunk, calibrated, data, provenance), calibrated


def _begun(path: Path, backbone: str, dataset: Dataset, strategy: Strategy, seed: int) -> RunFolder:
    """A new run, or the one of the same call that was interrupted; raises `RequestError` where the place is taken."""
    asked = {"backbone": backbone, "dataset": dataset.fingerprint, "strategy": {**recorded(strategy), "seed": seed}}
    if (path / "run.json").is_file():
        settings = RunFolder(path).settings
        if settings.get("state") != "finished" and all(settings.get(name) == one for name, one in asked.items()):
            return RunFolder(path)
    options = FitOptions(backbone=backbone, load=dataset.options)
    return RunFolder.create(path, {**began_with(dataset, options), **asked})


@contextmanager
def _at_work(run: RunFolder) -> Iterator[None]:
    """Entered while the run is written, alone; afterwards run.json says how it ended."""
    began = time.perf_counter()
    with run.alone_at_work():
        run.update(state="running")
        try:
            yield
        except BaseException as error:
            run.update(state="stopped" if isinstance(error, KeyboardInterrupt) else f"failed: {type(error).__name__}")
            raise
        run.update(state="finished", seconds=round(time.perf_counter() - began, 2))


def _write(run: RunFolder, model: Model, calibrated: Calibrated, context: TrainingContext, result: FitResult) -> None:
    """The model, what is known of it, and the report."""
    judged = context.judge(result.scores[1.0])
    trained = asdict(result.trained)
    entry = {
        "rung": "alone",
        "name": result.name,
        "kept": True,
        "why": "it is what was asked for",
        **judged.figures,
        "deciding_samples": len(context.deciding),
        **{name: trained[name] for name in ("steps", "planned", "stopped", "epochs", "seconds")},
    }
    evaluation = evaluate_held_out(context, result.scores[1.0], calibrated)
    with run.exclusively():
        figures = {"ladder.json": [entry], "evaluation.json": {evaluation.part: asdict(evaluation)}}
        run.commit({name: json_bytes(content) for name, content in figures.items()}, model.save)
        write_report(run)

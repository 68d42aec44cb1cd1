"""graft.adapt: one strategy alone, from a backbone and labelled samples to a model."""

from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from graft.adaptation.model import Model
from graft.adaptation.probe import Samples, refit
from graft.adaptation.strategy import Probe, Strategy
from graft.adaptation.task import Start, Task
from graft.adaptation.unknown import unknown_threshold
from graft.backbones import Backbone
from graft.data import Dataset, LoadOptions, load
from graft.data.refusal import refuse_special
from graft.features import extract_all, suit, suited
from graft.progress import SILENT, Watch
from graft.ranking.ridge import LinearHead
from graft.ranking.temperature import fit_temperature, softmax
from graft.training.loop import Epoch
from graft.training.place import Place


def adapt(
    backbone: str | Backbone,
    data: str | Path | Dataset,
    how: Strategy | None = None,
    seed: int = 0,
    watch: Watch = SILENT,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    checkpoints: Path | None = None,
    place: Place | None = None,
) -> Model:
    """Turn a backbone into a classifier in one way: `Probe`, `Partial`, `Full`, `LoRA` or `Scratch`.

    The val part, or a share of train where there is none, stops the training and calibrates the model; nothing is
    compared with the probe here, which is what `graft.fit` is for. `on_epoch` gets the loss of each epoch as sum and
    mean, `place` says where it trains and whether its steps are compiled. Raises `RequestError` for settings out of
    range or a network that the strategy cannot train.
    """
    dataset = data if isinstance(data, Dataset) else load(data, LoadOptions(seed), watch)
    refuse_special(dataset, "graft.adapt")
    opened = suited(backbone, dataset) if isinstance(backbone, str) else suit(backbone, dataset)
    strategy = how or Probe()
    task = replace(Task.of(dataset, place or Place.best(), seed, watch), told=on_epoch, checkpoints=checkpoints)
    start = _at_probe(opened, task) if strategy.from_probe else _at_zero(opened, task)
    grown = strategy.grow(start, task)
    trunk, head = grown.deliver(1.0)
    temperature, _ = fit_temperature(grown.scores[1.0], task.labels[task.deciding])
    return Model(
        backbone=trunk,
        classes=dataset.classes,
        weight=np.ascontiguousarray(head.weight.T, np.float32),
        bias=head.bias.astype(np.float32),
        temperature=temperature,
        provenance={
            "graft": version("graft-ml"),
            "dataset": dataset.fingerprint,
            "seed": seed,
            "head": grown.name,
            "samples": len(task.train),
            "losses": [asdict(epoch) for epoch in grown.trained.epochs],
        },
        unknown_threshold=unknown_threshold(softmax(grown.scores[1.0] / temperature)),
    )


def _at_probe(backbone: Backbone, task: Task) -> Start:
    features = extract_all(task.dataset, task.rows, backbone, task.watch, task.cache_gb)
    head = refit(Probe().head, Samples(features[task.train], task.labels[task.train]), task.classes)
    temperature, _ = fit_temperature(head.scores(features[task.deciding]), task.labels[task.deciding])
    return Start(backbone, head, temperature)


def _at_zero(backbone: Backbone, task: Task) -> Start:
    return Start(backbone, LinearHead(np.zeros((backbone.card.width, task.classes)), np.zeros(task.classes)), 1.0)

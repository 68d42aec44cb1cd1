"""A race between a few backbones: each trained a little, and judged on the same pictures."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graft.adaptation.strategy import Partial, Probe
from graft.adaptation.task import Start, Task
from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import RequestError
from graft.features import extract_all
from graft.heads.judgement import Judgement
from graft.heads.probe import Samples, refit
from graft.heads.temperature import fit_temperature
from graft.progress import Watch
from graft.records import Json
from graft.training.place import Place

if TYPE_CHECKING:
    from graft.verbs.rank import RankOptions


def race(
    backbones: Sequence[Backbone], dataset: Dataset, options: "RankOptions", deadline: float | None, watch: Watch
) -> list[Json]:
    """Train the last stages of each and judge them on the samples that decide in a fit; one line for each.

    A network that cannot be cut runs with its probe.
    """
    task = replace(Task.of(dataset, Place.best(), options.load.seed, watch), cache_gb=options.cache_gb)
    labels = task.labels
    entries: list[Json] = []
    for number, backbone in enumerate(backbones):
        began = time.perf_counter()
        features = extract_all(dataset, task.rows, backbone, watch, task.cache_gb)
        head = refit(Probe().head, Samples(features[task.train], labels[task.train]), task.classes)
        scores, trained = head.scores(features[task.deciding]), "the head"
        temperature, _ = fit_temperature(scores, labels[task.deciding])
        ends = None if deadline is None else began + max(1.0, (deadline - began) / (len(backbones) - number))
        try:
            grown = Partial().grow(Start(backbone, head, temperature), replace(task, deadline=ends))
            scores, trained = grown.scores[1.0], grown.name
        except RequestError as error:
            watch.say(f"{error} It runs with its probe.")
        judged = Judgement.of(scores, labels[task.deciding])
        entries.append(
            {
                "backbone": backbone.card.id,
                "trained": trained,
                "accuracy": judged.accuracy,
                "brier": judged.brier,
                "samples": len(task.deciding),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
    return entries

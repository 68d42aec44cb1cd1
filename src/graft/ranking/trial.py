"""A fine-tune trial of a few backbones: each trained a little, and judged on the same samples."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graft.adaptation.context import InitialModel, TrainingContext
from graft.adaptation.strategy import Partial, Probe
from graft.backbones import Backbone
from graft.data import Dataset
from graft.errors import RequestError
from graft.features import extract_all
from graft.heads.probe import Samples, refit
from graft.progress import Watch
from graft.records import Json
from graft.training.place import Place

if TYPE_CHECKING:
    from graft.ranking.ranker import RankOptions


def trial(
    backbones: Sequence[Backbone], dataset: Dataset, options: "RankOptions", deadline: float | None, watch: Watch
) -> list[Json]:
    """Train the last stages of each and judge them on the samples that decide in a fit; one line for each.

    A network that cannot be cut runs with its probe.
    """
    context = replace(TrainingContext.of(dataset, Place.best(), options.load.seed, watch), cache_gb=options.cache_gb)
    labels = context.labels
    entries: list[Json] = []
    for number, backbone in enumerate(backbones):
        began = time.perf_counter()
        features = extract_all(dataset, context.rows, backbone, watch, context.cache_gb)
        head = refit(Probe().head, Samples(features[context.train], labels[context.train]), context.objective)
        scores, trained = head.scores(features[context.deciding]), "the head"
        temperature = context.judge(scores).temperature
        ends = None if deadline is None else began + max(1.0, (deadline - began) / (len(backbones) - number))
        try:
            result = Partial().fit(InitialModel(backbone, head, temperature), replace(context, deadline=ends))
            scores, trained = result.scores[1.0], result.name
        except RequestError as error:
            watch.say(f"{error} It runs with its probe.")
        judged = context.judge(scores)
        entries.append(
            {
                "backbone": backbone.card.id,
                "trained": trained,
                "accuracy": judged.accuracy,
                "brier": judged.brier,
                "samples": len(context.deciding),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
    return entries

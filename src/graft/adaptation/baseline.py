"""Rung 0: what the task needs no network for, so that every later number has a floor to stand on."""

import time

import numpy as np

from graft.adaptation.context import TrainingContext
from graft.backbones import Backbone
from graft.backbones.shallow import SEEN, shallow
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.records import Json


def baseline(backbone: Backbone, context: TrainingContext, chosen: Candidate) -> Json:
    """How good one answer for all is, and a head on what needs no network, on the deciding samples."""
    began = time.perf_counter()
    features = extract_all(context.dataset, context.rows, shallow(backbone), context.watch, context.cache_gb)
    train, deciding = context.train, context.deciding
    head = refit(chosen, Samples(features[train], context.labels[train]), context.objective)
    judged = context.judge(head.scores(features[deciding]))
    blind = np.tile(context.objective.nothing(context.labels[train]), (len(deciding), 1))
    first, floor = next(iter(context.judge(blind).figures.items()))
    return {
        "rung": "0",
        "name": "no network",
        "kept": False,
        "why": f"only a floor for the others: one answer for all, and a head on {SEEN[backbone.card.modality]}",
        first: judged.figures[first],
        f"{first}_of_one_answer": floor,
        "deciding_samples": len(deciding),
        "seconds": round(time.perf_counter() - began, 2),
    }

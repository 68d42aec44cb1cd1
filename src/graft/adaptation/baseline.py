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
    """Accuracy of the majority class, and of a head on what needs no network, on the deciding samples."""
    began = time.perf_counter()
    features = extract_all(context.dataset, context.rows, shallow(backbone), context.watch, context.cache_gb)
    train, deciding = context.train, context.deciding
    head = refit(chosen, Samples(features[train], context.labels[train]), context.classes)
    labels = context.labels[deciding]
    commonest = int(np.bincount(context.labels[train], minlength=context.classes).argmax())
    accuracy = float((head.scores(features[deciding]).argmax(axis=1) == labels).mean())
    return {
        "rung": "0",
        "name": "no network",
        "kept": False,
        "why": f"only a floor for the others: the majority class, and a head on {SEEN[backbone.card.modality]}",
        "accuracy": accuracy,
        "accuracy_commonest_class": float((labels == commonest).mean()),
        "deciding_samples": len(deciding),
        "seconds": round(time.perf_counter() - began, 2),
    }

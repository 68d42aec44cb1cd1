"""Rung 0: what the task needs no network for, so that every later number has a floor to stand on."""

import time

import numpy as np

from graft.adaptation.probe import Candidate, Samples, refit
from graft.adaptation.task import Task
from graft.backbones.pixels import pixels
from graft.features import extract
from graft.records import Json


def baseline(task: Task, chosen: Candidate) -> Json:
    """Accuracy of the commonest class, and of a head on thumbnails of 16 x 16 pixels, on the deciding samples."""
    began = time.perf_counter()
    features = extract(task.dataset, task.rows, pixels(), task.watch, task.cache_gb).matrix
    train, deciding = task.train, task.deciding
    head = refit(chosen, Samples(features[train], task.labels[train]), task.classes)
    labels = task.labels[deciding]
    commonest = int(np.bincount(task.labels[train], minlength=task.classes).argmax())
    thumbnails = float((head.scores(features[deciding]).argmax(axis=1) == labels).mean())
    return {
        "rung": "0",
        "name": "no network",
        "kept": False,
        "why": "only a floor for the others: the commonest class, and a head on 16 x 16 pixels",
        "accuracy": thumbnails,
        "accuracy_commonest_class": float((labels == commonest).mean()),
        "deciding_samples": len(deciding),
        "seconds": round(time.perf_counter() - began, 2),
    }

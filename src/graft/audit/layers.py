"""What training changed inside the network, stage by stage: a description, never a verdict."""

import numpy as np

from graft.audit.cka import debiased_cka
from graft.backbones import Backbone
from graft.data import Dataset
from graft.features import extract_all
from graft.heads.folds import stratified_rank
from graft.progress import Watch
from graft.records import Json

MOST_SAMPLES = 500


def layer_report(before: Backbone, after: Backbone, dataset: Dataset, seed: int, watch: Watch) -> tuple[Json, ...]:
    """For each stage how far its weights moved, and how alike its outputs still are; empty where it cannot be cut.

    Weights move relative to their norm; outputs are pooled over places and compared by debiased CKA on at most 500
    samples of train and val.
    """
    from graft.backbones.taps import tap

    taps = tap(before), tap(after)
    if taps[0] is None or taps[1] is None:
        return ()
    rows = dataset.rows("train", "val")
    strata = dataset.task.objective(dataset.outputs).strata(dataset.targets(rows))
    chosen = np.argsort(stratified_rank(strata, seed), kind="stable")[:MOST_SAMPLES]
    rows = rows[np.sort(chosen)]
    features = [np.asarray(extract_all(dataset, rows, one.backbone, watch), np.float64) for one in taps if one]
    report = []
    stages = zip(before.stages, after.stages, taps[0].names, taps[0].slices, strict=True)
    for old, new, name, part in stages:
        states = old.module.state_dict(), new.module.state_dict()
        pairs = [(states[0][key], states[1][key]) for key in states[0] if states[0][key].ndim > 1]
        moved = sum(float((new_one - old_one).square().sum()) for old_one, new_one in pairs)
        norm = sum(float(old_one.square().sum()) for old_one, _ in pairs)
        report.append(
            {
                "stage": name,
                "weights_moved": float(np.sqrt(moved / norm)) if norm else 0.0,
                "alike": debiased_cka(features[0][:, part], features[1][:, part]),
            }
        )
    return tuple(report)

"""The running statistics of batch normalisation, gathered anew where training gave them too few steps to settle."""

from typing import TYPE_CHECKING

import numpy as np

from graft.adaptation.batches import clean_inputs
from graft.adaptation.context import TrainingContext
from graft.heads.folds import stratified_rank
from graft.records import Preprocess

if TYPE_CHECKING:
    from torch import nn

SAMPLES, BATCH = 256, 64


def gather_statistics(module: "nn.Module", preprocess: Preprocess, context: TrainingContext) -> None:
    """Replace every running mean and variance by the plain average over at most 256 training samples.

    Some networks move theirs by 1% a step (those that come from TensorFlow): after a few hundred steps from random
    weights they still describe the first ones, and the trained network answers as if it had learnt nothing.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [one for one in module.modules() if isinstance(one, _BatchNorm)]
    if not norms or not len(context.train):
        return
    module.eval()
    momenta = [one.momentum for one in norms]
    for one in norms:
        one.reset_running_stats()
        one.momentum = None  # the cumulative average
        one.train()
    ranks = stratified_rank(context.objective.strata(context.labels[context.train]), context.seed)
    rows = context.rows[context.train[np.argsort(ranks, kind="stable")[:SAMPLES]]]
    with torch.no_grad():
        for inputs in clean_inputs(context.dataset, rows, preprocess, BATCH):
            with context.place.precision():
                module(inputs)
    for one, momentum in zip(norms, momenta, strict=True):
        one.momentum = momentum
    module.eval()

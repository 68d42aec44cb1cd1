"""Running statistics are those of the samples, however slowly the network moves them."""

import copy

import numpy as np
import torch
from torch import nn

import graft
from graft.adaptation.batches import clean_inputs
from graft.adaptation.context import TrainingContext
from graft.adaptation.statistics import gather_statistics
from graft.records import ImagePreprocess
from graft.training.place import Place

HALF = (0.5, 0.5, 0.5)
PREPROCESS = ImagePreprocess(32, 32, "bilinear", HALF, HALF)


def test_they_become_the_plain_average_over_training_samples(folder):
    data = graft.load(folder(lemon=10, plum=10))
    context = TrainingContext.of(data, Place.best())
    norm = nn.BatchNorm2d(3, momentum=0.01)
    module = nn.Sequential(norm, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        norm.running_mean.fill_(7)
    gather_statistics(module, PREPROCESS, context)
    (inputs,) = clean_inputs(data, context.rows[context.train], PREPROCESS, 64)
    np.testing.assert_allclose(norm.running_mean.numpy(), inputs.mean(dim=(0, 2, 3)).numpy(), atol=2e-2)
    np.testing.assert_allclose(norm.running_var.numpy(), inputs.var(dim=(0, 2, 3)).numpy(), rtol=2e-2)
    assert norm.momentum == 0.01
    assert not norm.training


def test_a_network_without_such_layers_stays_as_it_is(folder):
    data = graft.load(folder(lemon=6, plum=6))
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    before = copy.deepcopy(module.state_dict())
    gather_statistics(module, PREPROCESS, TrainingContext.of(data, Place.best()))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())

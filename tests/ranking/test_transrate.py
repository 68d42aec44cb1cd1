"""Oracles of science.md, section 6."""

import numpy as np
import pytest
from sklearn import datasets

from graft.heads.basis import Basis
from graft.ranking.transrate import DISTORTION, transrate


def standardised(load):
    features, labels = load(return_X_y=True)
    return (features - features.mean(axis=0)) / features.std(axis=0), labels.astype(np.int32)


@pytest.mark.parametrize(("load", "value"), [(datasets.load_iris, 0.5899), (datasets.load_wine, 2.4600)])
def test_known_values(load, value):
    features, labels = standardised(load)
    assert transrate(Basis.of(features), labels, 3) == pytest.approx(value, abs=5e-5)


def test_classes_that_weigh_alike_give_the_value_of_other_implementations():
    features, labels = standardised(datasets.load_wine)
    rates = []
    for rows in (features, *(features[labels == label] for label in range(3))):
        rates.append(0.5 * np.linalg.slogdet(np.eye(13) + rows.T @ rows / (len(rows) * DISTORTION))[1])
    assert rates[0] - sum(rates[1:]) / 3 == pytest.approx(2.6671, abs=5e-5)
    sizes = np.bincount(labels) / len(labels)
    assert rates[0] - sizes @ rates[1:] == pytest.approx(transrate(Basis.of(features), labels, 3), rel=1e-9)


def test_it_is_never_below_zero():
    rng = np.random.default_rng(0)
    for width in (3, 80):
        labels = rng.integers(4, size=60).astype(np.int32)
        assert transrate(Basis.of(rng.normal(size=(60, width))), labels, 4) >= 0

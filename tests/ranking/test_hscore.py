"""Oracles of science.md, section 6."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.covariance import ledoit_wolf

from graft.heads.basis import Basis
from graft.ranking.hscore import h_score, ledoit_wolf_shrinkage, shrunk_h_score

LOADERS = {"iris": datasets.load_iris, "wine": datasets.load_wine, "digits": datasets.load_digits}


def standardised(name: str):
    features, labels = LOADERS[name](return_X_y=True)
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return features, labels.astype(np.int32)


@pytest.mark.parametrize(("name", "value"), [("iris", 1.1919), ("wine", 1.7058), ("digits", 5.9179)])
def test_the_value_is_pillais_trace(name, value):
    features, labels = standardised(name)
    assert h_score(Basis.of(features), labels, labels.max() + 1) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "value", "shrinkage"), [("iris", 1.1651, 0.0175), ("wine", 1.6632, 0.0482), ("digits", 5.6169, 0.0662)]
)
def test_the_shrunk_value_and_its_shrinkage(name, value, shrinkage):
    features, labels = standardised(name)
    basis, classes = Basis.of(features), labels.max() + 1
    found = ledoit_wolf_shrinkage(basis)
    assert found == pytest.approx(shrinkage, abs=5e-5)
    assert found == pytest.approx(ledoit_wolf(features)[1], rel=1e-9)
    assert h_score(basis, labels, classes, found) == pytest.approx(value, abs=5e-5)
    assert shrunk_h_score(basis, labels, classes) == pytest.approx(value / (classes - 1), abs=5e-5)


def test_an_affine_map_changes_nothing():
    features, labels = standardised("iris")
    rng = np.random.default_rng(0)
    moved = features @ rng.normal(size=(4, 4)) + rng.normal(size=4)
    assert h_score(Basis.of(moved), labels, 3) == pytest.approx(h_score(Basis.of(features), labels, 3), rel=1e-8)


def test_it_is_the_sum_of_squared_canonical_correlations():
    features, labels = standardised("wine")
    targets = np.eye(3)[labels]
    left = [np.linalg.svd(one - one.mean(axis=0), full_matrices=False)[0] for one in (features, targets[:, :2])]
    correlations = np.linalg.svd(left[0].T @ left[1], compute_uv=False)
    assert h_score(Basis.of(features), labels, 3) == pytest.approx((correlations**2).sum(), rel=1e-8)


def test_its_bounds_and_the_trap_of_wide_features():
    rng = np.random.default_rng(0)
    labels = (np.arange(90) % 3).astype(np.int32)
    assert h_score(Basis.of(np.eye(3)[labels]), labels, 3) == pytest.approx(2)  # C - 1
    wide = Basis.of(rng.normal(size=(90, 200)))
    assert h_score(wide, labels, 3) == pytest.approx(2)  # noise, and yet the most there is
    assert shrunk_h_score(wide, labels, 3) < 0.15
    noise = [h_score(Basis.of(rng.normal(size=(900, 30))), np.arange(900, dtype=np.int32) % 3, 3) for _ in range(20)]
    assert np.mean(noise) == pytest.approx(30 * 2 / 899, rel=0.1)  # d (C - 1) / (n - 1)

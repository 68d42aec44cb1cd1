"""Oracles of science.md, section 6."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, ortho_group
from test_hscore import standardised

from graft.heads.basis import Basis
from graft.ranking.logme import log_evidence


@pytest.mark.parametrize(("name", "value"), [("iris", -0.63915), ("wine", -0.53771), ("digits", 0.12443)])
def test_the_published_form_on_standardised_features(name, value):
    features, labels = standardised(name)
    assert log_evidence(Basis.of(features), labels, labels.max() + 1) == pytest.approx(value, abs=5e-6)


def test_it_is_the_greatest_log_density():
    features, labels = standardised("iris")
    features, labels = features[::5], labels[::5]

    def density(logs, target):
        covariance = np.eye(len(target)) / np.exp(logs[1]) + features @ features.T / np.exp(logs[0])
        return -multivariate_normal(np.zeros(len(target)), covariance).logpdf(target) / len(target)

    features = features - features.mean(axis=0)
    wanted = []
    for target in np.eye(3)[labels].T:
        options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}
        wanted.append(-minimize(density, [0, 0], args=(target,), method="Nelder-Mead", options=options).fun)
    assert log_evidence(Basis.of(features), labels, 3) == pytest.approx(np.mean(wanted), abs=1e-9)


def test_scale_and_rotation_change_nothing():
    features, labels = standardised("wine")
    value = log_evidence(Basis.of(features), labels, 3)
    turned = features @ ortho_group.rvs(13, random_state=0)
    assert log_evidence(Basis.of(1000 * features), labels, 3) == pytest.approx(value, abs=1e-9)
    assert log_evidence(Basis.of(turned), labels, 3) == pytest.approx(value, abs=1e-9)

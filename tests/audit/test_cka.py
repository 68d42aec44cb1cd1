"""Oracles of science.md, section 6."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from graft.audit.cka import debiased_cka


def test_the_same_features_are_alike_up_to_rotation_and_scale():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(100, 8)) + 3
    assert debiased_cka(features, features) == pytest.approx(1)
    turned = 7 * features @ ortho_group.rvs(8, random_state=0) + 100
    assert debiased_cka(features, turned) == pytest.approx(1)


def test_independent_features_are_not_alike():
    """The plain estimate is about 0.086 here."""
    rng = np.random.default_rng(1)
    found = [debiased_cka(rng.normal(size=(200, 20)), rng.normal(size=(200, 20))) for _ in range(30)]
    assert np.mean(found) == pytest.approx(0, abs=0.01)


def test_constant_features_are_like_nothing():
    rng = np.random.default_rng(2)
    assert debiased_cka(np.ones((50, 3)), rng.normal(size=(50, 3))) == 0

"""Oracles of science.md, section 6."""

import numpy as np
import pytest

from graft.heads.basis import Basis
from graft.ranking.gbc import gbc


def test_identical_clouds_overlap_wholly():
    cloud = np.random.default_rng(0).normal(size=(50, 5))
    features, labels = np.concatenate([cloud, cloud]), np.repeat([0, 1], 50).astype(np.int32)
    assert gbc(Basis.of(features), labels, 2) == pytest.approx(-2, abs=1e-9)


def test_clouds_far_apart_do_not_touch_and_nearer_ones_a_little():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40).astype(np.int32)
    values = []
    for distance in (0.5, 2.0, 50.0):
        features = rng.normal(size=(120, 4)) + distance * labels[:, None]
        values.append(gbc(Basis.of(features), labels, 3))
    assert -6 <= values[0] < values[1] < values[2] <= 0
    assert values[2] == pytest.approx(0, abs=1e-6)


def test_two_gaussians_along_one_line_have_the_closed_form():
    first, second = np.array([-1.0, 1.0]), np.array([3.0, 9.0])  # means 0 and 6, variances 1 and 9
    features, labels = np.concatenate([first, second])[:, None], np.array([0, 0, 1, 1], np.int32)
    distance = 6**2 / (8 * 5) + 0.5 * np.log(5 / np.sqrt(1 * 9))
    assert gbc(Basis.of(features), labels, 2) == pytest.approx(-2 * np.exp(-distance), rel=1e-3)

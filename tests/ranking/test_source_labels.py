"""Oracles of science.md, section 6."""

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from graft.ranking.source_labels import leep, nce


@pytest.fixture
def answers():
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=300).astype(np.int32)
    probabilities = rng.dirichlet(np.ones(6), size=300) + 0.3 * np.eye(6)[labels]
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels


def test_nce_is_information_minus_entropy(answers):
    probabilities, labels = answers
    source = probabilities.argmax(axis=1)
    expected = mutual_info_score(labels, source) - entropy(np.bincount(labels))
    assert nce(source, labels) == pytest.approx(expected, abs=1e-12)


def test_leep_of_a_certain_head_is_nce(answers):
    probabilities, labels = answers
    source = probabilities.argmax(axis=1)
    assert leep(np.eye(6)[source], labels) == pytest.approx(nce(source, labels), abs=1e-12)


def test_leep_at_its_ends(answers):
    probabilities, labels = answers
    assert leep(np.full((300, 6), 1 / 6), labels) == pytest.approx(-entropy(np.bincount(labels)), abs=1e-12)
    assert leep(np.eye(4)[labels], labels) == pytest.approx(0, abs=1e-12)
    source = probabilities.argmax(axis=1)
    certain = np.log(probabilities[np.arange(300), source]).mean()
    assert leep(probabilities, labels) >= nce(source, labels) + certain

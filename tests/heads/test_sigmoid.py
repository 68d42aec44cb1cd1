"""Several labels for each sample: against scikit-learn, and laws."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from graft.heads.basis import Basis
from graft.heads.logistic import PENALTY_PER_FEATURE
from graft.heads.probe import Samples, fit_probe
from graft.heads.sigmoid import Sigmoid, average_precisions, fit_sigmoid, platt, sigmoid, weighted_average_precision


def data(count=400, width=12, labels=4, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, width)).astype(np.float32)
    scores = features @ rng.normal(size=(width, labels)) + rng.normal(0, 1.5, (count, labels)) - 1
    return features, (scores > 0).astype(np.int8)


def test_each_label_is_the_logistic_regression_of_scikit_learn():
    features, targets = data()
    basis = Basis.of(features)
    head = fit_sigmoid(basis, targets, np.arange(len(features)))
    scaled = (features - basis.mean) / basis.scale
    penalty = PENALTY_PER_FEATURE * features.shape[1]
    for label in range(targets.shape[1]):
        other = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=2000).fit(scaled, targets[:, label])
        expected = other.decision_function(scaled)
        assert np.abs(head.scores(features)[:, label] - expected).max() < 0.02


def test_what_is_not_known_teaches_nothing():
    """A label that is not known in some samples is learnt as if those samples were not there."""
    features, targets = data()
    hidden = targets.copy()
    hidden[200:, 0] = -1
    basis = Basis.of(features)
    head = fit_sigmoid(basis, hidden, np.arange(400))
    alone = fit_sigmoid(basis, targets[:, :1], np.arange(200))
    assert np.allclose(head.weight[:, 0], alone.weight[:, 0], atol=5e-3)


def test_average_precision_is_that_of_scikit_learn_also_where_scores_are_equal():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (60, 3)).astype(float)
    targets = (rng.random((60, 3)) < 0.4).astype(np.int8)
    expected = [average_precision_score(targets[:, label], scores[:, label]) for label in range(3)]
    assert average_precisions(scores, targets) == pytest.approx(expected)
    weights = rng.integers(0, 3, (4, 60)).astype(float)
    found = weighted_average_precision(scores[:, 0], targets[:, 0] == 1, weights)
    expected = [average_precision_score(targets[:, 0], scores[:, 0], sample_weight=one) for one in weights]
    assert found == pytest.approx(expected)


def test_calibration_finds_the_scale_and_shift_that_were_hidden():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (6000, 3))
    scale, shift = np.array([0.5, 1.0, 2.0]), np.array([-1.0, 0.0, 0.7])
    targets = (rng.random(scores.shape) < sigmoid(scores * scale + shift)).astype(np.int8)
    found = platt(scores, targets)
    assert found[0] == pytest.approx(scale, rel=0.1)
    assert found[1] == pytest.approx(shift, abs=0.1)


def test_a_label_of_few_samples_leans_to_what_all_labels_say():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (500, 2))
    targets = (rng.random(scores.shape) < sigmoid(scores)).astype(np.int8)
    targets[3:, 1] = -1  # three samples of it are known, all of them yes
    targets[:3, 1] = 1
    scale, shift = platt(scores, targets)
    assert abs(scale[1] - scale[0]) < 0.3
    assert abs(shift[1]) < 2


def test_the_probe_is_chosen_and_judged_per_sample():
    features, targets = data()
    probe = fit_probe(Samples(features, targets), np.ones(400, bool), False, Sigmoid(4), 0)
    assert probe.figures["mean_average_precision"] > 0.8
    assert set(probe.figures) == {"mean_average_precision", "log_loss"}
    judged = Sigmoid(4).judge(probe.held_out_scores, targets[probe.held_out_rows])
    assert judged.squares.shape == judged.right.shape == (len(probe.held_out_rows),)
    assert 0 <= judged.right.min() <= judged.right.max() <= 1
    blind = Sigmoid(4).judge(np.tile(Sigmoid(4).nothing(targets), (400, 1)), targets)
    assert blind.log_loss > judged.log_loss

"""Numbers: against scikit-learn, and laws."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from graft.heads.basis import Basis
from graft.heads.numbers import Numbers, explained, fit_huber, rank_correlation
from graft.heads.probe import Samples, fit_probe


def data(count=300, width=10, outputs=2, noise=0.3):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, width)).astype(np.float32)
    targets = features @ rng.normal(size=(width, outputs)) / np.sqrt(width) + rng.normal(0, noise, (count, outputs))
    return features, targets


def test_ridge_is_that_of_scikit_learn():
    features, targets = data()
    basis = Basis.of(features)
    head = Numbers(2).ridge(basis, targets, 7.0)
    expected = Ridge(alpha=7.0).fit((features - basis.mean) / basis.scale, targets)
    assert head.scores(features) == pytest.approx(expected.predict((features - basis.mean) / basis.scale), abs=1e-6)


def test_the_robust_head_shrugs_at_a_slip_of_the_pen():
    features, targets = data(outputs=1)
    wrong = targets.copy()
    wrong[:9] += 60  # 3% of the labels
    basis = Basis.of(features)
    rows = np.arange(300)
    robust = fit_huber(basis, wrong, rows).scores(features)
    squares = Numbers(1).ridge(basis, wrong, 1.0).scores(features)
    assert np.abs(robust - targets)[9:].mean() < 0.3
    assert np.abs(squares - targets)[9:].mean() > 3 * np.abs(robust - targets)[9:].mean()


def test_without_slips_both_agree():
    features, targets = data(outputs=1)
    basis = Basis.of(features)
    robust = fit_huber(basis, targets, np.arange(300)).scores(features)
    assert (
        explained(robust, targets) > explained(Numbers(1).ridge(basis, targets, 0.3).scores(features), targets) - 0.02
    )


def test_figures_are_those_of_scipy_and_scikit_learn():
    features, targets = data()
    scores = targets + np.random.default_rng(1).normal(0, 0.5, targets.shape)
    assert explained(scores, targets) == pytest.approx(r2_score(targets, scores))
    expected = np.mean([spearmanr(scores[:, one], targets[:, one]).statistic for one in range(2)])
    assert rank_correlation(scores, targets) == pytest.approx(expected)


def test_what_is_not_known_counts_nowhere():
    _, targets = data()
    scores = targets + 0.1
    hidden = targets.copy()
    hidden[:50, 0] = np.nan
    judged = Numbers(2).judge(scores, hidden)
    assert judged.squares == pytest.approx(np.full(300, 0.01))
    assert judged.temperature == 1


def test_strata_are_quantiles():
    strata = Numbers(1).strata(np.random.default_rng(0).normal(size=(200, 1)))
    assert np.bincount(strata).tolist() == [20] * 10


def test_the_probe_takes_the_robust_head_where_labels_slip():
    features, targets = data(outputs=1, noise=0.05)
    assert fit_probe(Samples(features, targets), np.ones(300, bool), False, Numbers(1), 0).figures["r2"] > 0.9

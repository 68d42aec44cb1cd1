import numpy as np
from sklearn.metrics import log_loss as reference

from graft.heads.temperature import fit_temperature, log_loss, softmax


def test_log_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(50, 4)) * 3, rng.integers(0, 4, 50).astype(np.int32)
    assert abs(log_loss(scores, labels, 2.0) - reference(labels, softmax(scores / 2), labels=range(4))) < 1e-12


def test_the_temperature_that_made_the_labels_is_found():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 5)) * 2
    draws = softmax(scores / 1.7).cumsum(axis=1)
    labels = (rng.random((20_000, 1)) > draws).sum(axis=1).astype(np.int32)
    temperature, _ = fit_temperature(scores, labels)
    assert abs(temperature - 1.7) < 0.06


def test_large_scores_do_not_overflow():
    assert np.isfinite(softmax(np.array([[1e4, -1e4]]))).all()


def test_a_few_samples_that_are_all_right_do_not_make_it_certain():
    labels = (np.arange(10) % 2).astype(np.int32)
    scores = np.where(np.eye(2)[labels] > 0, 0.51, 0.49)
    temperature, _ = fit_temperature(scores, labels)
    assert softmax(scores / temperature).max() < 0.95

import numpy as np
import pytest

from graft.heads.folds import make_folds
from graft.ranking.evidence import gather_evidence


def task(samples: int, classes: int, seed: int):
    rng = np.random.default_rng(seed)
    labels = (np.arange(samples) % classes).astype(np.int32)
    return rng, labels, make_folds(labels, None, seed)


def informative(rng, labels, width: int, signal: float):
    centres = rng.normal(size=(labels.max() + 1, 5))
    features = rng.normal(size=(len(labels), width))
    features[:, :5] += signal * centres[labels]
    return features


def test_every_score_rises_with_what_the_features_say():
    rng, labels, folds = task(300, 3, 0)
    weak, strong = (gather_evidence(informative(rng, labels, 20, signal), labels, 3, folds) for signal in (0.2, 2.0))
    assert strong.accuracy > weak.accuracy + 0.2
    assert strong.log_loss < weak.log_loss
    assert strong.knn > weak.knn
    assert strong.h_score > weak.h_score
    assert strong.log_evidence > weak.log_evidence


def test_the_trap_of_dimensions_is_not_fallen_into():
    """Wide noise with less signal looks better to in-sample scores (science, section "what was learnt first", 3)."""
    for seed in range(12):
        rng, labels, folds = task(120, 4, seed)
        narrow = gather_evidence(informative(rng, labels, 16, 1.0), labels, 4, folds)
        wide = gather_evidence(informative(rng, labels, 400, 0.5), labels, 4, folds)
        assert narrow.accuracy > wide.accuracy
        assert narrow.log_evidence > wide.log_evidence


def test_permuted_labels_are_at_chance():
    accuracies = []
    for seed in range(10):
        rng, labels, _ = task(300, 3, seed)
        features, permuted = informative(rng, labels, 20, 2.0), rng.permutation(labels)
        accuracies.append(gather_evidence(features, permuted, 3, make_folds(permuted, None, seed)).accuracy)
    assert np.mean(accuracies) == pytest.approx(1 / 3, abs=0.03)


def test_features_that_are_constant_are_told_and_those_that_are_not_finite_refused():
    _, labels, folds = task(60, 3, 0)
    found = gather_evidence(np.ones((60, 8)), labels, 3, folds)
    assert found.constant
    assert found.log_evidence is None
    features = np.ones((60, 8))
    features[3, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        gather_evidence(features, labels, 3, folds)


def test_a_class_with_fewer_samples_than_folds():
    rng = np.random.default_rng(0)
    labels = np.array([0] * 30 + [1] * 30 + [2] * 3 + [3], np.int32)
    folds = make_folds(labels, None, 0)
    found = gather_evidence(rng.normal(size=(64, 10)), labels, 4, folds)
    assert len(found.right) == 63  # the class with one sample is only trained on

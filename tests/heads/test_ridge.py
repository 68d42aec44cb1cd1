import numpy as np
import pytest
from sklearn.linear_model import Ridge

from graft.heads.basis import CHUNK, Basis
from graft.heads.folds import make_folds
from graft.heads.ridge import cross_validate, fit_ridge, one_hot


def samples(count: int, width: int, classes: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % classes
    features = rng.normal(size=(count, width)) + 0.7 * rng.normal(size=(classes, width))[labels] + 3
    return features, labels


@pytest.mark.parametrize(("count", "width"), [(60, 20), (40, 90), (CHUNK + 50, 12)], ids=["tall", "wide", "chunked"])
def test_the_head_is_that_of_scikit_learn(count, width):
    features, labels = samples(count, width)
    basis = Basis.of(features)
    head = fit_ridge(basis, labels, 3, penalty=5.0)
    scaled = (features - features.mean(axis=0)) / basis.scale
    expected = Ridge(alpha=5.0).fit(scaled, one_hot(labels, 3)).predict(scaled)
    assert np.abs(head.scores(features) - expected).max() < 1e-9


@pytest.mark.parametrize(
    ("count", "width"), [(60, 20), (40, 90), (200, 9)], ids=["tall", "wide", "folds larger than the width"]
)
@pytest.mark.parametrize("penalty", [0.1, 30.0])
def test_cross_validation_equals_refitting_without_each_fold(count, width, penalty):
    """Science: equal to 1e-10. Centre and scale are those of all samples in both, as the block formula has them."""
    features, labels = samples(count, width)
    basis, targets = Basis.of(features), one_hot(labels, 3)
    folds = make_folds(labels, None, seed=0)
    expected = np.zeros_like(targets)
    scaled = (features - features.mean(axis=0)) / basis.scale
    for repeat in folds:
        for fold in range(repeat.max() + 1):
            out = repeat == fold
            refitted = Ridge(alpha=penalty, solver="svd").fit(scaled[~out], targets[~out])
            expected[out] += refitted.predict(scaled[out]) / len(folds)
    assert np.abs(cross_validate(basis, targets, [penalty], folds)[0].mean(axis=0) - expected).max() < 1e-10


def test_leaving_one_out_is_the_residual_over_one_minus_the_leverage():
    features, labels = samples(30, 8)
    basis, targets = Basis.of(features), one_hot(labels, 3)
    folds = np.arange(30, dtype=np.int32)[None]
    left, shrink = basis.left, basis.squares / (basis.squares + 2.0)
    hat = (left * shrink) @ left.T + 1 / 30
    residuals = targets - hat @ targets
    expected = targets - residuals / (1 - np.diag(hat))[:, None]
    assert np.abs(cross_validate(basis, targets, [2.0], folds)[0, 0] - expected).max() < 1e-12


def test_samples_in_no_fold_have_no_score():
    features, labels = samples(30, 8)
    folds = make_folds(labels, None, 0)
    folds[:, 4] = -1
    scores = cross_validate(Basis.of(features), one_hot(labels, 3), [1.0], folds)[0].mean(axis=0)
    assert np.isnan(scores[4]).all()
    assert not np.isnan(scores[:4]).any()


def test_a_fold_without_samples_is_passed_over():
    features, labels = samples(30, 8)
    basis, targets = Basis.of(features), one_hot(labels, 3)
    folds = make_folds(labels, None, 0)
    gap = np.where(folds > 0, folds + 2, folds)
    assert np.array_equal(cross_validate(basis, targets, [1.0], gap), cross_validate(basis, targets, [1.0], folds))


def test_permuted_labels_are_at_chance():
    features, labels = samples(400, 30, classes=4)
    permuted = np.random.default_rng(1).permutation(labels)
    basis = Basis.of(features)
    folds = make_folds(permuted, None, 0)
    scores = cross_validate(basis, one_hot(permuted, 4), [0.1 * basis.squares.mean()], folds)[0].mean(axis=0)
    assert abs((scores.argmax(axis=1) == permuted).mean() - 0.25) < 0.08


def test_constant_features_give_finite_scores():
    labels = np.arange(20, dtype=np.int32) % 2
    head = fit_ridge(Basis.of(np.ones((20, 5))), labels, 2, 1.0)
    assert np.isfinite(head.scores(np.ones((3, 5)))).all()


class TestFolds:
    def test_each_fold_takes_the_same_number_of_each_class(self):
        labels = np.repeat(np.arange(3, dtype=np.int32), 20)
        for repeat in make_folds(labels, None, 0):
            for fold in range(10):
                assert np.bincount(labels[repeat == fold]).tolist() == [2, 2, 2]

    def test_as_many_folds_as_the_smallest_class_has_samples(self):
        labels = np.array([0] * 30 + [1] * 4, np.int32)
        assert make_folds(labels, None, 0).max() == 3

    def test_a_class_of_one_only_trains(self):
        labels = np.array([0] * 10 + [1] * 10 + [2], np.int32)
        folds = make_folds(labels, None, 0)
        assert (folds[:, -1] == -1).all()
        assert (folds[:, :-1] >= 0).all()

    def test_groups_are_never_divided(self):
        labels = np.tile(np.array([0, 1], np.int32), 50)
        groups = np.arange(100) // 10
        for repeat in make_folds(labels, groups, 0):
            assert all(len(set(repeat[groups == group])) == 1 for group in range(10))

    @pytest.mark.parametrize(("count", "repeats"), [(100, 3), (1000, 2), (3000, 1)])
    def test_repeats_by_the_number_of_samples(self, count, repeats):
        assert len(make_folds(np.arange(count, dtype=np.int32) % 4, None, 0)) == repeats

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from graft.errors import RequestError
from graft.heads.basis import Basis
from graft.heads.logistic import PENALTY_PER_FEATURE, fit_logistic
from graft.heads.objective import Softmax
from graft.heads.probe import Samples, _stratified_subset, fit_probe
from graft.heads.temperature import log_loss


def samples(count: int, classes: int = 4, width: int = 24, shift: float = 0.0, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, width))
    labels = np.arange(count, dtype=np.int32) % classes
    return Samples(rng.normal(size=(count, width)) * 1.5 + centres[labels] + shift, labels)


def test_logistic_regression_reaches_the_optimum_of_scikit_learn():
    data = samples(200)
    basis = Basis.of(data.features)
    head = fit_logistic(basis, data.labels, 4, np.arange(200))
    scaled = (data.features - basis.mean) / basis.scale
    reference = LogisticRegression(C=1 / (PENALTY_PER_FEATURE * 24), tol=1e-8, max_iter=5000).fit(scaled, data.labels)
    ours, theirs = head.scores(data.features), reference.decision_function(scaled)
    assert abs(log_loss(ours, data.labels) - log_loss(theirs, data.labels)) < 1e-3
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.99


def parts(train: Samples, val: Samples | None = None) -> tuple[Samples, np.ndarray]:
    """Train and val one after the other, and the mask that tells them apart."""
    if val is None:
        return train, np.ones(len(train), bool)
    both = Samples(np.concatenate([train.features, val.features]), np.concatenate([train.labels, val.labels]))
    return both, np.arange(len(both)) < len(train)


def test_a_given_val_part_chooses_if_it_is_large_enough():
    train, val = samples(200), samples(60, seed=1)
    assert fit_probe(*parts(train, val), val_was_given=True, objective=Softmax(4), seed=0).chosen_on == "val"
    assert (
        fit_probe(*parts(train, val), val_was_given=False, objective=Softmax(4), seed=0).chosen_on == "cross-validation"
    )
    small = samples(20, seed=1)
    assert (
        fit_probe(*parts(train, small), val_was_given=True, objective=Softmax(4), seed=0).chosen_on
        == "cross-validation"
    )


def test_very_many_classes_are_chosen_on_val(monkeypatch):
    """Where cross-validation can take only so many samples that no class has two, val must serve."""
    monkeypatch.setattr("graft.heads.probe.MOST_FOLDED", 100)
    train, val = samples(180, classes=60, width=100), samples(60, classes=60, width=100, seed=1)
    assert fit_probe(*parts(train, val), val_was_given=False, objective=Softmax(60), seed=0).chosen_on == "val"


def test_the_chosen_head_has_the_least_log_loss_of_all_that_were_tried():
    probe = fit_probe(*parts(samples(200), samples(100, seed=1)), True, Softmax(4), 0)
    assert probe.chosen.log_loss == min(candidate.log_loss for candidate in probe.candidates)
    assert {candidate.kind for candidate in probe.candidates} == {"ridge", "logistic"}


def test_held_out_scores_come_from_heads_that_never_saw_the_sample():
    """With labels of no meaning a head that had seen them would do better than chance."""
    data = samples(300)
    permuted = Samples(data.features, np.random.default_rng(0).permutation(data.labels))
    probe = fit_probe(*parts(permuted), False, Softmax(4), 0)
    right = probe.held_out_scores.argmax(axis=1) == permuted.labels[probe.held_out_rows]
    assert abs(right.mean() - 0.25) < 0.1


def test_held_out_rows_name_the_samples_of_the_val_part():
    train, val = samples(200), samples(60, seed=1)
    probe = fit_probe(*parts(train, val), True, Softmax(4), 0)
    assert probe.held_out_rows.tolist() == list(range(200, 260))


def test_logistic_regression_from_nearby_takes_fewer_steps_to_the_same_head(monkeypatch):
    data = samples(200)
    basis, rows = Basis.of(data.features), np.arange(200)
    from_zero = fit_logistic(basis, data.labels, 4, rows)
    most = fit_logistic(basis, data.labels, 4, rows[:-20])
    assert np.abs(fit_logistic(basis, data.labels, 4, rows, most).weight - from_zero.weight).max() < 1e-2
    monkeypatch.setattr("graft.heads.logistic.STEPS", 4)
    short, near = (fit_logistic(basis, data.labels, 4, rows, one) for one in (None, most))
    assert np.abs(near.weight - from_zero.weight).max() < 0.3 * np.abs(short.weight - from_zero.weight).max()


def test_the_final_head_knows_train_and_val():
    """A class shifted in val is learnt from val, which only the refit has seen."""
    both, in_train = parts(samples(200), samples(200, shift=4.0, seed=1))
    probe = fit_probe(both, in_train, True, Softmax(4), 0)
    after = (probe.head.scores(both.features[200:]).argmax(axis=1) == both.labels[200:]).mean()
    assert after > probe.chosen.accuracy


def test_nothing_to_hold_out_is_refused():
    with pytest.raises(RequestError, match="Nothing can be held out"):
        fit_probe(*parts(samples(4)), False, Softmax(4), 0)


def test_one_group_for_all_is_refused():
    data = samples(40)
    grouped = Samples(data.features, data.labels, np.zeros(40, np.intp))
    with pytest.raises(RequestError, match="Nothing can be held out"):
        fit_probe(grouped, np.ones(40, bool), False, Softmax(4), 0)


def test_the_same_seed_gives_the_same_bits():
    first, second = (fit_probe(*parts(samples(120)), False, Softmax(4), 3) for _ in range(2))
    assert np.array_equal(first.head.weight, second.head.weight)
    assert first.temperature == second.temperature


def test_a_subset_keeps_the_classes_in_proportion():
    labels = np.array([0] * 800 + [1] * 200, np.int32)
    rows = _stratified_subset(labels, 100, 0)
    assert np.bincount(labels[rows]).tolist() == [80, 20]
    assert (np.diff(rows) > 0).all()

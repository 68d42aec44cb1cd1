"""Iterative stratification: every share gets its part of every label, groups whole."""

import numpy as np

from graft.heads.iterative_folds import deal, in_units, iterative_folds


def labels(count=300):
    rng = np.random.default_rng(0)
    return rng.random((count, 6)) < np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.02])


def test_every_share_gets_its_part_of_every_label():
    own = labels().astype(float)
    shares = np.array([0.7, 0.1, 0.2])
    dealt = deal(own, shares, np.ones(300, np.intp))
    for share, part in enumerate(shares):
        wanted = part * own.sum(axis=0)
        assert (np.abs(own[dealt == share].sum(axis=0) - wanted) <= 1.5).all()
        assert abs((dealt == share).sum() - part * 300) < 8


def test_rare_labels_are_spread_better_than_by_chance():
    own = labels()
    folds = iterative_folds(own, None, 0)[0]
    rare = own[:, 4].sum()
    counts = [own[folds == fold, 4].sum() for fold in range(10)]
    assert max(counts) <= -(-rare // 10) + 1


def test_groups_stay_whole():
    groups = np.arange(300) // 7
    folds = iterative_folds(labels(), groups, 0)
    assert all(len(set(one[groups == group])) == 1 for one in folds for group in np.unique(groups))
    assert (iterative_folds(labels(), np.zeros(300, int), 0) == -1).all()


def test_units_count_the_labels_of_their_samples():
    summed, sizes, unit = in_units(labels().astype(float), np.arange(300) % 4)
    assert sizes.tolist() == [75] * 4
    assert np.array_equal(summed.sum(axis=0), labels().sum(axis=0))
    assert unit.max() == 3

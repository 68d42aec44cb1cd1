import numpy as np

from graft.ranking.duplicates import CHUNK, merge_near_duplicates


def test_near_duplicates_share_a_group_and_others_do_not():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(CHUNK + 200, 32))
    features[CHUNK + 100] = features[3] + 0.01 * rng.normal(size=32)
    features[7] = features[3] + 0.01 * rng.normal(size=32)
    numbers = merge_near_duplicates(features, None)
    assert numbers[3] == numbers[7] == numbers[CHUNK + 100]
    assert len(set(numbers)) == len(features) - 2


def test_given_groups_stay_together_and_join_through_a_duplicate():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(6, 32))
    features[4] = features[0] + 0.001
    numbers = merge_near_duplicates(features, np.array([9, 9, 5, 5, 7, 7]))
    assert numbers[0] == numbers[1] == numbers[4] == numbers[5]
    assert numbers[2] == numbers[3] != numbers[0]


def test_nothing_that_belongs_together():
    assert merge_near_duplicates(np.random.default_rng(2).normal(size=(50, 32)), None) is None


def test_what_a_whole_class_looks_like_is_no_copy():
    rng = np.random.default_rng(3)
    centres = 10 * rng.normal(size=(3, 32))
    features = np.repeat(centres, 20, axis=0) + 0.1 * rng.normal(size=(60, 32))
    assert merge_near_duplicates(features, None) is None

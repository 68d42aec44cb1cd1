"""Oracles of science.md, sections 4 and 6."""

import numpy as np
import pytest

from graft.audit import compare as comparing
from graft.audit.compare import compare, holm, mid_p, resampled_t, verdict_of


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.001, 0.02, "POSITIVE"),
        (-0.03, -0.001, "NEGATIVE"),
        (-0.009, 0.009, "EQUIVALENT"),
        (-0.005, 0.03, "NOT HARMFUL"),
        (-0.02, 0.03, "INCONCLUSIVE"),
    ],
)
def test_what_an_interval_allows_to_say(low, high, wanted):
    assert verdict_of(low, high) == wanted


def test_mid_p():
    assert mid_p(4, 4) == 1
    assert mid_p(0, 5) == mid_p(5, 0) == pytest.approx(0.03125)


def test_holm():
    adjusted = holm([0.01, None, 0.04, 0.03])
    assert adjusted[1] is None
    assert [adjusted[0], adjusted[2], adjusted[3]] == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def answers(rng, accuracy, samples, seeds=1):
    return rng.random((seeds, samples)) < accuracy


def test_a_difference_that_is_there_is_found_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    labels = (np.arange(1000) % 5).astype(np.int32)
    found = compare(answers(rng, 0.9, 1000, 3), answers(rng, 0.7, 1000, 3), labels)
    assert found.finding == "POSITIVE"
    assert found.low < 0.2 < found.high
    assert found.p < 1e-6


def test_an_unclear_one_names_the_samples_that_would_settle_it():
    rng = np.random.default_rng(1)
    labels = (np.arange(100) % 5).astype(np.int32)
    found = compare(answers(rng, 0.8, 100), answers(rng, 0.8, 100), labels)
    assert found.finding == "INCONCLUSIVE"
    assert found.needed > 100


def test_too_few_samples_get_no_verdict_and_too_few_pairs_no_probability():
    labels = np.zeros(40, np.int32)
    few = compare(np.ones((1, 40), bool), np.zeros((1, 40), bool), labels)
    assert (few.finding, few.p) == (None, None)
    same = np.ones((1, 100), bool)
    alike = compare(same, same, np.zeros(100, np.int32))
    assert (alike.finding, alike.p, alike.difference) == ("EQUIVALENT", None, 0.0)


def test_groups_widen_the_interval():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(25), 20)
    first, second = (np.repeat(rng.random((1, 25)) < share, 20, axis=1) for share in (0.8, 0.6))
    labels = np.zeros(500, np.int32)
    alone, grouped = compare(first, second, labels), compare(first, second, labels, groups)
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    ("samples", "accuracy", "shared"), [(300, 0.8, 0.6), (100, 0.8, 0.6), (1000, 0.9, 0.8), (60, 0.7, 0.5)]
)
def test_the_verdict_errs_no_more_often_than_it_may(monkeypatch, samples, accuracy, shared):
    """Type-I error: arms of equal accuracy are told apart in at most 6% of the cases (4.5 to 5.5% were measured)."""
    monkeypatch.setattr(comparing, "DRAWS", 1000)
    rng = np.random.default_rng(7)
    labels = (np.arange(samples) % 3).astype(np.int32)
    wrong = []
    for seed in range(1500):
        common = rng.random(samples)
        drawn = [np.where(rng.random(samples) < shared, common, rng.random(samples)) < accuracy for _ in range(2)]
        wrong.append(compare(drawn[0][None], drawn[1][None], labels, seed=seed).finding in {"POSITIVE", "NEGATIVE"})
    assert np.mean(wrong) <= 0.06


def test_repeated_splits_share_their_samples():
    """Nadeau-Bengio holds about 95% where the plain interval of the mean would hold far less."""
    rng = np.random.default_rng(4)
    inside, naive = [], []
    for _ in range(600):
        shared = rng.normal(0, 1)  # what all splits have in common
        differences = 0.5 * shared + rng.normal(0, 1, size=10)
        mean, low, high = resampled_t(differences, 1 / 4)
        inside.append(low <= 0 <= high)
        half = 2.26 * differences.std(ddof=1) / np.sqrt(10)
        naive.append(abs(mean) <= half)
    assert np.mean(inside) > 0.9 > np.mean(naive)


def test_three_groups_say_less_than_their_percentiles_seem_to():
    """Student's t of two degrees of freedom, 4.303, for 1.960, and the root of 3/2 for the means of three."""
    rng = np.random.default_rng(5)
    first, second = rng.random((1, 90)) < 0.8, rng.random((1, 90)) < 0.7
    labels, groups = np.zeros(90, np.int32), np.arange(90) // 30
    told = compare(first, second, labels, groups)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(comparing, "widening", lambda units: 1.0)
        percentiles = compare(first, second, labels, groups)
    wider = 4.303 / 1.960 * np.sqrt(3 / 2)
    assert told.high - told.difference == pytest.approx(wider * (percentiles.high - told.difference), rel=1e-3)
    assert told.low >= -1

from dataclasses import replace

import numpy as np
import pytest

from graft.ranking.choice import choose
from graft.ranking.evidence import Evidence
from graft.ranking.expectation import Expectation, Outlook, Spread, expect
from graft.ranking.rank_estimate import estimate_ranks, needed_samples, order


def outlook(offsets, deviation=0.15, own=0.1, shared=0.0, fall=0.0, gain=0.0) -> Outlook:
    """The same knowledge of each candidate but for its offset."""
    told = [Expectation(offset, Spread(deviation), gain, Spread(own, shared)) for offset in offsets]
    return Outlook(tuple(told), fall_spread=fall)


def unknown(candidates: int) -> Outlook:
    """Nothing is known of any candidate."""
    return outlook([0.0] * candidates, deviation=0.7, own=0.5)


def evidence(right: np.ndarray) -> Evidence:
    return Evidence(
        right.astype(float), np.array([right.mean()]), 0.5, 1.0, 1.0, None, None, None, None, 0.0, 0.0, False
    )


def drawn(rng, accuracies, samples=400, shared=0.7):
    """Candidates that are right on much the same samples."""
    common = rng.random(samples)
    own = rng.random((len(accuracies), samples))
    mixed = np.where(rng.random(samples) < shared, common, own)
    return [evidence(row < accuracy) for row, accuracy in zip(mixed, accuracies, strict=True)]


def test_identical_candidates_cannot_be_told_apart():
    """Oracle: in at least 90% of the seeds all of four equals stay in the set, whatever the leader."""
    rng = np.random.default_rng(0)
    for known in (unknown(4), outlook([0.0] * 4)):
        kept = [all(one.level for one in estimate_ranks(drawn(rng, [0.8] * 4), known, None, 0)) for _ in range(200)]
        assert np.mean(kept) >= 0.9


def test_the_best_stays_in_the_set_and_the_worst_does_not():
    rng = np.random.default_rng(1)
    stood = [estimate_ranks(drawn(rng, [0.9, 0.89, 0.4]), unknown(3), None, 0) for _ in range(100)]
    assert np.mean([one[0].level for one in stood]) >= 0.9
    assert not any(one[2].level for one in stood)
    assert np.mean([one[0].best for one in stood]) > np.mean([one[1].best for one in stood])
    assert all(sum(one.best for one in estimates) == pytest.approx(1) for estimates in stood)


def test_what_is_known_before_helps_where_samples_are_few_and_fades_where_they_are_many():
    """Science, R4: less regret than the probe or the prior alone at n = 50."""
    rng = np.random.default_rng(2)
    regret = {"probe": [], "prior": [], "both": []}
    for _ in range(300):
        away = 0.19 * rng.standard_normal(10)  # in logits; 3 points at 80%
        truth = 1 / (1 + np.exp(-1.386 - away))
        prior = 0.6 * (0.6 * away + 0.8 * 0.19 * rng.standard_normal(10))
        pool = drawn(rng, truth, samples=50)
        stood = estimate_ranks(pool, outlook(prior), None, 0)
        chosen = {
            "probe": np.argmax([one.accuracy for one in pool]),
            "prior": prior.argmax(),
            "both": np.argmax([one.posterior for one in stood]),
        }
        for name, number in chosen.items():
            regret[name].append(truth.max() - truth[number])
    assert np.mean(regret["both"]) < min(np.mean(regret["probe"]), np.mean(regret["prior"]))
    few, many = (
        estimate_ranks(drawn(rng, [0.8, 0.83], samples), outlook([0.1, 0.0]), None, 0) for samples in (50, 20_000)
    )
    assert many[1].posterior > many[0].posterior
    assert many[0].prior_weight < 0.6 * few[0].prior_weight


def test_one_candidate_is_what_the_normal_theory_says():
    """Oracle: the posterior of two candidates in closed form, each judged by so many tosses of a coin."""
    right = np.arange(400) < 300
    pool = [evidence(right), evidence(right[::-1])]
    known = outlook([0.2, -0.2], deviation=0.3, own=0.4)
    found = estimate_ranks(pool, known, None, 0)
    middle = np.log(300.5 / 100.5)
    noise = 401**2 / (300.5 * 100.5) / 400  # the variance of each logit
    correlation = np.corrcoef(pool[0].right, pool[1].right)[0, 1]
    apart = 2 * noise * (1 - correlation) + 2 * 0.4**2  # of the measured difference
    half = 0.2 * apart / (apart + 2 * 0.3**2)  # 0 was measured, 0.4 expected
    assert found[0].fine_tuned.value == pytest.approx(1 / (1 + np.exp(-middle - half)), abs=1e-3)
    assert found[1].fine_tuned.value == pytest.approx(1 / (1 + np.exp(-middle + half)), abs=1e-3)


def test_a_gain_that_networks_share_does_not_part_them():
    """Two networks of one kind are as good as their probes say, however unsure it is what training adds to both."""
    rng = np.random.default_rng(3)
    pool = drawn(rng, [0.9, 0.8], samples=2000)
    alike, each = (outlook([0.0] * 2, 0.7, own, shared) for own, shared in ((0.05, 1.0), (1.0, 0.0)))
    assert [one.level for one in estimate_ranks(pool, alike, None, 0)] == [True, False]
    assert [one.level for one in estimate_ranks(pool, each, None, 0)] == [True, True]


def test_samples_of_one_group_count_as_one():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(20), 20)
    pool = [evidence(np.repeat(rng.random(20) < share, 20)) for share in (0.8, 0.7)]
    alone, grouped = (estimate_ranks(pool, outlook([0.0] * 2), numbers, 0)[0].frozen for numbers in (None, groups))
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


@pytest.mark.parametrize(("fall", "covered"), [(0.0, (0.87, 0.95)), (0.7, (0.87, 1.0))])
def test_the_interval_of_an_accuracy_covers_it(fall, covered):
    """Of tosses of a coin at 85%; samples that may have fallen by 0.7 logits are covered all the more."""
    rng = np.random.default_rng(4)
    inside, known = [], outlook([0.0], fall=fall)
    for _ in range(400):
        found = estimate_ranks([evidence(rng.permutation(np.arange(100) < rng.binomial(100, 0.85)))], known, None, 0)[
            0
        ].frozen
        inside.append(found.low <= 0.85 <= found.high)
    assert covered[0] <= np.mean(inside) <= covered[1]


def test_an_assumed_fall_widens_downwards_only_and_one_that_was_learnt_moves():
    pool = [evidence(np.arange(100) < 80)]
    none, assumed = (estimate_ranks(pool, outlook([0.0], fall=fall), None, 0)[0].frozen for fall in (0.0, 0.7))
    assert assumed.high == none.high
    assert assumed.low < none.low - 0.05
    told = replace(outlook([0.0]).candidates[0], fall=0.5)
    learnt = estimate_ranks(pool, Outlook((told,), 0.2, 30, 0, 30), None, 0)[0]
    assert learnt.frozen.value == 0.8
    assert learnt.frozen.low < none.low
    assert learnt.fine_tuned.value < 0.75


def test_folds_that_share_their_samples_are_less_sure_than_a_part_kept_apart():
    pool = [evidence(np.arange(100) < 80)]
    apart, folded = (estimate_ranks(pool, outlook([0.0]), None, 0, folds)[0].frozen for folds in (1, 10))
    assert folded.high - folded.low > 1.3 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("discordance", "gap", "wanted"),
    [(0.05, 0.01, 3923), (0.05, 0.02, 979), (0.1, 0.01, 7847), (0.1, 0.02, 1960), (0.2, 0.03, 1742)],
)
def test_the_samples_that_would_tell_two_apart(discordance, gap, wanted):
    assert abs(needed_samples(discordance, gap) - wanted) <= 1


def test_one_candidate_alone():
    pool = [evidence(np.ones(60))]
    estimates = estimate_ranks(pool, unknown(1), None, 0)
    assert estimates[0].best == 1
    assert "only candidate" in choose(["a"], pool, estimates, [1.0], None).why


def test_candidates_that_are_equal_come_in_the_order_of_their_scores():
    rng = np.random.default_rng(5)
    equal = drawn(rng, [0.8])[0]
    pool = [replace(equal, knn=0.5), replace(equal, knn=0.9), drawn(rng, [0.4])[0]]
    pool[2] = replace(pool[2], knn=0.99)
    assert order(estimate_ranks(pool, unknown(3), None, 0)) == [1, 0, 2]


def test_what_is_chosen_and_why():
    rng = np.random.default_rng(6)
    names = ["large", "small"]

    def chosen(pool, known, costs=(5.0, 1.0)):
        return choose(names, pool, estimate_ranks(pool, known, None, 0), costs, None)

    better = chosen(drawn(rng, [0.9, 0.5]), unknown(2))
    assert (better.number, "better than every other" in better.why) == (0, True)
    equal = chosen(drawn(rng, [0.6, 0.6], shared=1.0), outlook([0.01, 0.0], 0.001, 0.001))
    assert (equal.number, "practically equal" in equal.why) == (1, True)
    pool = [evidence(np.arange(100) < 62), evidence(np.arange(100) >= 39)]  # 62 and 61 right, not on the same ones
    sure = chosen(pool, outlook([0.0, 0.0], 0.01, 0.1))
    assert (sure.number, sure.open) == (1, True)
    assert "cannot be told apart with 100 samples; about" in sure.why
    assert "the risk of losing more than a point" in sure.why
    assert sure.needed > 10_000
    unsure = chosen(pool, outlook([0.2, 0.0], 0.3, 0.3))  # level, and yet no reason to take the cheaper
    assert (unsure.number, unsure.open) == (0, True)
    assert "large is chosen: it is expected to be" in unsure.why
    assert "small costs 5.0 times less, if that matters more." in unsure.why
    dear = chosen(pool, outlook([0.2, 0.0], 0.3, 0.3), (1.0, 5.0))
    assert (dear.number, "costs more: small" in dear.why) == (0, True)


def test_a_network_that_learnt_little_does_not_win_by_luck_on_few_samples():
    """Forty samples on which nine idle networks toss a coin: the best of them is no reason to leave the known one."""
    rng = np.random.default_rng(7)
    names = ["wheel:efficientnet_lite0", *(f"random:{number}" for number in range(9))]
    taken = []
    for _ in range(50):
        pool = drawn(rng, [0.7] + [0.5] * 9, samples=40, shared=0.0)
        estimates = estimate_ranks(pool, expect(names), None, 0, 10)
        taken.append(choose(names, pool, estimates, [9.0] + [1.0] * 9, None).number)
    assert np.mean(np.array(taken) == 0) >= 0.9


def test_a_network_that_learnt_little_wins_where_the_evidence_is_strong():
    rng = np.random.default_rng(8)
    names = ["wheel:efficientnet_lite0", "run:mine"]
    pool = drawn(rng, [0.6, 0.9], samples=400)
    assert choose(names, pool, estimate_ranks(pool, expect(names), None, 0, 10), [1.0, 1.0], None).number == 1

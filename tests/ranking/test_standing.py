from dataclasses import replace

import numpy as np
import pytest

from graft.ranking.choice import choose
from graft.ranking.evidence import Evidence
from graft.ranking.history import Gain
from graft.ranking.standing import logit_interval, needed_samples, order, stand

GAIN = Gain(0.35, 0.82, 0)


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
    kept = [all(one.level for one in stand(drawn(rng, [0.8] * 2), [None] * 2, True, GAIN, None, 0)) for _ in range(200)]
    assert np.mean(kept) >= 0.9


def test_the_best_stays_in_the_set_and_the_worst_does_not():
    rng = np.random.default_rng(1)
    stood = [stand(drawn(rng, [0.9, 0.89, 0.6]), [None] * 3, True, GAIN, None, 0) for _ in range(100)]
    assert np.mean([one[0].level for one in stood]) >= 0.9
    assert not any(one[2].level for one in stood)
    assert np.mean([one[0].best for one in stood]) > np.mean([one[1].best for one in stood])
    assert all(sum(one.best for one in standings) == pytest.approx(1) for standings in stood)


def test_a_prior_helps_where_samples_are_few_and_fades_where_they_are_many():
    """Science, R4: less regret than the probe or the prior alone at n = 50."""
    rng = np.random.default_rng(2)
    regret = {"probe": [], "prior": [], "both": []}
    for _ in range(300):
        truth = np.clip(0.8 + 0.03 * rng.standard_normal(10), 0.5, 0.99)
        prior = 0.6 * (truth - truth.mean()) / truth.std() + 0.8 * rng.standard_normal(10)
        pool = drawn(rng, truth, samples=50)
        stood = stand(pool, list(prior), True, GAIN, None, 0)
        chosen = {
            "probe": np.argmax([one.accuracy for one in pool]),
            "prior": prior.argmax(),
            "both": np.argmax([one.posterior for one in stood]),
        }
        for name, number in chosen.items():
            regret[name].append(truth.max() - truth[number])
    assert np.mean(regret["both"]) < min(np.mean(regret["probe"]), np.mean(regret["prior"]))
    many = stand(drawn(rng, [0.8, 0.83], samples=20_000), [1.0, 0.0], True, GAIN, None, 0)
    assert many[1].posterior > many[0].posterior
    assert many[0].prior_weight < 0.05


def test_samples_of_one_group_count_as_one():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(20), 20)
    pool = [evidence(np.repeat(rng.random(20) < share, 20)) for share in (0.8, 0.7)]
    alone, grouped = (stand(pool, [None] * 2, True, GAIN, numbers, 0)[0].frozen for numbers in (None, groups))
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_the_interval_of_an_accuracy_covers_it():
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(2000):
        share = rng.binomial(100, 0.85) / 100
        found = logit_interval(share, share * (1 - share) / 100, 100)
        inside.append(found.low <= 0.85 <= found.high)
    assert 0.87 <= np.mean(inside) <= 0.95


@pytest.mark.parametrize(
    ("discordance", "gap", "wanted"),
    [(0.05, 0.01, 3923), (0.05, 0.02, 979), (0.1, 0.01, 7847), (0.1, 0.02, 1960), (0.2, 0.03, 1742)],
)
def test_the_samples_that_would_tell_two_apart(discordance, gap, wanted):
    assert abs(needed_samples(discordance, gap) - wanted) <= 1


def test_one_candidate_alone():
    pool = [evidence(np.ones(60))]
    standings = stand(pool, [None], True, GAIN, None, 0)
    assert standings[0].best == 1
    assert "only candidate" in choose(["a"], pool, standings, [1.0], None).why


def test_level_candidates_come_first_in_the_order_of_their_scores():
    rng = np.random.default_rng(5)
    pool = drawn(rng, [0.8, 0.8, 0.4])
    pool = [replace(one, knn=knn) for one, knn in zip(pool, (0.5, 0.9, 0.99), strict=True)]
    standings = stand(pool, [None] * 3, True, GAIN, None, 0)
    assert order(standings)[2] == 2
    assert order(standings)[0] == max((0, 1), key=lambda number: standings[number].score)


def test_what_is_chosen_and_why():
    rng = np.random.default_rng(6)
    names = ["large", "small"]

    def chosen(accuracies, costs, samples=400, shared=0.7):
        pool = drawn(rng, accuracies, samples, shared)
        return choose(names, pool, stand(pool, [None] * 2, True, GAIN, None, 0), costs, None)

    better = chosen([0.9, 0.6], [5.0, 1.0])
    assert (better.number, "better than every other" in better.why) == (0, True)
    cheap = chosen([0.6, 0.6], [5.0, 1.0])
    assert cheap.number == 1
    equal = chosen([0.6, 0.6], [5.0, 1.0], shared=1.0)
    assert (equal.number, "practically equal" in equal.why) == (1, True)
    pool = [evidence(np.arange(100) < 62), evidence(np.arange(100) >= 39)]  # 62 and 61 right, not on the same ones
    unclear = choose(names, pool, stand(pool, [None] * 2, True, GAIN, None, 0), [5.0, 1.0], None)
    assert (unclear.number, unclear.open) == (1, True)
    assert "cannot be told apart with 100 samples; about" in unclear.why
    assert unclear.needed > 10_000

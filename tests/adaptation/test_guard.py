import numpy as np
import pytest

from graft.adaptation.fine_tuner import SHARES
from graft.adaptation.guard import Blend, decide
from graft.heads.judgement import Judgement


def by(truth):
    """Judges scores of classes."""
    return lambda scores: Judgement.of(scores, truth)


def scores(labels, accuracy: float, seed: int, sharpness: float = 3.0, classes: int = 5) -> np.ndarray:
    """Scores that are right on a random share of the samples."""
    rng = np.random.default_rng(seed)
    said = np.where(
        rng.random(len(labels)) < accuracy, labels, (labels + rng.integers(1, classes, len(labels))) % classes
    )
    return np.eye(classes)[said] * sharpness + rng.normal(0, 0.5, (len(labels), classes))


def blends(probe, trained) -> list[Blend]:
    return [Blend(share, (1 - share) * probe + share * trained) for share in SHARES]


def labels(count: int) -> np.ndarray:
    return (np.arange(count) % 5).astype(np.int32)


def figures(decision):
    return next(one for one in decision.figures if one.share == decision.share)


def test_random_weights_ship_the_probe():
    truth = labels(200)
    decision = decide(blends(scores(truth, 0.8, 0), np.random.default_rng(1).normal(0, 3, (200, 5))), by(truth))
    assert decision.share == 0


def test_weights_that_did_not_change_ship_the_probe():
    truth = labels(200)
    probe = scores(truth, 0.8, 0)
    assert decide([Blend(share, probe) for share in SHARES], by(truth)).share == 0


def test_a_clear_gain_is_taken():
    truth = labels(300)
    decision = decide(blends(scores(truth, 0.7, 0), scores(truth, 0.95, 1)), by(truth))
    assert decision.share > 0
    assert figures(decision).accuracy > 0.8
    assert decision.risk < 0.01
    assert [figure.share for figure in decision.figures] == list(SHARES)


def test_a_loss_is_never_taken():
    truth = labels(300)
    decision = decide(blends(scores(truth, 0.9, 0), scores(truth, 0.7, 1)), by(truth))
    assert figures(decision).accuracy >= (scores(truth, 0.9, 0).argmax(axis=1) == truth).mean() - 0.01


def test_luck_on_few_samples_is_accepted_in_at_most_a_tenth_of_the_cases():
    """Science, guard case (iii): trained weights that are as good as the probe, 40 deciding samples, 500 seeds."""
    truth = labels(40)
    taken = 0
    for seed in range(500):
        probe, trained = scores(truth, 0.8, 2 * seed), scores(truth, 0.8, 2 * seed + 1)
        # Only the two ends: a mean of two independent errors would really be better, which is no luck.
        taken += decide([Blend(0.0, probe), Blend(1.0, trained)], by(truth)).share > 0
    assert taken / 500 <= 0.10


@pytest.mark.parametrize("count", [40, 300])
def test_the_reason_says_what_the_risk_is_of(count):
    truth = labels(count)
    decision = decide(blends(scores(truth, 0.5, 0), scores(truth, 0.98, 1)), by(truth))
    assert ("of not gaining" if count < 100 else "losing more than 1 point of") in decision.why


def test_the_users_own_samples_may_not_lose_at_all():
    """Better over all, but worse on the val part by itself: not taken."""
    truth = labels(300)
    own = np.arange(300) < 40
    before, after = scores(truth, 0.7, 0), scores(truth, 0.95, 1)
    after[own] = scores(truth, 0.5, 2)[own]
    pair = [Blend(0.0, before), Blend(1.0, after)]
    assert decide(pair, by(truth)).share == 1.0
    assert decide(pair, by(truth), own).share == 0.0
    assert decide(pair, by(truth), ~own).share == 1.0

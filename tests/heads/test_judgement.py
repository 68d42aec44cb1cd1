import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from graft.heads.judgement import Judgement
from graft.heads.temperature import softmax


def test_the_brier_score_is_that_of_scikit_learn_at_the_best_temperature():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200).astype(np.int32)
    scores = np.eye(3)[labels] * 2 + rng.normal(size=(200, 3))
    judged = Judgement.of(5 * scores, labels)
    expected = brier_score_loss(labels, softmax(5 * scores / judged.temperature), scale_by_half=False)
    assert judged.brier == pytest.approx(expected)
    assert judged.accuracy == (scores.argmax(axis=1) == labels).mean()


def test_scale_does_not_matter():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200).astype(np.int32)
    scores = np.eye(3)[labels] * 2 + rng.normal(size=(200, 3))
    assert Judgement.of(scores, labels).brier == pytest.approx(Judgement.of(7 * scores, labels).brier, abs=1e-3)

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from graft.heads.knn import cosines, knn_accuracy


def test_one_neighbour_agrees_with_scikit_learn(monkeypatch):
    monkeypatch.setattr("graft.heads.knn.NEIGHBOURS", (1,))
    features, labels = load_iris(return_X_y=True)
    centred = features - features.mean(axis=0)
    judge = KNeighborsClassifier(1, metric="cosine")
    expected = cross_val_score(judge, centred, labels, cv=LeaveOneOut()).mean()
    assert knn_accuracy(features, labels.astype(np.int32), 3)[1] == pytest.approx(expected, abs=0.007)


def test_held_out_samples_are_not_their_own_neighbours():
    features = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.2], [-1.0, -0.2], [1.0, 0.11]])
    labels = np.array([0, 0, 1, 1, 1], np.int32)  # the last one lies among the others
    assert knn_accuracy(features, labels, 2, held_out=np.array([4])) == (1, 0.0)


def test_cosines_agree_with_scikit_learn_over_any_number_of_blocks(monkeypatch):
    from sklearn.metrics.pairwise import cosine_similarity

    monkeypatch.setattr("graft.heads.knn.CHUNK", 7)
    rows = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float16)
    rows[3] = 0  # has no direction: its cosine is 0, as there
    assert cosines(rows, rows[:4]) == pytest.approx(
        cosine_similarity(rows[:4].astype(float), rows.astype(float)), abs=1e-6
    )

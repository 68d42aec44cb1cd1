"""Figures of a run whose split has groups: fit, evaluate on its parts and on other data, and the report."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from conftest import COLOURS, draw
from graft.dataset.options import LoadOptions
from graft.evaluation import evaluate_probabilities
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Three parts, each of six baskets of their own."""
    root = tmp_path_factory.mktemp("groups")
    with (root / "fruit.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "part", "basket"])
        for part, seed in (("train", 0), ("val", 1), ("test", 2)):
            for number in range(12):
                for label, name in enumerate(("lemon", "plum")):
                    path = draw(root / part / f"{name}-{number}.png", COLOURS[name], 1000 * seed + 100 * label + number)
                    writer.writerow([path.relative_to(root), name, part, f"{part}-{number % 6}"])
    options = FitOptions("random:timm:test_efficientnet@64", "quick", load=LoadOptions(group="basket"))
    return fit(root / "fruit.csv", root / "run", options).run


def test_fit_and_evaluate_give_intervals_by_group_and_say_so(run):
    (kept,) = json.loads((run / "evaluation.json").read_text()).values()
    assert any("Intervals by group: 12 groups" in note for note in kept["notes"])  # of train and val
    measured = evaluate(run)
    assert any("Intervals by group: 6 groups" in note for note in measured.evaluation.notes)
    assert "Intervals by group: 6 groups" in (run / "report.html").read_text()


def test_the_same_answers_are_less_sure_where_they_come_in_groups():
    right = np.repeat([1, 1, 1, 0, 1, 1], 10)
    probabilities = np.stack([right, 1 - right], axis=1) * 0.8 + 0.1
    labels = np.zeros(60, np.int32)
    known = [f"basket {number // 10}" for number in range(60)]
    sources = [str(number) for number in range(60)]
    alone = evaluate_probabilities("x", probabilities, labels, ("a", "b"), sources)
    grouped = evaluate_probabilities("x", probabilities, labels, ("a", "b"), sources, groups=known)
    for name in ("accuracy", "balanced_accuracy"):
        one, other = getattr(alone, name), getattr(grouped, name)
        assert one.value == other.value
        assert other.high - other.low > 2 * (one.high - one.low)
    assert not any("group" in note for note in alone.notes)

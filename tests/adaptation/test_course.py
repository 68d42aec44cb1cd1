"""The stages of a fit: which of how many, and how long all of them may take."""

import pytest

from graft.adaptation import course


@pytest.mark.parametrize("stages", [*course.CLASSES.values(), *course.LETTERS.values()])
def test_every_stage_has_its_number(stages):
    told = [course.stage_of(stages, title, None) for title in stages]
    assert [(one.number, one.of, one.title) for one in told] == [
        (number, len(stages), title) for number, title in enumerate(stages, 1)
    ]
    assert {one.seconds for one in told} == {None}  # nobody knows


def test_a_limit_is_told_as_a_limit_and_an_estimate_as_an_estimate():
    good = course.CLASSES["good"]
    assert course.stage_of(good, course.LAST, 60.0).at_most
    final = course.stage_of(good, course.FINAL, 60.0, estimate=20.0)
    assert (final.seconds, final.at_most) == (20.0, False)
    assert course.stage_of(good, course.FINAL, 10.0, estimate=20.0).at_most

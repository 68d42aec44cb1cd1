"""Where the whole of a long work stands."""

import time

from graft.progress import SILENT, Stage, tell_stage


def test_the_time_left_of_all_runs_down_and_never_below_nothing():
    began = time.monotonic()
    assert 80 < Stage(1, 3, "one", 100.0, began=began - 10).left <= 90
    assert Stage(1, 3, "one", 100.0, began=began - 1000).left == 0
    assert Stage(1, 3, "one").left is None


def test_a_watch_that_knows_no_stages_is_left_alone():
    tell_stage(SILENT, Stage(1, 2, "one"))
    tell_stage(SILENT, None)

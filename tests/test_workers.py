import subprocess
import sys
import threading
import time

import pytest

from graft.workers import workers


def test_results_come_in_order():
    with workers(3) as pool:
        assert list(pool.map(lambda number: number * number, range(20))) == [number * number for number in range(20)]


def test_an_interruption_waits_for_nothing_and_drops_what_has_not_begun():
    release, done = threading.Event(), []

    def work(number: int) -> None:
        release.wait(30)
        done.append(number)

    began = time.monotonic()

    def interrupted() -> None:
        with workers(2) as pool:
            for number in range(50):
                pool.submit(work, number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - began < 5
    release.set()
    time.sleep(0.2)
    assert len(done) <= 2


STUCK = """
import threading
from graft import workers
workers.PATIENCE = 0.2
threading.Thread(target=lambda: threading.Event().wait()).start()
print("told", flush=True)
workers.leave(130)
"""


def test_a_thread_that_never_ends_does_not_keep_the_process():
    done = subprocess.run([sys.executable, "-c", STUCK], timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "told\n")

import numpy as np
import pytest

from graft.audit.compare import compare
from graft.audit.labels import Saved
from graft.audit.verdict import judge
from graft.records import Alarm

LABELS = (np.arange(1000) % 4).astype(np.int32)
ARMS = {"majority": 0.25, "shortcut": 0.3, "random": 0.4, "scratch": 0.6, "probe": 0.8, "permuted": 0.25}


def judged(delivered: float, alarms=(), saved=None, samples=1000, **other):
    rng = np.random.default_rng(0)
    shared = rng.random(samples)  # all arms find the same samples hard
    labels = LABELS[:samples]
    answers = {key: (shared < share)[None] for key, share in {**ARMS, "delivered": delivered, **other}.items()}
    return judge(answers, lambda a, b: compare(a, b, labels), alarms, "the same network from scratch", saved)


def test_transfer_that_helped_is_said_in_points_and_labels():
    found = judged(0.9, saved=Saved(4.1, 3.0, 5.9, at_least=False))
    assert found.finding == "POSITIVE"
    assert "Transfer helped: +" in found.sentence
    assert "over the same network from scratch, n = 1,000" in found.sentence
    assert "about 4.1 times fewer labels (95% interval 3.0 to 5.9)" in found.sentence
    assert [one.finding for one in found.comparisons[:4]] == ["POSITIVE"] * 4
    assert found.comparisons[4].finding == "EQUIVALENT"


@pytest.mark.parametrize(
    ("delivered", "finding", "words"),
    [(0.5, "NEGATIVE", "Negative transfer: -"), (0.6, "EQUIVALENT", "no difference that matters")],
)
def test_other_findings(delivered, finding, words):
    found = judged(delivered)
    assert (found.finding, words in found.sentence) == (finding, True)


def test_better_than_a_network_from_scratch_is_not_enough_where_no_network_is_better_still():
    found = judged(0.7, shortcut=0.85)
    assert found.finding == "NEGATIVE"
    assert "needs no network" in found.sentence


def test_an_alarm_that_blocks_leaves_no_verdict():
    found = judged(0.9, [Alarm("leak", "Answers leak.", True), Alarm("other", "Not this.", False)])
    assert found.finding == "BLOCKED"
    assert "Answers leak." in found.sentence
    assert "Not this." not in found.sentence


def test_too_few_samples_are_said_in_words():
    found = judged(0.9, samples=40)
    assert found.finding == "TOO FEW"
    assert "40 judged, and at least 50 are needed" in found.sentence

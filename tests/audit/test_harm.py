import numpy as np

from graft.audit.harm import harmed

CLASSES = ("apple", "pear", "plum")
LABELS = np.repeat(np.arange(3, dtype=np.int32), 40)


def test_a_class_that_fell_is_named_and_one_that_rose_is_not():
    probe, delivered = np.ones(120, bool), np.ones(120, bool)
    delivered[:15] = False  # apple lost 15 of 40
    probe[40:55] = False  # pear gained as many
    (fell,) = harmed(delivered, probe, LABELS, CLASSES)
    assert (fell["class"], fell["recall_fell_by"], fell["samples"]) == ("apple", 15 / 40, 40)


def test_what_chance_explains_is_not_told():
    rng = np.random.default_rng(0)
    told = [harmed(rng.random(120) < 0.8, rng.random(120) < 0.8, LABELS, CLASSES) for _ in range(100)]
    assert np.mean([len(one) > 0 for one in told]) <= 0.05

import pytest

from graft.errors import RequestError
from graft.training.plan import Plan


def test_steps_follow_from_epochs_within_bounds():
    assert Plan(epochs=3).steps(10) == 30
    assert Plan(epochs=3, least_steps=100).steps(10) == 100
    assert Plan(epochs=300, most_steps=1000).steps(10) == 1000
    assert Plan(epochs=0.25).steps(10) == 3


def test_all_values_out_of_range_come_in_one_report():
    with pytest.raises(RequestError) as caught:
        Plan(epochs=0, batch=0, learning_rate=-1, optimiser="adam", label_smoothing=1).check()
    message = str(caught.value)
    for part in ("epochs is 0", "batch is 0", "learning_rate is -1", "adamw or sgd", "label_smoothing is 1"):
        assert part in message


def test_a_rate_that_is_no_number_is_out_of_range():
    with pytest.raises(RequestError, match="learning_rate is nan"):
        Plan(learning_rate=float("nan")).check()

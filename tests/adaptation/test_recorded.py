"""A strategy goes through JSON and comes back as it was."""

import json

import pytest

import graft
from graft.adaptation.recorded import recorded, restored
from graft.errors import RequestError

PLAN = graft.Plan(epochs=2, class_weights=(1.0, 2.0))


@pytest.mark.parametrize(
    "how",
    [
        graft.Probe(),
        graft.Partial(from_stage=5, plan=PLAN),
        graft.Full(PLAN, frozen_stages=2),
        graft.LoRA(rank=3),
        graft.Scratch(),
        graft.Contrastive(pairs=8),
    ],
    ids=lambda how: type(how).__name__,
)
def test_a_strategy_comes_back_with_all_its_settings(how):
    assert restored(json.loads(json.dumps(recorded(how)))) == how


def test_a_strategy_of_somebody_else_is_named_and_refused():
    with pytest.raises(RequestError, match="'Mine', which this graft cannot repeat"):
        restored({"kind": "Mine", "name": "mine"})

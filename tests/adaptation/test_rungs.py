"""The table of rungs: nobody may forget one, and an unknown one is told instead of taken for full fine-tuning."""

import inspect
import re

import pytest

from graft.adaptation import ladder
from graft.adaptation.contrastive import Contrastive
from graft.adaptation.rungs import RUNGS, rung_kind
from graft.adaptation.strategy import Full, Partial, Probe
from graft.backbones import open_backbone
from graft.errors import RequestError
from graft.training.plan import PlanChanges


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1", Probe),
        ("1b", Probe),
        ("1p", Contrastive),
        ("1pb", Contrastive),
        ("2", Partial),
        ("2b", Partial),
        ("3", Full),
    ],
)
def test_a_rung_is_audited_by_what_made_its_network(name, kind):
    assert type(rung_kind(name).strategy()) is kind


def test_the_last_stages_go_on_from_where_they_were_cut_for_a_quarter_of_their_course():
    backbone = open_backbone("wheel:efficientnet_lite0")
    how = RUNGS["2"].finish(backbone, 5, PlanChanges())
    assert (how.from_stage, how.plan.epochs, how.plan.learning_rate) == (5, 3, 2.5e-4)
    assert type(RUNGS["4"].finish(backbone, None, PlanChanges())) is Full


def test_what_somebody_changed_holds_for_the_last_quarter_too():
    backbone = open_backbone("wheel:efficientnet_lite0")
    changes = PlanChanges(epochs=8, batch_size=16, learning_rate=2e-3)
    how = RUNGS["3"].finish(backbone, None, changes)
    assert (how.plan.epochs, how.plan.batch, how.plan.learning_rate) == (2, 16, 1e-3)


@pytest.mark.parametrize("name", ["5", "final", "", "b", "2c"])
def test_an_unknown_rung_is_told(name):
    with pytest.raises(RequestError, match="does not know. It knows: 1, 1p, 2, 3, 4"):
        rung_kind(name)


def test_every_rung_that_the_ladder_can_keep_stands_in_the_table():
    made = set(re.findall(r'(?:Incumbent\(\s*|_trained\()"(\w+)"', inspect.getsource(ladder)))
    assert {"1", "1b", "2", "3", "4"} <= made
    for name in made:
        rung_kind(name)

import pytest
import torch
from torch import nn

from graft.training.optimiser import Anchor, parameter_groups, rate_at
from graft.training.plan import Plan


def network() -> nn.Sequential:
    return nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)), nn.Linear(2, 3))


def rate_of(parameter, groups) -> float:
    [rate] = [group["lr"] for group in groups if any(parameter is one for one in group["params"])]
    return rate


def test_each_earlier_stage_learns_more_slowly():
    module = network()
    groups = parameter_groups(module, Plan(learning_rate=0.4, head_learning_rate=1.0, stage_decay=0.5))
    assert [rate_of(stage.weight, groups) for stage in module[0]] == pytest.approx([0.1, 0.2, 0.4])
    assert rate_of(module[1].weight, groups) == 1.0


def test_biases_do_not_decay_and_frozen_weights_are_left_out():
    module = network()
    module[0][0].requires_grad_(False)
    groups = parameter_groups(module, Plan(weight_decay=0.1))
    decays = {id(one): group["weight_decay"] for group in groups for one in group["params"]}
    assert decays[id(module[1].bias)] == 0
    assert decays[id(module[1].weight)] == 0.1
    assert id(module[0][0].weight) not in decays


def test_the_rate_rises_then_falls_to_zero():
    plan = Plan(warm_up=0.2)
    rates = [rate_at(step / 10, 1 / 10, plan) for step in range(11)]
    assert rates[:3] == pytest.approx([0.5, 1.0, 1.0])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[10] == pytest.approx(0)
    assert rate_at(0.9, 0.1, Plan(schedule="constant", warm_up=0)) == 1


def test_the_anchor_pulls_the_body_back_and_not_the_head():
    module = network()
    start = module[0][0].weight.detach().clone()
    anchor = Anchor(module, Plan(anchor=0.5))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1)
    anchor.pull(rate=0.1)
    assert torch.allclose(module[0][0].weight, start + 0.95)
    head = module[1].weight.detach().clone()
    anchor.pull(rate=0.1)
    assert torch.equal(module[1].weight, head)

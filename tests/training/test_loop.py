import math

import numpy as np
import pytest
import torch
from torch import nn

from graft.errors import WorkError
from graft.training.checkpoint import Checkpoints
from graft.training.loop import DivergedError, Limits, Plan, train
from graft.training.place import Place

FP32 = Place("cpu", bf16=False)
PLAN = Plan(steps=24, learning_rate=1e-2, head_learning_rate=2e-2)


class Interrupted(Exception):
    pass


class Random:
    """Twelve-step epochs of small random pictures; may stop the training at one step, as a power cut would."""

    def __init__(self, stop_at: int | None = None, poison: bool = False):
        self.stop_at = stop_at
        self.poison = poison

    def batch(self, step):
        if step == self.stop_at:
            raise Interrupted
        rng = np.random.default_rng(step)
        inputs = torch.from_numpy(rng.normal(size=(8, 3, 6, 6)).astype(np.float32))
        return inputs * (math.nan if self.poison else 1), torch.from_numpy(rng.integers(0, 3, 8))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 8, 3, groups=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    return nn.Sequential(body, nn.Linear(8, 3))


def weights(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stop_at", [1, 7, 12, 23])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path, stop_at):
    whole = network()
    train(whole, Random(), PLAN, Limits(FP32))
    with pytest.raises(Interrupted):
        train(network(), Random(stop_at), PLAN, Limits(FP32, checkpoints=Checkpoints(tmp_path, "x", every_seconds=0)))
    resumed = network()
    result = train(resumed, Random(), PLAN, Limits(FP32, checkpoints=Checkpoints(tmp_path, "x", every_seconds=0)))
    assert same(weights(whole), weights(resumed))
    assert result.steps == PLAN.steps


def test_statistics_of_normalisation_stay_and_its_scales_train():
    module = network()
    before = weights(module)
    train(module, Random(), PLAN, Limits(FP32))
    after = weights(module)
    for name in ("0.1.running_mean", "0.1.running_var", "0.1.num_batches_tracked"):
        assert torch.equal(before[name], after[name])
    assert not torch.equal(before["0.1.weight"], after["0.1.weight"])


def test_no_learning_rate_no_change():
    module = network()
    before = weights(module)
    train(module, Random(), Plan(24, 0.0, 0.0), Limits(FP32))
    assert same(before, weights(module))


def test_a_head_can_train_alone():
    module = network()
    before = weights(module)
    train(module, Random(), Plan(24, 0.0, 1e-2), Limits(FP32))
    changed = {name for name, value in weights(module).items() if not torch.equal(value, before[name])}
    assert changed == {"1.weight", "1.bias"}


def test_losses_are_told_as_sum_and_mean():
    result = train(network(), Random(), PLAN, Limits(FP32, report_every=8))
    assert len(result.losses) == 3
    for total, mean in result.losses:
        assert total == pytest.approx(mean * 8 * 8)


def test_a_loss_that_is_no_number_stops_the_training():
    with pytest.raises(DivergedError, match="loss became nan at step 0 of 24"):
        train(network(), Random(poison=True), PLAN, Limits(FP32))


class TestCheckpoints:
    def states(self, tmp_path, steps=(4, 8, 12)):
        class State:
            def __init__(self):
                self.value = torch.zeros(3)

            def tensors(self):
                return {"value": self.value}

            def restore(self, tensors):
                self.value = tensors["value"]

        state, checkpoints = State(), Checkpoints(tmp_path, "x")
        for step in steps:
            state.value = torch.full((3,), float(step))
            checkpoints.save(state, step)
        return state, checkpoints

    def test_the_two_newest_are_kept(self, tmp_path):
        self.states(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000008", "step-00000012"]

    def test_a_flipped_byte_takes_the_older_one_and_tells(self, tmp_path):
        state, checkpoints = self.states(tmp_path)
        file = tmp_path / "step-00000012" / "state.safetensors"
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        said = []
        checkpoints.watch = type("Listener", (), {"say": lambda self, message: said.append(message)})()
        assert checkpoints.restore(state) == 8
        assert state.value.tolist() == [8, 8, 8]
        assert "is damaged; an older one is taken" in said[0]

    def test_a_checkpoint_of_something_else_is_not_taken(self, tmp_path):
        state, _ = self.states(tmp_path)
        assert Checkpoints(tmp_path, "other data").restore(state) == 0

    def test_one_without_its_manifest_is_not_there(self, tmp_path):
        state, checkpoints = self.states(tmp_path)
        (tmp_path / "step-00000012" / "manifest.json").unlink()
        assert checkpoints.restore(state) == 8

    def test_a_full_disk_is_an_error_and_never_silence(self, tmp_path, monkeypatch):
        import errno
        import os

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(WorkError, match="the disk is full"):
            self.states(tmp_path)


def test_the_best_place_is_one_that_is_there():
    place = Place.best()
    module = place.hold(network())
    with place.precision():
        assert module(place.bring(torch.zeros(2, 3, 6, 6))).shape == (2, 3)

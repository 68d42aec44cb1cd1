import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from graft.errors import WorkError
from graft.progress import SILENT
from graft.training.checkpoint import Checkpoints
from graft.training.loop import DivergedError, Limits, train
from graft.training.place import Place
from graft.training.plan import Plan

FP32 = Place("cpu", bf16=False)
PLAN = Plan(epochs=2, learning_rate=1e-2, head_learning_rate=2e-2)


class Interrupted(Exception):
    pass


class Random:
    """Twelve-step epochs of small random pictures; may stop the training at one step, as a power cut would."""

    per_epoch = 12

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
    assert result.steps == 24


@pytest.mark.parametrize("stop_at", [1, 17])
def test_what_is_dropped_follows_from_seed_and_step(tmp_path, stop_at):
    """Encoders of texts have dropout; without a seed of each step no run could be repeated or resumed exactly."""

    def dropping() -> nn.Sequential:
        body, head = network()
        return nn.Sequential(nn.Sequential(*body, nn.Dropout(0.5)), head)

    whole, again, other, resumed = (dropping() for _ in range(4))
    train(whole, Random(), PLAN, Limits(FP32))
    torch.rand(7)
    train(again, Random(), PLAN, Limits(FP32))
    train(other, Random(), PLAN, Limits(FP32, seed=1))
    assert same(weights(whole), weights(again))
    assert not same(weights(whole), weights(other))
    limits = Limits(FP32, checkpoints=Checkpoints(tmp_path, "x", 0.0, SILENT))
    with pytest.raises(Interrupted):
        train(dropping(), Random(stop_at), PLAN, limits)
    torch.rand(5)
    train(resumed, Random(), PLAN, limits)
    assert same(weights(whole), weights(resumed))


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
    train(module, Random(), replace(PLAN, learning_rate=0.0, head_learning_rate=0.0), Limits(FP32))
    assert same(before, weights(module))


def test_a_head_can_train_alone():
    module = network()
    before = weights(module)
    train(module, Random(), replace(PLAN, learning_rate=0.0, head_learning_rate=1e-2), Limits(FP32))
    changed = {name for name, value in weights(module).items() if not torch.equal(value, before[name])}
    assert changed == {"1.weight", "1.bias"}


def test_losses_are_told_as_sum_and_mean_over_each_epoch():
    told = []
    result = train(network(), Random(), PLAN, Limits(FP32, told=told.append))
    assert [epoch.number for epoch in result.epochs] == [1, 2]
    assert told == result.epochs
    for epoch in result.epochs:
        assert epoch.total == pytest.approx(epoch.mean * 8 * 12)


def test_the_first_loss_is_cross_entropy_with_class_weights():
    """Against torch's own, on the weights that the step began with."""
    plan = replace(PLAN, epochs=1 / 12, class_weights=(0.5, 1.0, 2.0), label_smoothing=0.0)
    inputs, labels = Random().batch(0)
    with torch.no_grad():
        losses = nn.functional.cross_entropy(
            set_to(network(), plan)(inputs), labels, weight=torch.tensor([0.5, 1.0, 2.0]), reduction="none"
        )
    result = train(network(), Random(), plan, Limits(FP32))
    assert result.epochs[0].mean == pytest.approx(float(losses.mean()), rel=1e-5)


def set_to(module, plan):
    from graft.training.loop import set_mode

    set_mode(module, plan)
    return module


def test_a_constant_rate_and_plain_sgd_is_the_classic_recipe():
    """Two steps by hand with torch's own optimiser give the same weights."""
    plan = Plan(
        epochs=2 / 12, learning_rate=0.05, head_learning_rate=0.05, optimiser="sgd", nesterov=False,
        schedule="constant", warm_up=0,
        weight_decay=0, label_smoothing=0, clip=None, average=False, frozen_statistics=False,
    )  # fmt: skip
    ours, theirs = network(), network().train()
    train(ours, Random(), plan, Limits(FP32))
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)
    for step in range(2):
        inputs, labels = Random().batch(step)
        optimiser.zero_grad()
        nn.functional.cross_entropy(theirs(inputs), labels).backward()
        optimiser.step()
    for name, value in weights(theirs).items():
        assert torch.allclose(weights(ours)[name], value, atol=1e-6), name


def test_memory_that_is_short_halves_what_is_computed_at_once_and_changes_nothing(monkeypatch):
    from graft.training import loop

    said = []
    watch = type("Listener", (SILENT.__class__,), {"say": lambda self, message: said.append(message)})()
    whole, halved = network(), network()
    train(whole, Random(), PLAN, Limits(FP32))
    accumulated = loop._Training._accumulated

    def small(self, inputs, labels, *blend):
        if self.micro > 4:
            raise torch.OutOfMemoryError
        return accumulated(self, inputs, labels, *blend)

    monkeypatch.setattr(loop._Training, "_accumulated", small)
    train(halved, Random(), PLAN, Limits(FP32, watch=watch))
    assert said == ["Memory is short: batches of 8 are computed 4 samples at a time."]
    for name, value in weights(whole).items():
        assert torch.allclose(weights(halved)[name], value, atol=1e-5)


def test_a_time_limit_squeezes_the_schedule(monkeypatch):
    from graft.training import loop

    ticks = iter(range(10_000))
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(ticks)))
    result = train(network(), Random(), replace(PLAN, epochs=100), Limits(FP32, seconds=40.0))
    assert 1 < result.steps < 40
    assert result.stopped == "time"


class TestJudging:
    def judged(self, losses, epochs=10):
        course = iter(losses)
        module = network()
        return train(module, Random(), replace(PLAN, epochs=epochs), Limits(FP32, judge=lambda module: next(course)))

    def test_an_error_that_falls_no_more_ends_the_training(self):
        result = self.judged([1.0, 0.5, *[0.7] * 20], epochs=10)
        assert result.steps == 12 * 5
        assert "fell no more" in result.stopped

    def test_a_training_that_fell_no_more_delivers_the_weights_that_judged_best(self):
        start = weights(network())
        module, course = network(), iter([1.0, *[1.3] * 20])
        train(module, Random(), replace(PLAN, epochs=4), Limits(FP32, judge=lambda module: next(course)))
        assert same(start, weights(module))

    def test_a_pause_that_is_not_clearly_worse_goes_on(self):
        assert self.judged([1.0, 0.5, *[0.6] * 20], epochs=10).stopped is None

    def test_one_that_came_to_its_end_delivers_its_last_weights(self):
        plain, module, course = network(), network(), iter([1.0, 0.5, 0.6])
        train(plain, Random(), PLAN, Limits(FP32))
        train(module, Random(), replace(PLAN, epochs=2), Limits(FP32, judge=lambda module: next(course)))
        assert same(weights(plain), weights(module))

    def test_an_error_that_rises_far_above_the_start_is_divergence(self):
        with pytest.raises(DivergedError, match="rose from 1.00 to 1.60"):
            self.judged([1.0, 1.1, 1.2, 1.6, 1.6])


@pytest.mark.parametrize("stop_at", [3, 12, 13, 30])
def test_a_judged_training_resumes_exactly_too(tmp_path, stop_at, monkeypatch):
    monkeypatch.setattr("graft.training.loop.PATIENCE", 9)

    def judge(module):
        inputs, labels = Random().batch(35)
        with torch.no_grad():
            return float(nn.functional.cross_entropy(module(inputs), labels))

    def limits(folder=None):
        checkpoints = folder and Checkpoints(folder, "x", every_seconds=0)
        return Limits(FP32, judge=judge, checkpoints=checkpoints)

    plan = replace(PLAN, epochs=3, anchor=0.1, stage_decay=0.5)
    whole, resumed = network(), network()
    expected = train(whole, Random(), plan, limits())
    with pytest.raises(Interrupted):
        train(network(), Random(stop_at), plan, limits(tmp_path))
    result = train(resumed, Random(), plan, limits(tmp_path))
    assert same(weights(whole), weights(resumed))
    assert result.epochs == expected.epochs


def test_a_training_that_ended_is_not_done_again(tmp_path):
    first, second = network(), network()
    train(first, Random(), PLAN, Limits(FP32, checkpoints=Checkpoints(tmp_path, "x")))
    train(second, Random(stop_at=0), PLAN, Limits(FP32, checkpoints=Checkpoints(tmp_path, "x")))
    assert same(weights(first), weights(second))


def test_ctrl_c_saves_before_it_stops(tmp_path):
    class Stopped(Random):
        def batch(self, step):
            if step == 5:
                raise KeyboardInterrupt
            return super().batch(step)

    with pytest.raises(KeyboardInterrupt):
        train(network(), Stopped(), PLAN, Limits(FP32, checkpoints=Checkpoints(tmp_path, "x")))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]


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

            def restore_from(self, tensors):
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_steps_train_the_same():
    plain, compiled = network(), network()
    losses = [
        train(one, Random(), PLAN, Limits(Place("cpu", compiled=on))).epochs for one, on in ((plain, 0), (compiled, 1))
    ]
    for first, second in zip(*losses, strict=True):
        assert second.mean == pytest.approx(first.mean, rel=1e-4)
    assert [*compiled.state_dict()] == [*plain.state_dict()]

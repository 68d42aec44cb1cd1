"""Training steps a second: graft's loop against the bare torch loop with the same settings, and the plain fp32 loop.

    python benchmarks/train_step.py [--steps 12] [--rounds 3]

For the last stages on cached activations (rung 2) and for all stages on pictures (rung 3) of the packaged
EfficientNet-Lite0, batches of 64 that lie in memory. The bare loop does the same arithmetic (AdamW, clipped gradients,
frozen statistics, channels last, autocast where the machine has bf16) and nothing else: no average of the weights, no
schedule, no checkpoints, no progress. The plain loop is that in fp32 without channels last. All in one run, taken in
turn; medians of the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from graft.adaptation.defaults import default_cut
from graft.adaptation.stages import stages_of
from graft.backbones import DEFAULT, open_backbone
from graft.backbones.halves import halve
from graft.training.depthwise import speed_up_depthwise
from graft.training.loop import Limits, set_mode, train
from graft.training.place import Place
from graft.training.plan import Plan

BATCH, CLASSES = 64, 28


class Held:
    """The same few batches over and over."""

    per_epoch = 10**9

    def __init__(self, shape: tuple[int, ...]) -> None:
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(BATCH, *shape, generator=generator)
        self.labels = torch.randint(CLASSES, (BATCH,), generator=generator)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        return self.inputs, self.labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    backbone = open_backbone(DEFAULT)
    side = backbone.card.preprocess.crop
    halves = halve(backbone, default_cut(backbone))
    cases = {
        "rung 2, the last stages": (lambda: halve(backbone, default_cut(backbone)).suffix, halves.shape),
        "rung 3, all stages": (lambda: stages_of(backbone)[0], (3, side, side)),
    }
    print("| | graft | bare loop | plain fp32 loop | of the bare loop | times the plain loop |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (body, shape) in cases.items():
        rates = measure(body, Held(shape), arguments.steps, arguments.rounds)
        ours, bare, plain = (statistics.median(rates[kind]) for kind in ("graft", "bare", "plain"))
        print(f"| {name} | {ours:.1f}/s | {bare:.1f}/s | {plain:.1f}/s | {ours / bare:.0%} | {ours / plain:.1f} |")


def measure(body: Callable[[], nn.Module], batches: Held, steps: int, rounds: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {"graft": [], "bare": [], "plain": []}
    place, plain = Place.best(), Place()
    width = body()(batches.inputs[:1]).shape[1]
    for _ in range(rounds):
        for kind in rates:
            module = nn.Sequential(body(), nn.Linear(width, CLASSES))
            if kind == "graft":
                speed_up_depthwise(module)
                run = lambda count, module=module: ours(module, batches, count, place)  # noqa: E731
            else:
                there = place if kind == "bare" else plain
                run = lambda count, module=module, there=there: bare(module, batches, count, there)  # noqa: E731
            run(2)  # the first steps choose kernels
            began = time.perf_counter()
            run(steps)
            rates[kind].append(steps * BATCH / (time.perf_counter() - began))
    return rates


def ours(module: nn.Sequential, batches: Held, steps: int, place: Place) -> None:
    train(module, batches, Plan(least_steps=steps, most_steps=steps, epochs=1e-9), Limits(place))


def bare(module: nn.Sequential, batches: Held, steps: int, place: Place) -> None:
    plan = Plan()
    fast = place.bf16
    if fast:
        place.hold(module)
    set_mode(module, plan)
    optimiser = torch.optim.AdamW(module.parameters(), lr=5e-4, weight_decay=0.01)
    for step in range(steps):
        inputs, labels = batches.batch(step)
        with place.precision():
            scores = module(place.bring(inputs) if fast else inputs)
        loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=0.1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()


if __name__ == "__main__":
    main()

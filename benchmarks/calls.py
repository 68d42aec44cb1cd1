"""Calls a second of an open Predictor: one at a time and from four threads, beside one call with all samples.

    python benchmarks/calls.py RUN [RUN ...] [--samples 64] [--rounds 5]

Each RUN (of pictures, texts or sounds) is copied, exported to ONNX, and asked for the same samples of its train part,
as a run and as an artifact. A round is every way once, one after the other; medians of the rounds are printed. The
ratio is what a sample costs in a call of its own, by what it costs in one call with all.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from graft import machine
from graft.run_folder import RunFolder
from graft.serving import Predictor
from graft.verbs.evaluate import part_of_run
from graft.verbs.export import export

THREADS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| model | one call at a time | calls from 4 threads | one call with all | one by one / all |")
    print("| --- | --- | --- | --- | --- |")
    for run in arguments.runs:
        with tempfile.TemporaryDirectory() as scratch:
            copied = shutil.copytree(run, Path(scratch) / "run")  # the export reads its test part, and counts it
            samples = samples_of(copied, arguments.samples)
            artifact = export(copied, "onnx", Path(scratch) / "onnx").recommended
            for name, place in (("run", copied), ("ONNX", artifact)):
                show(f"{run.name}, {name}", Predictor(place), samples, arguments.rounds)
    about = machine.describe()
    print(f"\n{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


def samples_of(run: Path, count: int) -> list[Any]:
    contents = part_of_run(RunFolder.open(run), "train").contents[:count]
    return [one.decode() if isinstance(one, bytes) else one for one in contents]


def show(name: str, predictor: Predictor, samples: list[Any], rounds: int) -> None:
    def ask(sample: Any) -> None:
        list(predictor.predict([sample]))

    def threads() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(ask, samples))

    ways: list[Callable[[], Any]] = [
        lambda: [ask(one) for one in samples],
        threads,
        lambda: [*predictor.predict(samples)],
    ]
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds + 1):
        for way, times in zip(ways, taken, strict=True):
            began = time.perf_counter()
            way()
            times.append(time.perf_counter() - began)
    one, four, bulk = (statistics.median(times[1:]) for times in taken)  # the first round opens and warms up
    rates = " | ".join(f"{len(samples) / seconds:,.0f} a second" for seconds in (one, four, bulk))
    print(f"| {name} | {rates} | {one / bulk:.2f} |", flush=True)


if __name__ == "__main__":
    main()

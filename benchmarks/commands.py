"""What a person waits for: whole commands from a cold process, and the memory that fit takes as data grows.

    python benchmarks/commands.py DATA [--rounds 3] [--memory 1000 20000]

DATA is a folder that graft fit takes. --memory makes that many pictures (copies of DATA's that differ in a few bytes
after the picture's end) and prints the peak resident memory of graft fit on each, in a process of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graft import machine

GRAFT = [sys.executable, "-c", "from graft.cli import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    print(machine.describe(), end="\n\n")
    with tempfile.TemporaryDirectory() as scratch:
        commands(arguments.data, arguments.rounds, Path(scratch))
        if arguments.memory:
            memory(arguments.data, arguments.memory, Path(scratch))


def commands(data: Path, rounds: int, scratch: Path) -> None:
    """Each command in a process of its own; a cold fit begins with an empty cache."""
    picture = next(path for path in sorted(data.rglob("*")) if path.suffix.lower() in {".jpg", ".png"})
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        cache, run = scratch / f"cache{number}", scratch / f"run{number}"
        steps = {
            "graft --help": ["--help"],
            "graft fit, empty cache": ["fit", data, "--effort", "quick", "--out", run],
            "graft fit, second time": ["fit", data, "--effort", "quick", "--out", f"{run}-again"],
            "graft predict, one picture": ["predict", run, picture],
        }
        for name, command in steps.items():
            times.setdefault(name, []).append(run_once(command, cache)[0])
        first, second = (Path(f"{run}{end}") / "model" / "model.safetensors" for end in ("", "-again"))
        assert first.read_bytes() == second.read_bytes(), "the same seed must give the same bits"
    print("| command | seconds (median) | least to most |\n| --- | --- | --- |")
    for name, values in times.items():
        print(f"| {name} | {statistics.median(values):.2f} | {min(values):.2f} to {max(values):.2f} |")


def memory(data: Path, counts: list[int], scratch: Path) -> None:
    """Peak memory of fit for each number of pictures, from an empty cache."""
    print("\n| pictures | seconds | peak memory, MB |\n| --- | --- | --- |")
    for count in counts:
        root = copies(data, count, scratch / f"copies{count}")
        seconds, peak = run_once(
            ["fit", root, "--effort", "quick", "--out", scratch / f"memory{count}"], scratch / f"memory-cache{count}"
        )
        print(f"| {count:,} | {seconds:.1f} | {peak:,.0f} |")


def copies(data: Path, count: int, root: Path) -> Path:
    """So many pictures in the classes of DATA's train part, each with other bytes."""
    train = data / "train" if (data / "train").is_dir() else data
    files = sorted(path for path in train.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    for number in range(count):
        source = files[number % len(files)]
        target = root / source.parent.name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes() + number.to_bytes(4, "big"))
    return root


def run_once(arguments: list, cache: Path) -> tuple[float, float]:
    """Seconds, and peak resident memory in MB, of one command."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*GRAFT, *map(str, arguments)],
        env={**os.environ, "GRAFT_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"graft {' '.join(map(str, arguments))} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()

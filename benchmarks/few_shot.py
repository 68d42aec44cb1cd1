"""Few texts a class: what graft fit makes of 5 and of 10, on the official test part, over several draws.

    python benchmarks/few_shot.py FOLDER [--shots 5 10] [--draws 5] [--effort good] [--work runs/few-shot]

FOLDER holds train.csv and test.csv with the columns text and label. Each draw takes so many texts of each class from
train by chance, fits a model on them alone (those that decide on more training are among them) and reads test once.
What stands in WORK/results.csv is not made again.
"""

import argparse
import csv
import time
from datetime import date
from pathlib import Path

import numpy as np

import graft
from graft import machine

COLUMNS = ("shots", "draw", "probe", "delivered", "accuracy", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--effort", default="good")
    parser.add_argument("--work", type=Path, default=Path("runs/few-shot"))
    arguments = parser.parse_args()
    results = arguments.work / "results.csv"
    arguments.work.mkdir(parents=True, exist_ok=True)
    if not results.exists():
        results.write_text(",".join(COLUMNS) + "\n")
    with results.open() as file:
        done = {(int(row["shots"]), int(row["draw"])) for row in csv.DictReader(file)}
    for draw in range(arguments.draws):
        for shots in arguments.shots:
            if (shots, draw) not in done:
                row = measured(arguments, shots, draw)
                with results.open("a", newline="") as file:
                    csv.writer(file).writerow(row)
                print(dict(zip(COLUMNS, row, strict=True)), flush=True)
    tell(results)


def measured(arguments: argparse.Namespace, shots: int, draw: int) -> tuple[int, int, float, str, float, float]:
    """One draw: the probe's own estimate, what was delivered, its accuracy on test, and the seconds of the fit."""
    place = arguments.work / f"{shots}-shot-{draw}"
    place.mkdir(exist_ok=True)
    rows = read(arguments.folder / "train.csv")
    rng = np.random.default_rng(draw)
    chosen = []
    for name in sorted({row["label"] for row in rows}):
        own = [row for row in rows if row["label"] == name]
        chosen += [own[number] for number in rng.permutation(len(own))[:shots]]
    write(place / "train.csv", chosen)
    write(place / "test.csv", read(arguments.folder / "test.csv"))
    began = time.perf_counter()
    options = graft.FitOptions(effort=arguments.effort, replace=True)
    fitted = graft.fit(place / "train.csv", place / "run", options)
    seconds = round(time.perf_counter() - began, 1)
    kept = next(one for one in reversed(fitted.ladder) if one["kept"])
    accuracy = graft.evaluate(fitted.run).evaluation.accuracy.value
    return shots, draw, float(fitted.ladder[0].get("accuracy", 0.0)), str(kept["name"]), accuracy, seconds


def read(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return [*csv.DictReader(file)]


def write(table: Path, rows: list[dict[str, str]]) -> None:
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["text", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def tell(results: Path) -> None:
    rows = read(results)
    print("\n| texts a class | draws | accuracy on test, mean | least and most | seconds of a fit, median |")
    print("| --- | --- | --- | --- | --- |")
    for shots in sorted({int(row["shots"]) for row in rows}):
        own = [row for row in rows if int(row["shots"]) == shots]
        values = [100 * float(row["accuracy"]) for row in own]
        took = np.median([float(row["seconds"]) for row in own])
        print(
            f"| {shots} | {len(own)} | {np.mean(values):.1f}% | {min(values):.1f} and {max(values):.1f}% | {took:.0f} |"
        )
    about = machine.describe()
    print(f"\n{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


if __name__ == "__main__":
    main()

"""Accuracy on each group when graft fit never met it: spoken digits by speaker, plants by field, and so on.

    python benchmarks/leave_one_out.py TABLE --group speaker [--effort good] [--only theo ...] [--work DIR]

TABLE is a CSV with the columns file, label and that of the group. For each group a table is written in which it is the
test part and all others the train part; graft fit decides on shares of those by itself, and test is read once for each
rung that is asked about: the probe (effort quick) and what the effort delivers. What stands in WORK/results.csv is not
made again.
"""

import argparse
import csv
import time
from datetime import date
from pathlib import Path

import numpy as np

import graft
from graft import machine

COLUMNS = ("group", "effort", "samples", "accuracy", "low", "high", "delivered", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--group", required=True)
    parser.add_argument("--effort", default="good")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--backbone")
    parser.add_argument("--minutes", type=float, help="the time of a fit")
    parser.add_argument("--work", type=Path, default=Path("runs/leave-one-out"))
    arguments = parser.parse_args()
    results = arguments.work / "results.csv"
    arguments.work.mkdir(parents=True, exist_ok=True)
    if not results.exists():
        results.write_text(",".join(COLUMNS) + "\n")
    rows = read(arguments.table)
    for group in arguments.only or sorted({row[arguments.group] for row in rows}):
        for effort in dict.fromkeys(("quick", arguments.effort)):
            if (group, effort) not in {(row["group"], row["effort"]) for row in read(results)}:
                row = measured(arguments, rows, group, effort)
                with results.open("a", newline="") as file:
                    csv.writer(file).writerow(row)
                print(dict(zip(COLUMNS, row, strict=True)), flush=True)
    tell(read(results))


def measured(arguments: argparse.Namespace, rows: list[dict[str, str]], group: str, effort: str) -> tuple[object, ...]:
    """Fit without the group, then look at it."""
    table = arguments.work / f"without-{group}.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "split", arguments.group))
        for row in rows:
            place, of = (arguments.table.parent / row["file"]).resolve(), row[arguments.group]
            writer.writerow((place, row["label"], "test" if of == group else "train", of))
    began = time.perf_counter()
    loading = graft.LoadOptions(group=arguments.group)
    options = graft.FitOptions(
        backbone=arguments.backbone, effort=effort, load=loading, replace=True, minutes=arguments.minutes
    )
    fitted = graft.fit(table, arguments.work / f"{effort}-{group}", options)
    seconds = round(time.perf_counter() - began, 1)
    kept = [one["name"] for one in fitted.ladder if one["kept"]]
    accuracy = graft.evaluate(fitted.run).evaluation.accuracy
    return group, effort, fitted.test_samples, accuracy.value, accuracy.low, accuracy.high, kept[-1], seconds


def read(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return [*csv.DictReader(file)]


def tell(results: list[dict[str, str]]) -> None:
    efforts = list(dict.fromkeys(row["effort"] for row in results))
    print("\n| left out | " + " | ".join(efforts) + " |\n| --- |" + " --- |" * len(efforts))
    for group in sorted({row["group"] for row in results}):
        own = {row["effort"]: row for row in results if row["group"] == group}
        cells = [
            f"{100 * float(own[one]['accuracy']):.1f}% ({own[one]['seconds']} s)" if one in own else ""
            for one in efforts
        ]
        print(f"| {group} | " + " | ".join(cells) + " |")
    means = [100 * np.mean([float(row["accuracy"]) for row in results if row["effort"] == one]) for one in efforts]
    print("| mean | " + " | ".join(f"{mean:.1f}%" for mean in means) + " |")
    about = machine.describe()
    print(f"\n{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


if __name__ == "__main__":
    main()

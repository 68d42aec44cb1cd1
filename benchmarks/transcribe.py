"""Spoken digits written down as words, leaving out one speaker at a time: word and character error rates.

python benchmarks/transcribe.py spoken-digits/metadata.csv [--speakers theo ...] [--effort good]

For each speaker a table is written in which that speaker is the test part, the next one (by name) the val part, and the
others the train part; `graft fit` and `graft evaluate` do the rest. Features are kept between speakers. The figures of
each speaker are added to RESULTS (JSON lines), so that the speakers can be measured one at a time.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import graft

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def table_for(metadata: Path, speaker: str, folder: Path) -> Path:
    """Write the table of one held-out speaker, with paths as seen from it."""
    with metadata.open(newline="") as file:
        rows = list(csv.DictReader(file))
    speakers = sorted({row["speaker"] for row in rows})
    val = speakers[(speakers.index(speaker) + 1) % len(speakers)]
    parts = {speaker: "test", val: "val"}
    folder.mkdir(parents=True, exist_ok=True)
    recordings = folder / "recordings"
    if not recordings.exists():
        recordings.symlink_to((metadata.parent / "recordings").resolve())
    path = folder / f"without-{speaker}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "text", "split", "speaker"))
        for row in rows:
            writer.writerow((row["file"], NAMES[int(row["label"])], parts.get(row["speaker"], "train"), row["speaker"]))
    return path


def measure(metadata: Path, speaker: str, folder: Path, effort: str, backbone: str | None) -> dict[str, object]:
    table, began = table_for(metadata, speaker, folder), time.perf_counter()
    options = graft.FitOptions(backbone=backbone, effort=effort, load=graft.LoadOptions(group="speaker"), replace=True)
    fitted = graft.fit(table, folder / f"run-{speaker}", options)
    seconds = time.perf_counter() - began
    found = graft.evaluate(fitted.run).evaluation
    rates = {"open": found.rates, "greedy": found.greedy, "known": found.known_words}
    return {
        "speaker": speaker,
        "effort": effort,
        "recordings": found.samples,
        **{
            f"{name} {kind}": 100 * getattr(one, kind).value
            for name, one in rates.items()
            for kind in ("words", "letters")
        },
        "interval": [100 * found.rates.words.low, 100 * found.rates.words.high],
        "calibration": 100 * found.calibration_error,
        "rungs": {one["rung"]: 100 * one["word_error_rate"] for one in fitted.ladder if "word_error_rate" in one},
        "seconds": round(seconds, 1),
    }


def show(results: list[dict[str, object]]) -> None:
    columns = ("open words", "open letters", "greedy words", "known words", "calibration", "seconds")
    print(f"\n{'left out':<12}" + "".join(f"{name:>14}" for name in columns))
    for one in results:
        print(f"{one['speaker']:<12}" + "".join(f"{one[name]:>14.1f}" for name in columns))
    means = [sum(float(one[name]) for one in results) / len(results) for name in columns]
    print(f"{'mean':<12}" + "".join(f"{value:>14.1f}" for value in means))
    print("\nPercent of words (WER) or letters (CER) wrong; known: only words of the training transcripts are written.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--speakers", nargs="*", default=[])
    parser.add_argument("--effort", default="good")
    parser.add_argument("--backbone")
    parser.add_argument("--folder", type=Path, default=Path("runs/transcribe"))
    given = parser.parse_args()
    with given.metadata.open(newline="") as file:
        everyone = sorted({row["speaker"] for row in csv.DictReader(file)})
    results_file = given.folder / "results.jsonl"
    for speaker in given.speakers or everyone:
        result = measure(given.metadata, speaker, given.folder, given.effort, given.backbone)
        with results_file.open("a") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)
    newest = {}
    for line in results_file.read_text().splitlines():
        one = json.loads(line)
        if one["effort"] == given.effort:
            newest[one["speaker"]] = one
    show([newest[name] for name in sorted(newest)])


if __name__ == "__main__":
    main()

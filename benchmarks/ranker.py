"""How good graft rank is: a zoo of differently trained networks, small tasks, and every pair really fine-tuned.

    python benchmarks/ranker.py DATA [--work runs/ranker] [--table benchmarks/ranker.csv] [--rank-again]
    python benchmarks/ranker.py --only-judge

DATA is a folder that holds cifar10/ (Parquet), fruit/ and spoken-digits/; the digits of scikit-learn come with it. The
first run makes the data sets and the zoo under WORK and writes the true accuracies of every pair to TABLE (about an
hour on two cores with AVX-512, three without); what is there is not made again. No task shares a picture with a source,
and accuracies are those on the task's own test part. --rank-again keeps the true accuracies and writes the evidence
anew; --sources names those it is to be done for, where not all of the zoo can be made.

TABLE holds the evidence that each ranking had, so --only-judge prints in seconds what the present code makes of it:
the regret of the first choice and of the best of three in points of accuracy, against a static prior, the probe alone,
random choice and the largest network, what the choice costs a picture, how often the stated intervals hold, and how
often the set that cannot be told apart holds the best; with bootstrap intervals over tasks. "Learnt" stands for a
history of the pairs of all other tasks.
"""

import argparse
import csv
import json
import os
import time
import wave
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

import graft
from graft import machine
from graft.backbones.catalogue import prior_of
from graft.backbones.measure import example_input, macs_of
from graft.data import Dataset
from graft.features import extract, suited
from graft.heads.folds import MOST_FOLDS as FOLDS
from graft.heads.folds import make_folds
from graft.heads.objective import Softmax
from graft.heads.probe import Samples, fit_probe
from graft.ranking.choice import choose
from graft.ranking.duplicates import merge_near_duplicates
from graft.ranking.evidence import Evidence, gather_evidence
from graft.ranking.expectation import expect
from graft.ranking.history import Past
from graft.ranking.rank_estimate import RankEstimate, estimate_ranks, order
from graft.records import PARTS, Estimate

ARCHITECTURE, SIDE = "timm:resnet10t", 64
PACKAGED = ("wheel:efficientnet_lite0", "wheel:efficientnet_lite1", "wheel:efficientnet_lite2")
ANIMALS, VEHICLES = ("bird", "cat", "deer", "dog", "frog", "horse"), ("airplane", "automobile", "ship", "truck")
COLUMNS = ("task", "source", "true_probe", "true_fine_tuned", "tested", "ranking")
EPOCHS = 12
FEW = 20  # training pictures a class of a task
TESTED = 200  # test pictures a class, where there are so many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--work", type=Path, default=Path("runs/ranker"))
    parser.add_argument("--table", type=Path, default=Path(__file__).with_name("ranker.csv"))
    parser.add_argument("--only-judge", action="store_true")
    parser.add_argument("--rank-again", action="store_true")
    parser.add_argument("--sources", nargs="+")
    arguments = parser.parse_args()
    if not arguments.only_judge:
        measure(arguments.data, arguments.work, arguments.table, arguments.rank_again, arguments.sources)
    judge([*csv.DictReader(arguments.table.open())])


def measure(data: Path, work: Path, table: Path, rank_again: bool, wanted: list[str] | None) -> None:
    """Fill the table of true accuracies; a pair that stands in it is measured again only in its evidence, if at all."""
    os.environ["GRAFT_HISTORY"] = str(work / "no-history.json")  # this machine's own runs must not help
    pictures = collections(data)
    zoo = [*PACKAGED, *make_zoo(pictures, work / "zoo", wanted), f"random:{ARCHITECTURE}@{SIDE}"]
    rows = {(row["task"], row["source"]): row for row in csv.DictReader(table.open())} if table.exists() else {}
    for name, (kind, classes) in TASKS.items():
        folder = make_folder(pictures[kind], classes, work / "tasks" / name, {"train": FEW, "test": TESTED})
        missing = [source for source in zoo if rank_again or (name, short(source)) not in rows]
        if not missing:
            continue
        dataset = graft.load(folder)
        told = evidence(dataset, zoo)
        for source in missing:
            row = rows.get((name, short(source)))
            if row is None:
                probe, fine_tuned, tested = true_accuracies(source, dataset)
                row = {"true_probe": probe, "true_fine_tuned": fine_tuned, "tested": tested}
            row |= {"task": name, "source": short(source), "ranking": json.dumps(told[source])}
            rows[name, short(source)] = row
            write(table, [*rows.values()])
            print(f"{name:12} {short(source):28} {row['ranking']}", flush=True)


def write(table: Path, rows: list[dict]) -> None:
    """All rows, in one go, so that an interruption loses none."""
    new = table.with_suffix(".new")
    with new.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    new.replace(table)


def evidence(dataset: Dataset, zoo: list[str]) -> dict[str, dict]:
    """What a ranking of this data sees of each network, as graft.rank sees it."""
    rows, test = dataset.rows("train", "val"), np.flatnonzero(dataset.parts == PARTS.index("test"))
    labels, classes, told, folds = dataset.labels[rows], len(dataset.classes), {}, None
    for source in zoo:
        backbone = suited(source, dataset)
        features = extract(dataset, rows, backbone).matrix
        if folds is None:
            folds = make_folds(labels, merge_near_duplicates(features, None), 0)
        found = gather_evidence(features, labels, classes, folds)
        head = fit_probe(Samples(features, labels), np.ones(len(rows), bool), False, Softmax(classes), 0).head
        answers = head.scores(extract(dataset, test, backbone).matrix).argmax(axis=1)
        told[source] = {
            "probe": found.accuracy,
            "judged": len(found.right),
            "train": len(rows),
            "parameters": backbone.card.parameters,
            "macs": macs_of(backbone.loaded.module, example_input("image", backbone.card.preprocess)),
            "by_repeat": [round(float(one), 4) for one in found.accuracy_by_repeat],
            "right": "".join(str(round(one * len(folds))) for one in found.right),  # of so many repeats, by sample
            "true_chosen_head": float((answers == dataset.labels[test]).mean()),  # the head that graft fit would take
        }
    return told


def short(source: str) -> str:
    """The name of a network without the place where it lies."""
    return source.rpartition("/")[2] if source.startswith("run:") else source


def true_accuracies(source: str, dataset: Dataset) -> tuple[float, float, int]:
    """Accuracy on the task's test part of the probe and of full fine-tuning with graft's defaults."""
    rows = np.flatnonzero(dataset.parts == PARTS.index("test"))
    paths, labels = [dataset.path(int(row)) for row in rows], dataset.labels[rows]
    how = graft.Full() if not source.startswith("wheel:") else graft.Partial()
    found = []
    for strategy in (graft.Probe(), how):
        model = graft.adapt(source, dataset, strategy)
        answers = np.array([answer for _, answer in model.predict(paths)])
        found.append(float((answers.argmax(axis=1) == labels).mean()))
    return found[0], found[1], len(rows)


# ------------------------------------------------- the pictures, by collection, class and part

Pictures = dict[str, dict[str, list[Image.Image]]]  # class -> part: what sources learn from, tasks learn from, and test
TASKS = {
    "cat or dog": ("cifar10", ("cat", "dog")),
    "four animals": ("cifar10", ("bird", "deer", "frog", "horse")),
    "vehicles": ("cifar10", VEHICLES),
    "apples": ("fruit", ("Golden-Delicious", "Granny-Smith", "Pink-Lady", "Red-Delicious", "Royal-Gala")),
    "citrus": ("fruit", ("Lemon", "Lime", "Orange", "Red-Grapefruit", "Satsumas")),
    "digits": ("digits", tuple("0123456789")),
    "spoken": ("spoken", tuple("01234")),
    "cifar10": ("cifar10", (*ANIMALS, *VEHICLES)),
}


def collections(data: Path) -> dict[str, Pictures]:
    """All pictures; a task's test part is the official one where there is one."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    digits: Pictures = {name: {"train": [], "test": []} for name in "0123456789"}
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        picture = Image.fromarray((image.reshape(8, 8) * 15.9).astype(np.uint8)).convert("RGB")
        digits[str(label)]["test" if number % 3 == 0 else "train"].append(picture)
    found = {"cifar10": cifar10(data / "cifar10"), "digits": digits, "spoken": spoken(data / "spoken-digits")}
    found["fruit"] = {
        folder.name: {
            part: [Image.open(file).convert("RGB") for file in sorted((data / "fruit" / part / folder.name).glob("*"))]
            for part in ("train", "test")
        }
        for folder in sorted((data / "fruit" / "train").iterdir())
    }
    return {name: divided(pictures, 1000) for name, pictures in found.items()}


def divided(pictures: Pictures, most: int) -> Pictures:
    """The first half of each class's train part, of `most` pictures at most, is for sources, the rest for tasks."""
    cuts = {name: max(len(own["train"]) // 2, len(own["train"]) - 200) for name, own in pictures.items()}
    return {
        name: {
            "source": own["train"][: cuts[name]][:most],
            "train": own["train"][cuts[name] :],
            "test": own["test"],
        }
        for name, own in pictures.items()
    }


def cifar10(folder: Path) -> Pictures:
    import io

    import pyarrow.parquet

    names = (folder / "classes.txt").read_text().split()
    found: Pictures = {name: {"train": [], "test": []} for name in names}
    for part, most in (("train", 1200), ("test", TESTED)):
        for batch in pyarrow.parquet.ParquetFile(folder / f"{part}.parquet").iter_batches(1000):
            for row in batch.to_pylist():
                there = found[names[row["label"]]][part]
                if len(there) < most:
                    there.append(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB"))
    return found


def spoken(folder: Path) -> Pictures:
    """Log spectrograms as grey pictures; the test part is two speakers that the train part does not have."""
    found: Pictures = {}
    rows = sorted(csv.DictReader((folder / "metadata.csv").open()), key=lambda row: row["speaker"])
    for row in rows:
        with wave.open(str(folder / row["file"])) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, 8000))[:6000], 256)[::96]
        power = np.log1p(1000 * np.abs(np.fft.rfft(frames * np.hanning(256), axis=1))[:, :64]).T[::-1]
        picture = Image.fromarray(np.clip(40 * power, 0, 255).astype(np.uint8)).convert("RGB")
        part = "test" if row["speaker"] in ("theo", "yweweler") else "train"
        found.setdefault(row["label"], {"train": [], "test": []})[part].append(picture)
    return found


def make_folder(pictures: Pictures, classes: tuple[str, ...], folder: Path, counts: dict[str, int]) -> Path:
    """Class folders with so many pictures of each part a class at most, drawn by chance; "source" becomes train."""
    if (folder / "complete").exists():
        return folder
    for name in classes:
        for part, most in counts.items():
            there = pictures[name][part]
            place = folder / ("train" if part == "source" else part) / name
            place.mkdir(parents=True, exist_ok=True)
            for number in np.random.default_rng(0).permutation(len(there))[:most]:
                there[number].save(place / f"{number:05}.png")
    (folder / "complete").touch()
    return folder


# ---------------------------------------------------------------- the zoo


def make_zoo(pictures: dict[str, Pictures], work: Path, wanted: list[str] | None = None) -> list[str]:
    """Small networks trained here on different sources, or on those `wanted`, as run: backbones."""
    cifar, rng = pictures["cifar10"], np.random.default_rng(0)
    rotated: Pictures = {
        str(turn): {
            part: [one.rotate(turn) for own in cifar.values() for one in own[part][:120]] for part in ("source", "test")
        }
        for turn in (0, 90, 180, 270)
    }
    sources = {
        "animals": (cifar, ANIMALS, 1000),
        "vehicles": (cifar, VEHICLES, 1000),
        "everything": (cifar, (*ANIMALS, *VEHICLES), 800),
        "fruit": (pictures["fruit"], tuple(pictures["fruit"]), 60),
        "digits": (pictures["digits"], tuple("0123456789"), 110),
        "spoken": (pictures["spoken"], tuple("0123456789"), 200),
        "rotated": (rotated, tuple(rotated), 1200),
        "shuffled": (shuffled(cifar, rng), (*ANIMALS, *VEHICLES), 500),
    }
    zoo = []
    for name, (source, classes, most) in sources.items():
        if wanted is not None and name not in wanted:
            continue
        run = work / name
        if not (run / "model").exists():
            began = time.perf_counter()
            folder = make_folder(source, classes, work / "data" / name, {"source": most, "test": 20})
            graft.pretrain(folder, ARCHITECTURE, EPOCHS, run, SIDE, graft.FitOptions(replace=True))
            print(f"pretrained on {name} in {time.perf_counter() - began:.0f} s", flush=True)
        zoo.append(f"run:{run}")
    return zoo


def shuffled(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """The same pictures under labels that mean nothing."""
    found: Pictures = {name: {} for name in pictures}
    for part in ("source", "test"):
        everything = [one for own in pictures.values() for one in own[part]]
        order = rng.permutation(len(everything))
        for name, rows in zip(found, np.array_split(order, len(found)), strict=True):
            found[name][part] = [everything[row] for row in rows]
    return found


# ---------------------------------------------------------------- the figures


def judge(rows: list[dict]) -> None:
    """Print regret and coverage from the table alone."""
    tasks = [*dict.fromkeys(row["task"] for row in rows)]
    by_task = {task: [parsed(row) for row in rows if row["task"] == task] for task in tasks}
    assumed = {task: ranked(own, []) for task, own in by_task.items()}
    learnt = {task: ranked(own, others(by_task, task)) for task, own in by_task.items()}
    rng = np.random.default_rng(0)
    orders = {
        "graft rank, nothing learnt yet": lambda task, own: assumed[task][1],
        "graft rank, learnt from the other tasks": lambda task, own: learnt[task][1],
        "static prior": lambda task, own: by(own, lambda one: prior_of(one["source"]) or 0.0),
        "probe alone": lambda task, own: by(own, lambda one: one["probe"]),
        "largest": lambda task, own: by(own, lambda one: one["parameters"]),
    }
    print("| chooser | regret of its choice, points | of the best of three | million MACs of its choice |")
    print("| --- | --- | --- | --- |")
    for name, chooser in orders.items():
        placed = [[own[number] for number in chooser(task, own)[:3]] for task, own in by_task.items()]
        alone = [best(own) - three[0]["true"] for own, three in zip(by_task.values(), placed, strict=True)]
        of_three = [
            best(own) - max(one["true"] for one in three) for own, three in zip(by_task.values(), placed, strict=True)
        ]
        taken = np.mean([three[0]["macs"] / 1e6 for three in placed])
        print(f"| {name} | {interval(alone, rng)} | {interval(of_three, rng)} | {taken:.0f} |")
    random = [best(own) - float(np.mean([one["true"] for one in own])) for own in by_task.values()]
    drawn = [
        [best(own) - max(rng.choice([one["true"] for one in own], 3, replace=False)) for _ in range(500)]
        for own in by_task.values()
    ]
    taken = np.mean([one["macs"] / 1e6 for own in by_task.values() for one in own])
    of_three = interval([float(np.mean(one)) for one in drawn], rng)
    print(f"| random | {interval(random, rng)} | {of_three} | {taken:.0f} |")
    for regime, found in (("nothing learnt yet", assumed), ("learnt from the other tasks", learnt)):
        print(f"\n{regime}:")
        coverage(by_task, {task: estimates for task, (estimates, _) in found.items()})
    about = machine.describe()
    pairs = sum(len(own) for own in by_task.values())
    print(f"\n{len(tasks)} tasks, {pairs} pairs. {date.today()}; {about['cores']} cores, {about['processor']}.")


def coverage(by_task: dict[str, list[dict]], found: dict[str, list[RankEstimate]]) -> None:
    """How often the intervals hold, by task and in all, and whether the best is in the set."""
    print("| task | frozen holds | by the head fit would choose | fine-tuned holds | best in the set | its size |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows = []
    for task, own in by_task.items():
        pairs = [*zip(own, found[task], strict=True)]
        winner = max(pairs, key=lambda pair: pair[0]["true"])
        rows.append(
            (
                task,
                [holds(estimate.frozen, one["true_probe"]) for one, estimate in pairs],
                [holds(two.frozen, one["true_chosen_head"]) for one, two in pairs if "true_chosen_head" in one],
                [holds(estimate.fine_tuned, one["true"]) for one, estimate in pairs],
                [winner[1].level],
                sum(estimate.level for _, estimate in pairs),
            )
        )
    for task, *columns, size in rows:
        told = " | ".join(f"{sum(one)} of {len(one)}" for one in columns)
        print(f"| {task} | {told} | {size} |")
    sums = [[one for row in rows for one in row[column]] for column in range(1, 5)]
    told = " | ".join(f"{100 * np.mean(one):.0f}% of {len(one)}" if one else "" for one in sums)
    print(f"| all | {told} | {np.mean([row[5] for row in rows]):.1f} on average |")


def ranked(own: list[dict], runs: list[Past]) -> tuple[list[RankEstimate], list[int]]:
    """Where each network stands, and the order: the chosen one, then as they are ranked."""
    names, pool = [one["source"] for one in own], [as_evidence(one) for one in own]
    estimates = estimate_ranks(pool, expect(names, runs), None, 0, FOLDS)
    chosen = choose(names, pool, estimates, [one["macs"] for one in own], None).number
    return estimates, [chosen, *(number for number in order(estimates) if number != chosen)]


def as_evidence(one: dict) -> Evidence:
    """What a row keeps of the evidence; where the single answers were not kept, as many right ones in any order."""
    if "right" in one:
        right = np.array([int(digit) for digit in one["right"]]) / len(one["by_repeat"])
    else:
        right = np.clip(one["probe"] * one["judged"] - np.arange(one["judged"]), 0, 1)
        np.random.default_rng(zlib.crc32(f"{one['task']} {one['source']}".encode())).shuffle(right)
    repeats = np.array(one.get("by_repeat", [one["probe"]]))
    return Evidence(right, repeats, 0.0, 1.0, 1.0, None, None, None, None, 0.0, 0.0, False)


def others(by_task: dict[str, list[dict]], task: str) -> list[Past]:
    """The pairs of all other tasks as if they were finished runs, with the test part measured."""
    return [
        Past(
            time=0.0,
            dataset=other,
            modality="image",
            samples=one["train"],
            classes=0,
            backbone=one["source"],
            probe=one["true_probe"],
            fine_tuned=one["true"],
            deciding=one["tested"],
            foreseen=one["probe"],
            met=one["true_probe"],
            tested=one["tested"],
        )
        for other, own in by_task.items()
        if other != task
        for one in own
    ]


def parsed(row: dict) -> dict:
    return {
        **json.loads(row["ranking"]),
        "task": row["task"],
        "source": row["source"],
        "true": float(row["true_fine_tuned"]),
        "true_probe": float(row["true_probe"]),
        "tested": int(row["tested"]),
    }


def best(own: list[dict]) -> float:
    return max(one["true"] for one in own)


def by(own: list[dict], key: Callable[[dict], float]) -> list[int]:
    return sorted(range(len(own)), key=lambda number: -key(own[number]))


def holds(told: Estimate, truth: float) -> bool:
    return told.low <= truth <= told.high


def interval(values: list[float], rng: np.random.Generator) -> str:
    """A mean with its bootstrap interval over tasks, in points."""
    drawn = rng.choice(values, size=(5000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{100 * np.mean(values):.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()

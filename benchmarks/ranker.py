"""How good graft rank is: a zoo of differently trained networks, small tasks, and every pair really fine-tuned.

    python benchmarks/ranker.py DATA [--work runs/ranker] [--table benchmarks/ranker.csv] [--only-judge]

DATA is a folder that holds cifar10/ (Parquet), fruit/ and spoken-digits/; the digits of scikit-learn come with it. The
first run makes the data sets and the zoo under WORK and writes the true accuracies of every pair to TABLE (about an
hour on two cores); what is there is not made again. --only-judge prints the figures from TABLE alone. No task shares a
picture with a source, and accuracies are those on the task's own test part.

It prints the regret of the first choice and of the best of three in points of accuracy, against a static prior, random
choice and the largest network, how often the stated intervals hold, and how often the set that cannot be told apart
holds the best; with bootstrap intervals over tasks.
"""

import argparse
import csv
import json
import os
import time
import wave
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

import graft
from graft import machine
from graft.data import Dataset
from graft.ranking.history import Past, learn_gain
from graft.records import PARTS

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
    arguments = parser.parse_args()
    if not arguments.only_judge:
        measure(arguments.data, arguments.work, arguments.table)
    judge([*csv.DictReader(arguments.table.open())])


def measure(data: Path, work: Path, table: Path) -> None:
    """Fill the table of true accuracies; a pair that stands in it is not measured again."""
    os.environ["GRAFT_HISTORY"] = str(work / "no-history.json")  # this machine's own runs must not help
    pictures = collections(data)
    zoo = [*PACKAGED, *make_zoo(pictures, work / "zoo"), f"random:{ARCHITECTURE}@{SIDE}"]
    done = {(row["task"], row["source"]) for row in csv.DictReader(table.open())} if table.exists() else set()
    if not done:
        table.write_text(",".join(COLUMNS) + "\n")
    for name, (kind, classes) in TASKS.items():
        folder = make_folder(pictures[kind], classes, work / "tasks" / name, {"train": FEW, "test": TESTED})
        if all((name, short(source)) in done for source in zoo):
            continue
        dataset = graft.load(folder)
        ranking = graft.rank(dataset, graft.RankOptions(tuple(zoo)))
        places = {one.id: (place, one) for place, one in enumerate(ranking.candidates)}
        for source in zoo:
            if (name, short(source)) in done:
                continue
            probe, fine_tuned, tested = true_accuracies(source, dataset)
            place, one = places[source]
            told = {
                "place": place,
                "chosen": ranking.chosen == source,
                "level": one.level,
                "prior": one.prior,
                "probe": one.frozen.value,
                "judged": ranking.judged,
                "train": dataset.count("train"),
                "parameters": one.cost.parameters,
                "frozen": [one.frozen.low, one.frozen.high],
                "fine_tuned": [one.fine_tuned.low, one.fine_tuned.high],
            }
            with table.open("a", newline="") as file:
                csv.writer(file).writerow([name, short(source), probe, fine_tuned, tested, json.dumps(told)])
            print(f"{name:12} {short(source):28} probe {probe:.3f} fine-tuned {fine_tuned:.3f}", flush=True)


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


def make_zoo(pictures: dict[str, Pictures], work: Path) -> list[str]:
    """Small networks trained here on different sources, as run: backbones."""
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
    tasks = sorted({row["task"] for row in rows})
    by_task = {task: [parsed(row) for row in rows if row["task"] == task] for task in tasks}
    rng = np.random.default_rng(0)
    largest = lambda own: max(own, key=lambda one: one["parameters"])  # noqa: E731
    prior = lambda own: max(own, key=lambda one: one["prior"] or 0.0)  # noqa: E731
    first = {
        "graft rank": lambda own: next(one for one in own if one["chosen"]),
        "static prior": prior,
        "largest": largest,
        "probe alone": lambda own: max(own, key=lambda one: sum(one["frozen"])),
    }
    print("| chooser | regret of its choice, points | of the best of three |")
    print("| --- | --- | --- |")
    for name, chooser in first.items():
        alone = [best(own) - chooser(own)["true"] for own in by_task.values()]
        three = [best(own) - max(one["true"] for one in top_three(own, name)) for own in by_task.values()]
        print(f"| {name} | {interval(alone, rng)} | {interval(three, rng)} |")
    random = [best(own) - float(np.mean([one["true"] for one in own])) for own in by_task.values()]
    drawn = [
        [best(own) - max(rng.choice([one["true"] for one in own], 3, replace=False)) for _ in range(500)]
        for own in by_task.values()
    ]
    print(f"| random | {interval(random, rng)} | {interval([float(np.mean(one)) for one in drawn], rng)} |")
    every = [one for own in by_task.values() for one in own]
    for name, key, truth in (("frozen", "frozen", "true_probe"), ("fine-tuned", "fine_tuned", "true")):
        held = [one[key][0] <= one[truth] <= one[key][1] for one in every]
        print(f"90% intervals of {name} accuracy hold {100 * np.mean(held):.0f}% of {len(held)}.")
    learnt = after_learning(by_task)
    print(f"Fine-tuned intervals learnt from the other tasks hold {100 * np.mean(learnt):.0f}% of {len(learnt)}.")
    inside = [max(own, key=lambda one: one["true"])["level"] for own in by_task.values()]
    sizes = [sum(one["level"] for one in own) for own in by_task.values()]
    print(
        f"The set that cannot be told apart holds the best in {sum(inside)} of {len(inside)} tasks; "
        f"it has {np.mean(sizes):.1f} of {len(every) / len(tasks):.0f} networks on average."
    )
    about = machine.describe()
    print(f"{len(tasks)} tasks, {len(every)} pairs. {date.today()}; {about['cores']} cores, {about['processor']}.")


def after_learning(by_task: dict[str, list[dict]]) -> list[bool]:
    """Whether the intervals hold where the gain is learnt from the pairs of all other tasks."""
    past = {
        task: [
            Past(0.0, task, "image", one["train"], 0, one["source"], one["probe"], one["true"], one["judged"])
            for one in own
        ]
        for task, own in by_task.items()
    }
    held = []
    for task, own in by_task.items():
        gain = learn_gain([one for other in past if other != task for one in past[other]], "image", task)
        for one in own:
            told = gain.apply(one["probe"], one["judged"])
            held.append(told.low <= one["true"] <= told.high)
    return held


def parsed(row: dict) -> dict:
    told = json.loads(row["ranking"])
    return {
        **told,
        "source": row["source"],
        "true": float(row["true_fine_tuned"]),
        "true_probe": float(row["true_probe"]),
    }


def best(own: list[dict]) -> float:
    return max(one["true"] for one in own)


def top_three(own: list[dict], chooser: str) -> list[dict]:
    keys = {
        "graft rank": lambda one: (-one["chosen"], one["place"]),
        "static prior": lambda one: -(one["prior"] or 0.0),
        "largest": lambda one: -one["parameters"],
        "probe alone": lambda one: -sum(one["frozen"]),
    }
    return sorted(own, key=keys[chooser])[:3]


def interval(values: list[float], rng: np.random.Generator) -> str:
    """A mean with its bootstrap interval over tasks, in points."""
    drawn = rng.choice(values, size=(5000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{100 * np.mean(values):.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()

"""Files to features: graft against the loop people write, and against the bound of decoding and computing alone.

    python benchmarks/features.py DATA [--pictures 600] [--rounds 3]

DATA is a folder with one sub-folder of pictures per class. All figures come from one run on the same files, taken in
turn, and the median of the rounds is printed. The loop: torchvision's ImageFolder and DataLoader with two workers, and
the same network in eager fp32. The bound: 1 / (1/decode + 1/model), each measured alone by graft's own code.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from graft import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRAFT_CACHE"] = cache
        measure(arguments.data, arguments.pictures, arguments.rounds)


def measure(data: Path, count: int, rounds: int) -> None:
    from graft.backbones import DEFAULT, open_backbone
    from graft.data import load_labelled
    from graft.features import cache, extract, open_engine
    from graft.features.extraction import sample_of
    from graft.modalities.image import IMAGE

    dataset = load_labelled(data)
    rows = np.unique(np.linspace(0, len(dataset) - 1, count).astype(int))
    backbone = open_backbone(DEFAULT)
    began = time.perf_counter()
    engine = open_engine(backbone, "fast", sample_of(dataset, rows, backbone))
    converted = time.perf_counter() - began
    paths = [dataset.path(int(row)) for row in rows]
    prepared = [IMAGE.prepare(IMAGE.decode(path), backbone.card.preprocess) for path in paths]
    results: dict[str, np.ndarray] = {}

    def graft() -> None:
        for file in cache.cache_folder().glob("features/*/*.npy"):
            file.unlink()
        results["graft"] = np.array(extract(dataset, rows, backbone).matrix, np.float32)

    def decode() -> None:
        with ThreadPoolExecutor(machine.usable_cores()) as pool:
            list(pool.map(lambda path: IMAGE.prepare(IMAGE.decode(path), backbone.card.preprocess), paths))

    def model() -> None:
        with ThreadPoolExecutor(engine.workers) as pool:
            list(pool.map(lambda picture: engine.run(picture[None]), prepared))

    def loop() -> None:
        results["loop"] = plain_loop(paths, backbone)

    seconds = in_turn({"loop": loop, "graft": graft, "decode": decode, "model": model}, rounds)
    rate = {name: len(rows) / value for name, value in seconds.items()}
    bound = 1 / (1 / rate["decode"] + 1 / rate["model"])
    cosine = cosines(results["graft"], results["loop"])
    print(f"{len(rows)} pictures, {backbone.card.id}, {engine.name}, {machine.describe()}, median of {rounds} rounds\n")
    print("| what | pictures a second |\n| --- | --- |")
    print(f"| ImageFolder + DataLoader(2 workers) + eager fp32 | {rate['loop']:.1f} |")
    print(f"| graft, files to features | {rate['graft']:.1f} |")
    print(f"| decode alone / model alone | {rate['decode']:.1f} / {rate['model']:.1f} |")
    print(f"| bound from both | {bound:.1f} |\n")
    print(f"graft / loop  = {rate['graft'] / rate['loop']:.2f} times (wanted: at least 8)")
    print(f"graft / bound = {rate['graft'] / bound:.1%} (wanted: at least 85%)")
    print(f"cosine to fp32 torch features: mean {cosine.mean():.5f}, least {cosine.min():.5f} (wanted: 0.999)")
    print(
        f"(turning the network into a graph, once per backbone and machine, took {converted:.1f} s and is not counted)"
    )


def plain_loop(paths: list[Path], backbone) -> np.ndarray:
    """The loop of the tutorials, on the same files in the same order, with the same network and preprocessing."""
    import torch
    from torchvision import datasets, transforms

    preprocess = backbone.card.preprocess
    transform = transforms.Compose(
        [
            transforms.Resize(preprocess.resize, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(preprocess.crop),
            transforms.ToTensor(),
            transforms.Normalize(preprocess.mean, preprocess.std),
        ]
    )
    root = Path(os.path.commonpath(paths))
    folder = datasets.ImageFolder(str(root), transform)
    numbers = {path: number for number, (path, _) in enumerate(folder.samples)}
    subset = torch.utils.data.Subset(folder, [numbers[str(path)] for path in paths])
    features = []
    with torch.no_grad():
        for pictures, _ in torch.utils.data.DataLoader(subset, batch_size=32, num_workers=2):
            features.append(backbone.module(pictures))
    return torch.cat(features).numpy()


def in_turn(actions: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The median seconds of each action, taken A B C A B C, so that a drifting machine drifts for all."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


if __name__ == "__main__":
    main()

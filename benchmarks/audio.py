"""Recordings to features: graft beside the loop people write over ONNX Runtime, same network, same files.

    python benchmarks/audio.py TABLE [--rounds 3]

TABLE names recordings in a column called file, with their label beside. The loop reads each file with soundfile,
resamples it, puts it into the middle of as much silence as graft does, and runs the two ONNX files of openwakeword:
spectrogram, then windows of 76 frames every 8. All figures come from one run, taken in turn; the median of the rounds
is printed. The wanted figures are for the 3,000 spoken digits.
"""

import argparse
import os
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from graft import machine

BACKBONE = "wheel:speech_embedding"
WINDOW, STEP = 76, 8  # frames
WANTED_SECONDS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GRAFT_CACHE"] = cache
        measure(arguments.table, arguments.rounds)


def measure(table: Path, rounds: int) -> None:
    import graft
    from graft.features import cache, extract, suited

    dataset = graft.load(table)
    backbone = suited(BACKBONE, dataset)
    rows = np.arange(len(dataset))
    extract(dataset, rows[:32], backbone)  # turns the network into a graph, once per machine
    samples = backbone.card.preprocess.samples
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        for file in cache.cache_folder().glob("features/*/*.npy"):
            file.unlink()
        began = time.perf_counter()
        found = extract(dataset, rows, backbone)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        plain = plain_loop([dataset.path(int(row)) for row in rows], samples)
        theirs.append(time.perf_counter() - began)
    matrix = np.array(found.matrix, np.float32)
    cosine = (matrix * plain).sum(1) / np.linalg.norm(matrix, axis=1) / np.linalg.norm(plain, axis=1)
    seconds, loop = statistics.median(ours), statistics.median(theirs)
    about = machine.describe()
    print(f"{len(rows):,} recordings, {BACKBONE} on {samples / 16_000:.1f} s each, median of {rounds} rounds\n")
    print("| what | seconds | recordings a second |\n| --- | --- | --- |")
    print(f"| soundfile, resample_poly, ONNX Runtime | {loop:.1f} | {len(rows) / loop:.0f} |")
    print(f"| graft, files to features, {found.engine} | {seconds:.1f} | {len(rows) / seconds:.0f} |")
    print(f"\nloop / graft = {loop / seconds:.2f} times; {seconds:.1f} s (wanted: under {WANTED_SECONDS})")
    print(f"cosine to the loop's features: mean {cosine.mean():.5f}, least {cosine.min():.5f}")
    print(f"{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


def plain_loop(paths: list[Path], samples: int) -> np.ndarray:
    """The mean over windows of what the published network says, one recording after another."""
    import onnxruntime
    import openwakeword
    import soundfile
    from scipy.signal import resample_poly

    place = Path(openwakeword.__file__).parent / "resources" / "models"
    mel = onnxruntime.InferenceSession(place / "melspectrogram.onnx")
    embedding = onnxruntime.InferenceSession(place / "embedding_model.onnx")
    features = []
    for path in paths:
        wave, rate = soundfile.read(path, dtype="float32")
        wave = resample_poly(wave, 16_000, rate)[:samples]
        before = (samples - len(wave)) // 2
        wave = np.rint(np.pad(wave, (before, samples - len(wave) - before)) * 32_767).astype(np.float32)
        frames = mel.run(None, {"input": wave[None]})[0].squeeze() / 10 + 2
        starts = range(0, len(frames) - WINDOW + 1, STEP)
        windows = np.stack([frames[start : start + WINDOW] for start in starts])[..., None]
        features.append(embedding.run(None, {"input_1": windows})[0].reshape(len(windows), -1).mean(axis=0))
    return np.stack(features)


if __name__ == "__main__":
    main()

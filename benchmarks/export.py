"""What an export costs and saves: size, latency beside PyTorch, and the app in a browser.

    python benchmarks/export.py RUN [--picture FILE] [--seconds 20]

RUN is a run on pictures. Latencies are medians for one picture with one thread and with all, decoding left out; the
bare runtime is ONNX Runtime on the same network without anything before it, on a picture that Pillow prepared: its
resizing counts in one line and not in the other. The app is measured in headless Chromium with its own drawn camera,
where chromium and playwright are there.
"""

import argparse
import gzip
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

from graft import machine
from graft.adaptation.model import Model
from graft.export.parity import TorchRuntime
from graft.export.to_app import MODEL, write_page
from graft.export.to_onnx import network_graph
from graft.serving.host import host
from graft.verbs.export import ExportOptions, export

ROUNDS, RUNS = 20, 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--picture", type=Path, help="the picture to time; without it, one of noise, 480 x 360")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    model = Model.load(arguments.run / "model")
    modality, preprocess = model.modality, model.backbone.card.preprocess
    noise = np.random.default_rng(0).integers(256, size=(360, 480, 3), dtype=np.uint8)
    sample = modality.decode(arguments.picture) if arguments.picture else Image.fromarray(noise)
    pixels, prepared = np.asarray(sample)[None], modality.prepare(sample, preprocess)[None]
    with tempfile.TemporaryDirectory() as scratch:
        made = export(arguments.run, "onnx", Path(scratch) / "onnx", ExportOptions("all"))
        bare = Path(scratch) / "bare.onnx"
        onnx.save(network_graph(model, "sample"), bare)
        for threads in (1, machine.usable_cores()):
            torch.set_num_threads(threads)
            eager = TorchRuntime(model)
            ways: dict[str, Callable[[], object]] = {
                "PyTorch eager, resize by Pillow": lambda eager=eager: eager.run(modality.prepare(sample, preprocess)),
                "bare ONNX Runtime, prepared": opened(bare, "sample", prepared, threads),
                "bare ONNX Runtime, resize by Pillow": resized(bare, modality, sample, preprocess, threads),
            }
            for one in made.artifacts:
                if one.folder is not None:
                    ways[f"graft {one.variant}, {one.megabytes:.1f} MB"] = opened(
                        one.folder / "model.onnx", "pictures", pixels, threads
                    )
            show(ways, threads)
        for one in made.artifacts:
            told = f"refused: {one.error}" if one.parity is None or one.folder is None else agreement(one.parity)
            print(f"{one.variant}: {told}")
        if shutil.which("chromium"):
            for one in made.artifacts:
                if one.folder is not None:
                    app = Path(scratch) / f"app-{one.variant}"
                    shutil.copytree(one.folder, app / MODEL)
                    write_page(app, "fruit")
                    in_browser(app, one.variant, arguments.seconds)
    about = machine.describe()
    print(f"{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


def resized(file: Path, modality, sample, preprocess, threads: int) -> Callable[[], object]:
    run = session_of(file, threads).run
    return lambda: run(None, {"sample": modality.prepare(sample, preprocess)[None]})


def opened(file: Path, entry: str, sample: np.ndarray, threads: int) -> Callable[[], object]:
    run = session_of(file, threads).run
    return lambda: run(None, {entry: sample})


def session_of(file: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def show(ways: dict[str, Callable[[], object]], threads: int) -> None:
    """All ways in turn, round after round, so that a disturbance hits each of them."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            run()
            for _ in range(RUNS):
                began = time.perf_counter()
                run()
                times[name].append(1000 * (time.perf_counter() - began))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    first, bare = list(medians.values())[:2]
    print(f"\n| {threads} thread{'s' * (threads > 1)} | ms | times as fast as PyTorch | beside the bare runtime |")
    print("| --- | --- | --- | --- |")
    for name, median in medians.items():
        print(f"| {name} | {median:.1f} | {first / median:.1f} | {100 * (median / bare - 1):+.0f}% |")


def agreement(parity) -> str:
    lost = parity.accuracy_difference
    return (
        f"{100 * parity.agreement:.2f}% the same answers of {parity.samples:,} ({parity.checked_on}), accuracy "
        f"{100 * lost.value:+.1f} points ({100 * lost.low:+.1f} to {100 * lost.high:+.1f})"
    )


def in_browser(app: Path, variant: str, seconds: float) -> None:
    from playwright.sync_api import sync_playwright

    wire = sum(len(gzip.compress(one.read_bytes(), 6)) for one in app.rglob("*") if one.is_file() and needed(one, app))
    hosted = host(app, 0, network=False)
    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"]).new_page()
        page.add_init_script(
            "window.taken = [];"
            "document.addEventListener('graft:answer', (e) => window.taken.push(e.detail.milliseconds))"
        )
        page.goto(hosted.here)
        page.wait_for_selector("#progress", state="hidden", timeout=60_000)
        page.get_by_test_id("start").click()
        page.wait_for_timeout(3000)
        before = page.evaluate("window.taken.length")
        page.wait_for_timeout(1000 * seconds)
        taken = page.evaluate("window.taken")[before:]
        threads = page.evaluate("self.crossOriginIsolated")
        browser.close()
    hosted.close()
    allowed = "several threads allowed" if threads else "one thread"
    print(
        f"app with {variant}: {wire / 1e6:.1f} MB over the wire at first, {len(taken) / seconds:.1f} pictures a "
        f"second in Chromium, {statistics.median(taken):.0f} ms each ({allowed})"
    )


def needed(file: Path, app: Path) -> bool:
    """What a first visit loads and the service worker keeps."""
    return file.relative_to(app).as_posix() != "licences.txt"


if __name__ == "__main__":
    main()

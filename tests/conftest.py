"""Fixtures: pictures made on the spot, a cache of the tests' own, and the data sets that a checkout may lie beside."""

import csv
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker and hasattr(os, "sched_setaffinity"):  # processes that share their cores wait for each other's threads
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

from graft.verbs.fit import FitOptions, Fitted, fit  # noqa: E402  # libraries count the cores when they load

COLOURS = {"lemon": (220, 200, 40), "plum": (90, 30, 110), "lime": (90, 190, 60), "quince": (200, 170, 90)}


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache and one history for the whole session, so that a trunk is converted once; never the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRAFT_CACHE", str(folder))
        patched.setenv("GRAFT_HISTORY", str(folder / "history.json"))
        yield folder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test."""
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path / "own-cache"))
    return tmp_path / "own-cache" / "graft-cache"


def draw(path: Path, colour: tuple[int, int, int], seed: int, side: int = 64) -> Path:
    """A picture of one colour with noise; every seed gives another content."""
    noise = np.random.default_rng(seed).normal(0, 40, (side, side, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(path)
    return path


Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Make a folder of pictures: folder(lemon=6, plum=6), or folder("train", lemon=6) for one part of it."""

    def make(*below: str, **counts: int) -> Path:
        root = tmp_path / "fruit"
        for name, count in counts.items():
            for number in range(count):
                seed = hash_of("/".join((*below, name, str(number))))
                draw(root.joinpath(*below, name, f"{number}.png"), COLOURS.get(name, (128, 128, 128)), seed)
        root.mkdir(exist_ok=True)
        return root

    return make


def hash_of(text: str) -> int:
    return zlib.crc32(text.encode())


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A finished run on three classes of twenty small pictures, made with the packaged backbone."""
    root = tmp_path_factory.mktemp("session") / "fruit"
    for number, name in enumerate(("lemon", "plum", "lime")):
        for picture in range(20):
            draw(root / name / f"{picture}.png", COLOURS[name], 1000 * number + picture)
    return fit(root, root.parent / "run", FitOptions(effort="quick"))


NETWORKS = {
    "image": "random:timm:test_efficientnet@64",
    "text": "wheel:minilm_l6",
    "audio": "spectrogram+random:timm:test_efficientnet@64",
}
WAYS = ("the {} is here", "look at that {}", "a {} again", "where did the {} go", "one more {}")
SAID = {"animal": ("cat", "dog", "horse", "sheep"), "tool": ("hammer", "saw", "drill", "wrench")}


def pictures(root: Path, each: int = 24) -> Path:
    for number, (name, colour) in enumerate((("lemon", (220, 200, 40)), ("plum", (90, 30, 110)))):
        for one in range(each):
            draw(root / name / f"{one}.png", colour, 100 * number + one, side=80)
    return root


def texts(root: Path) -> Path:
    root.mkdir()
    rows = [(way.format(one), kind) for kind, names in SAID.items() for one in names for way in WAYS]
    with (root / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return root / "texts.csv"


def sounds(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, hertz in (("high", 3000), ("low", 300)):
        for number in range(16):
            time = np.arange(4000 + 100 * number) / 8000
            wave = 0.4 * np.sin(2 * np.pi * (hertz + 20 * number) * time) + rng.normal(0, 0.02, len(time))
            (root / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / name / f"{number}.wav", wave, 8000)
    return root


@pytest.fixture(
    scope="session", params=["image", *(pytest.param(one, marks=pytest.mark.slow) for one in ("audio", "text"))]
)
def run_of_a_kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on pictures, on sounds, and on texts, each with a small network."""
    root = tmp_path_factory.mktemp(request.param)
    data = {"image": pictures, "audio": sounds, "text": texts}[request.param](root / "data")
    return fit(data, root / "run", FitOptions(NETWORKS[request.param], "quick")).run


@pytest.fixture(scope="session")
def fruit() -> Path:
    """The fruit data set, which a checkout may lie beside."""
    path = Path(os.environ.get("GRAFT_DATA", "../shared/data")) / "fruit"
    if not path.is_dir():
        reason = f"{path} is not there: set GRAFT_DATA to the folder that holds fruit/"
        if os.environ.get("GRAFT_REQUIRE_DATA"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def small_whisper() -> Any:
    """The configuration of a Whisper of the least size, with room for two seconds."""
    import transformers

    return transformers.WhisperConfig(
        d_model=16,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=24,
        num_mel_bins=80,
        max_source_positions=100,
        vocab_size=50,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )

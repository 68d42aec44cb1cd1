"""The recipes run as they are typed, on a CIFAR-10 of a few pictures, without a network."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPES = Path(__file__).parents[1] / "recipes"


@pytest.fixture
def cifar10(tmp_path) -> Path:
    """Ten classes of 12 training and 4 test pictures, as Hugging Face datasets writes them."""
    import pyarrow
    import pyarrow.parquet

    rng = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 4)):
        rows = {"image": [], "label": []}
        for label in range(10):
            for _ in range(count):
                content = io.BytesIO()
                pixels = np.clip(rng.normal(25 * label, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(content, "PNG")
                rows["image"].append({"bytes": content.getvalue(), "path": ""})
                rows["label"].append(label)
        pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / f"{part}.parquet")
    return tmp_path


def run(recipe: str, *arguments: object, where: Path, cache: Path) -> str:
    environment = {**os.environ, "GRAFT_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(RECIPES / recipe), *map(str, arguments)]
    result = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=800)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_class_folders_are_written_once_and_bounded(cifar10, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPES))
    from cifar10 import class_folders

    target = class_folders(cifar10, tmp_path / "out", per_class=3, only=("cat", "truck"))
    assert len([*target.rglob("*.png")]) == 2 * (3 + 3)
    (cifar10 / "train.parquet").unlink()
    assert class_folders(cifar10, tmp_path / "out", per_class=3) == target


def test_a_source_without_cifar10_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPES))
    from cifar10 import class_folders

    with pytest.raises(SystemExit, match="neither train.parquet nor cifar-10-batches-py"):
        class_folders(tmp_path, tmp_path / "out")


@pytest.mark.slow
def test_the_classic_recipe_prints_the_loss_of_each_epoch(cifar10, tmp_path, cache):
    out = run("resnet18_cifar10.py", cifar10, 4, 2, where=tmp_path, cache=cache)
    assert "packaged EfficientNet-Lite0 takes its place" in out
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in out.splitlines() if line.startswith("epoch")]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert (tmp_path / "runs/resnet18_cifar10/model/model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pretraining_and_transfer_end_with_the_table(cifar10, tmp_path, cache):
    out = run("pretrain_then_transfer.py", cifar10, 12, 1, where=tmp_path, cache=cache)
    assert [line.split()[0] for line in out.splitlines()[-4:]] == ["5", "10", "20", "50"]

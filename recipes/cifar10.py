"""CIFAR-10 as class folders, from torchvision's own folder or from Parquet files, whichever is there.

    from cifar10 import class_folders
    data = class_folders("~/data/cifar10", "runs/data/cifar10", per_class=500)

The source holds train.parquet and test.parquet (columns image {bytes, path} and label, as Hugging Face datasets writes
them; reading them needs pyarrow: pip install 'graft-ml[parquet]'), or cifar-10-batches-py, as torchvision unpacks it.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def class_folders(
    source: str | Path, target: str | Path, per_class: int | None = None, only: Sequence[str] = NAMES
) -> Path:
    """Write target/train/CLASS/NUMBER.png and target/test/CLASS/NUMBER.png once; the first `per_class` of each."""
    source, target = Path(source).expanduser(), Path(target)
    if (target / "complete").exists():
        return target
    for part in ("train", "test"):
        counts = dict.fromkeys(only, 0)
        for picture, label in _samples(source, part):
            name = NAMES[label]
            if name not in counts or (per_class is not None and counts[name] >= per_class):
                continue
            file = target / part / name / f"{counts[name]:05}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            picture.save(file)
            counts[name] += 1
    (target / "complete").touch()
    return target


def _samples(source: Path, part: str) -> Iterator[tuple[Image.Image, int]]:
    parquet = source / f"{part}.parquet"
    if parquet.exists():
        import pyarrow.parquet

        for batch in pyarrow.parquet.ParquetFile(parquet).iter_batches(1000):
            for row in batch.to_pylist():
                yield Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB"), row["label"]
    elif (source / "cifar-10-batches-py").is_dir():
        from torchvision.datasets import CIFAR10

        yield from CIFAR10(str(source), train=part == "train")
    else:
        raise SystemExit(f"{source} holds neither {part}.parquet nor cifar-10-batches-py. Where is CIFAR-10?")

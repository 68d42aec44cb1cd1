"""What a run began with: its settings, versions and machine, and what of them differs when it is resumed."""

import time
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from graft import machine
from graft.data import Dataset, LoadOptions
from graft.data.listing import PART_NAMES
from graft.errors import listing
from graft.progress import Watch
from graft.records import PARTS, Json
from graft.run_folder import Resumable

if TYPE_CHECKING:
    from graft.verbs.fit import FitOptions

CORES = ("processor", "cores", "threads")  # of the machine: with others, the same seed gives other last digits
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "timm",
    "openvino",
    "pillow",
    "safetensors",
    "transformers",
    "tokenizers",
    "soundfile",
)


def began_with(dataset: Dataset, options: "FitOptions") -> Json:
    """The settings of a new run, as run.json holds them."""
    return {
        "graft": version("graft-ml"),
        "data": str(dataset.pointed_at.absolute()),  # so that the run can be resumed from anywhere
        "dataset": dataset.fingerprint,
        "split": dataset.split,
        "samples": {part: dataset.count(part) for part in PARTS},
        "classes": len(dataset.classes),
        "backbone": options.backbone,
        "effort": options.effort,
        **asdict(options.load),
        "root": root_of(dataset, options.load),
        "task": dataset.task.name,
        "modality": dataset.modality.name,
        "cache_gb": options.cache_gb,
        "minutes": options.minutes,
        "checkpoint_seconds": options.checkpoint_seconds,
        "pretrain_epochs": options.pretrain_epochs,
        **asdict(options.changes),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "machine": machine.describe(),
        "versions": _versions(),
    }


def root_of(dataset: Dataset, load: LoadOptions) -> str | None:
    """Where the paths in a table begin, if that is not the table's own folder."""
    if load.root is not None:
        return str(Path(load.root).absolute())
    own = dataset.pointed_at.absolute()
    return None if dataset.root in (own, own.parent) else str(dataset.root)


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def tell_what_differs(settings: Resumable, watch: Watch) -> None:
    """Say what differs from when the run began; on other cores sums are taken in another order."""
    present = _versions()
    other = [name for name, old in settings.versions.items() if present.get(name) != old]
    if other:
        watch.say(f"Other versions than when the run began ({listing(other)}): the last digits may differ.")
    for name, now in machine.describe().items():
        then = settings.machine.get(name)
        if name in CORES and then is not None and then != now:
            watch.say(f"The run began with {name} {then}, now it is {now}: the last digits of the model may differ.")


def _name_of(path: Path) -> str:
    """What to call a run: the folder, or the table; a table of one part is called like its folder."""
    path = path.resolve()
    return path.name if path.is_dir() else path.parent.name if path.stem in PART_NAMES else path.stem


def default_out(dataset: Dataset) -> Path:
    """runs/NAME, or the first free runs/NAME-2, runs/NAME-3 and so on."""
    return free_run(_name_of(dataset.pointed_at) or "run")


def free_run(name: str) -> Path:
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path

"""graft pretrain: a network from random weights, whose run is then a backbone like any other."""

from dataclasses import replace
from pathlib import Path

from graft.data.in_memory import Data
from graft.progress import SILENT, Watch
from graft.verbs.fit import FitOptions, Fitted, fit


def pretrain(
    data: Data,
    architecture: str,
    epochs: float = 30,
    out: str | Path | None = None,
    side: int | None = None,
    options: FitOptions | None = None,
    watch: Watch = SILENT,
) -> Fitted:
    """Train `timm:NAME` or `torchvision:NAME` from random weights, on pictures of `side` pixels or its own size.

    `run:OUT` is then a backbone, with stages, preprocessing and card. Raises as `graft.fit` does, and `graft.resume`
    goes on with it.
    """
    name = f"random:{architecture}" if side is None else f"random:{architecture}@{side}"
    return fit(data, out, replace(options or FitOptions(), backbone=name, pretrain_epochs=epochs), watch)

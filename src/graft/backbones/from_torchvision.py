"""Picture networks of torchvision, with the weights' own preprocessing; resnet18 is the classic."""

from typing import Any

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.hub import no_network, reachable
from graft.backbones.licence import OF_TORCHVISION, Licence
from graft.backbones.measure import example_input, macs_of, parameters_of
from graft.errors import RequestError
from graft.records import Card, ImagePreprocess

HOST = "https://download.pytorch.org"
SWAG = "facebookresearch/SWAG"


def open_torchvision(name: str) -> Backbone:
    """A backbone with torchvision's weights: `resnet18` takes the default ones, `resnet18.IMAGENET1K_V1` those."""
    from torchvision import models

    from graft.backbones.names import unknown

    architecture, _, chosen = name.partition(".")
    if architecture not in models.list_models(module=models):
        raise unknown(f"torchvision:{name}", [f"torchvision:{known}" for known in models.list_models(module=models)])
    enum = models.get_model_weights(architecture)
    if chosen and chosen not in enum.__members__:
        raise RequestError(
            f"torchvision:{architecture} has no weights {chosen!r}. It has: {', '.join(enum.__members__)}."
        )
    weights: Any = enum[chosen] if chosen else enum.DEFAULT
    loaded = load_torchvision(architecture, weights)
    preprocess = preprocess_of(weights)
    licence = licence_of(weights)
    card = Card(
        id=f"torchvision:{architecture}.{weights.name}",
        architecture=f"torchvision:{architecture}",
        modality="image",
        licence=licence.name,
        source=weights.url,
        parameters=parameters_of(loaded.module),
        macs=macs_of(loaded.module, example_input("image", preprocess)),
        width=width_of(loaded),
        preprocess=preprocess,
        licence_source=licence.source,
        licence_note=licence.note,
    )
    return Backbone(card, lambda: loaded)


def licence_of(weights: Any) -> Licence:
    """The licence of torchvision's weights: their own where they name one, else that of the library with its doubt."""
    own = weights.meta.get("license", "")
    if SWAG in own:
        return Licence("CC-BY-NC-4.0", f"torchvision, METADATA (Pre-trained Model License), and {own}")
    if own:
        return Licence(own, "torchvision, meta of these weights")
    return OF_TORCHVISION


def published_accuracy(name: str) -> float | None:
    """The accuracy on ImageNet-1k that comes with weights such as `resnet18` or `resnet18.IMAGENET1K_V1`."""
    from torchvision import models

    architecture, _, chosen = name.partition(".")
    if architecture not in models.list_models(module=models):
        return None
    enum = models.get_model_weights(architecture)
    weights: Any = enum.__members__.get(chosen) if chosen else enum.DEFAULT
    figures = {} if weights is None else weights.meta.get("_metrics", {}).get("ImageNet-1K", {})
    return figures["acc@1"] / 100 if "acc@1" in figures else None


def load_torchvision(architecture: str, weights: Any = None) -> Loaded:
    """Build a network of torchvision without its last layer; random weights where none are named."""
    import torch
    from torchvision import models

    if weights is not None and not _cached(weights, torch.hub.get_dir()) and not reachable(HOST):
        raise no_network(f"torchvision:{architecture}")
    module = models.get_model(architecture, weights=None)
    if weights is not None:
        try:
            # torchvision itself would open the pickle without weights_only.
            module.load_state_dict(weights.get_state_dict(check_hash=True, weights_only=True))
        except OSError as error:
            raise no_network(f"torchvision:{architecture}") from error
    return without_last_layer(module, architecture)


def without_last_layer(module: Any, architecture: str) -> Loaded:
    """Replace the last linear layer by an identity, so that the network gives what went into it.

    Raises `RequestError` for a network that ends in anything else.
    """
    from torch import nn

    linear = [(name, piece) for name, piece in module.named_modules() if isinstance(piece, nn.Linear)]
    if not linear:
        raise RequestError(f"torchvision:{architecture} has no linear last layer to replace. Choose another network.")
    name, head = linear[-1]
    parent = module.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Identity())
    return Loaded(module.eval(), head)


def width_of(loaded: Loaded) -> int:
    """The number of features: what the last layer took in."""
    if loaded.source_head is None:
        raise RequestError("This network has no linear last layer, so its features have no known width.")
    return loaded.source_head.in_features


def preprocess_of(weights: Any) -> ImagePreprocess:
    """Translate the transforms that come with torchvision's weights."""
    transforms = weights.transforms()
    return ImagePreprocess(
        resize=int(transforms.resize_size[0]),
        crop=int(transforms.crop_size[0]),
        interpolation="bicubic" if transforms.interpolation.value == "bicubic" else "bilinear",
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
    )


def _cached(weights: Any, folder: str) -> bool:
    from pathlib import Path

    return (Path(folder) / "checkpoints" / weights.url.rpartition("/")[2]).exists()

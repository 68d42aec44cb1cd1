"""Any picture network of timm, with its own preprocessing and licence."""

from contextlib import nullcontext
from typing import Any

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.hub import no_network, offline_when_unreachable
from graft.backbones.licence import OF_TIMM, spdx
from graft.backbones.measure import example_input, macs_of, parameters_of
from graft.errors import RequestError
from graft.records import Card, ImagePreprocess
from graft.telemetry import without_telemetry


def open_timm(name: str) -> Backbone:
    """A backbone with timm's pretrained weights; raises `RequestError` for an unknown name."""
    without_telemetry()
    import timm

    if not timm.is_model(name.split(".")[0]):
        from graft.backbones.names import unknown

        raise unknown(f"timm:{name}", [f"timm:{known}" for known in timm.list_models()])
    loaded = load_timm(name, pretrained=True)
    return Backbone(card_of(f"timm:{name}", loaded), lambda: loaded)


def load_timm(name: str, pretrained: bool) -> Loaded:
    """Build a network of timm without its classifier; random weights unless `pretrained`."""
    without_telemetry()
    import timm

    try:
        with offline_when_unreachable() if pretrained else nullcontext():
            module: Any = timm.create_model(name, pretrained=pretrained)
    except RuntimeError as error:
        if "pretrained" in str(error).lower() or "weights" in str(error).lower():
            raise RequestError(f"timm has no pretrained weights called {name!r} ({error}).") from error
        raise
    except OSError as error:  # huggingface_hub raises several kinds, all of them OSError
        raise no_network(f"timm:{name}") from error
    head = module.get_classifier()
    module.reset_classifier(0)
    return Loaded(module.eval(), head if _is_linear(head) else None)


def card_of(identity: str, loaded: Loaded) -> Card:
    """Read a card from timm's own description of a network."""
    module: Any = loaded.module
    described = module.pretrained_cfg
    preprocess = preprocess_of(described)
    return Card(
        id=identity,
        architecture=f"timm:{described.get('architecture', identity.removeprefix('timm:'))}",
        modality="image",
        licence=spdx(described.get("license")),
        source=described.get("hf_hub_id") or described.get("url") or "timm",
        parameters=parameters_of(module),
        macs=macs_of(module, example_input("image", preprocess)),
        width=module.num_features if not hasattr(module, "head_hidden_size") else module.head_hidden_size,
        preprocess=preprocess,
        licence_source=OF_TIMM,
    )


def preprocess_of(described: dict[str, Any]) -> ImagePreprocess:
    """Translate timm's data configuration: the crop is the input size, the resize is the crop over `crop_pct`."""
    side = int(described["input_size"][-1])
    return ImagePreprocess(
        resize=int(side / described.get("crop_pct", 0.875)),
        crop=side,
        interpolation="bilinear" if described.get("interpolation") == "bilinear" else "bicubic",
        mean=tuple(described["mean"]),
        std=tuple(described["std"]),
    )


def _is_linear(head: object) -> bool:
    from torch import nn

    return isinstance(head, nn.Linear)

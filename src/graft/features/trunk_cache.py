"""What is kept of a trunk so that the next run needs neither torch nor a conversion: its graph and its weights."""

import hashlib
import importlib.util
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.errors import GraftError, WorkError
from graft.features.engine import Engine, TorchEngine, Wanted
from graft.modalities.modality import Prepared
from graft.progress import SILENT, Watch
from graft.storage import cache_folder, write_bytes


def trunk_folder(backbone: Backbone) -> Path:
    """Where the graph and the weights of a trunk are kept."""
    return cache_folder() / "trunks" / backbone.fingerprint[:32]


def open_engine(backbone: Backbone, wanted: Wanted, samples: Sequence[Prepared], watch: Watch = SILENT) -> Engine:
    """The fastest engine that agrees with torch on these prepared samples.

    A GPU computes in torch. A CPU computes in OpenVINO, unless that is missing or disagrees.
    """
    if backbone.card.modality == "pair":
        from graft.backbones.fused import parts_of
        from graft.features.fused import FusedEngine

        return FusedEngine(parts_of(backbone), samples, lambda part, own: open_engine(part, wanted, own, watch))
    if _has_gpu() or backbone.card.parameters == 0:  # what learnt nothing is a sum or two
        return TorchEngine(backbone)
    if importlib.util.find_spec("openvino") is None:
        watch.say("OpenVINO is not installed: features are computed by torch, about ten times slower on a CPU.")
        return TorchEngine(backbone)
    from graft.features.openvino import openvino_engine

    try:
        engine = openvino_engine(backbone, wanted, samples, trunk_folder(backbone))
    except GraftError:
        raise
    except Exception as error:  # torch.export and OpenVINO raise many kinds for what they cannot express
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        watch.say(f"OpenVINO cannot run {backbone.card.id} ({reason}): torch computes it.")
        return TorchEngine(backbone)
    if engine is None:
        watch.say(f"OpenVINO does not agree with torch on {backbone.card.id}: torch computes its features.")
        return TorchEngine(backbone)
    return engine


def trunk_weights(backbone: Backbone) -> dict[str, NDArray[Any]]:
    """The trunk's tensors as numpy arrays, from the cache where they were kept."""
    from safetensors.numpy import load, save

    for kept in trunk_folder(backbone).glob("weights-*.safetensors"):
        content = kept.read_bytes()
        if _weights_name(content) == kept.name:  # the name carries the checksum
            return load(content)
    weights = {
        # order="C" because ascontiguousarray would turn a single number into a list of one
        name: np.asarray(value.detach().cpu().numpy(), order="C")
        for name, value in backbone.module.state_dict().items()
    }
    content = save(weights)
    with suppress(WorkError):  # a cache that cannot be written: the next run loads the network again
        write_bytes(trunk_folder(backbone) / _weights_name(content), content)
    return weights


def _weights_name(content: bytes) -> str:
    return f"weights-{hashlib.sha256(content).hexdigest()}.safetensors"


def _has_gpu() -> bool:
    """Whether torch would find an NVIDIA GPU, asked without importing torch where there clearly is none."""
    if not (Path("/dev/nvidiactl").exists() or Path("/proc/driver/nvidia").exists()):
        return False
    import torch

    return torch.cuda.is_available()

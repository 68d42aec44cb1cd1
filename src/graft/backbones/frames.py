"""Networks that hear, frame by frame instead of pooled: what writing down speech needs."""

import copy
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.names import FRAMES
from graft.backbones.speech import SpeechEncoder
from graft.backbones.speech_embedding import FIELD, SpeechEmbedding
from graft.errors import RequestError
from graft.records import Card

FINER = 1  # times the packaged network's step of 80 ms is halved: it is too coarse for the letters of short words


class Frames(nn.Module):
    """(batch, samples) -> (batch, frames, width); `trunk` holds the weights under the names that it always had."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.pieces = _pieces(trunk)

    def forward(self, waves: Tensor) -> Tensor:
        values = waves
        for _, piece in self.pieces:
            values = piece(values)
        return values


class Around(nn.Module):
    """A front end that hears silence before and after, so that there are frames for all of the sound."""

    def __init__(self, front: nn.Module, samples: int) -> None:
        super().__init__()
        self.front, self.samples = front, samples

    def forward(self, waves: Tensor) -> Tensor:
        result: Tensor = self.front(nn.functional.pad(waves, (self.samples, self.samples)))
        return result


class Steps(nn.Module):
    """(batch, channels, steps, 1) -> (batch, steps, channels), behind a last convolution."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.last = last

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.last(values)[..., 0].transpose(1, 2)
        return result


def frame_by_frame(backbone: Backbone) -> Backbone:
    """The same network before its pooling; raises `RequestError` for one that has no frames of sound."""
    card = backbone.card
    if not isinstance(backbone.module, SpeechEmbedding | SpeechEncoder):
        raise RequestError(
            f"{card.id} does not hear frame by frame, which writing down speech needs. Expected "
            "wheel:speech_embedding, wheel:whisper_base, or hf: with a speech encoder."
        )
    return Backbone(
        replace(card, architecture=FRAMES + card.architecture),
        lambda: Loaded(Frames(copy.deepcopy(backbone.module)).eval()),
    )


def pooled_card(card: Card) -> Card:
    """The card of the network as it was before `frame_by_frame`."""
    return replace(card, architecture=card.architecture.removeprefix(FRAMES))


def pooled(backbone: Backbone) -> Backbone:
    """The network as it was before `frame_by_frame`, with the weights that it has now."""
    card = pooled_card(backbone.card)

    def load() -> Loaded:
        from graft.backbones.from_checkpoint import build_for

        loaded = build_for(card)
        frames: Any = backbone.module
        loaded.module.load_state_dict(frames.trunk.state_dict())
        return loaded

    return Backbone(card, load)


def _pieces(trunk: nn.Module) -> list[tuple[str, nn.Module]]:
    if isinstance(trunk, SpeechEmbedding):
        _refine(trunk, FINER)
        (name, mel), *blocks, _ = trunk.pieces
        return [(name, Around(mel, FIELD // 2)), *blocks, ("frames", Steps(trunk.last))]
    assert isinstance(trunk, SpeechEncoder)
    *before, (_, pool) = trunk.pieces
    end: Any = pool
    return [*before, ("frames", end.norm)]


def _refine(network: SpeechEmbedding, times: int) -> None:
    """Halve the step between frames so often: what was every second frame stays the same, others come between.

    The last poolings keep every place, and what follows looks past the new ones (the "à trous" algorithm, Holschneider
    et al. 1989).
    """
    layers: list[Any] = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.MaxPool2d)]  # in order
    over_time = [one for one in layers if isinstance(one, nn.MaxPool2d) and one.kernel_size[0] == 2]  # type: ignore[index]
    apart = 1
    for layer in layers:
        if layer.kernel_size[0] > 1 and isinstance(layer, nn.Conv2d):
            layer.dilation = (apart, 1)
        elif layer in over_time:
            layer.dilation = (apart, 1)
            if layer in over_time[len(over_time) - times :]:
                layer.stride = (1, layer.kernel_size[1])
                apart *= 2

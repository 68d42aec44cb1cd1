"""Google's speech embedding in torch: a mel front end and a convolutional network that knows spoken words.

The network and its weights are those of tfhub.dev/google/speech_embedding (Lin et al. 2020, arXiv:2002.01322,
Apache-2.0) in the ONNX form that openwakeword ships. There it reads windows of 76 frames; because it is convolutional
it reads a whole recording here, which gives the same vectors every 8 frames for a tenth of the work.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from graft.backbones.fourier import BandPower

if TYPE_CHECKING:
    import numpy as np

SPEECH_EMBEDDING = "speech-embedding"
WINDOW, HOP, BINS, MELS = 512, 160, 257, 32
RANGE = 80.0  # decibels below the loudest that count
FLOOR = -0.4  # of every activation
FIELD = 76 * HOP + WINDOW - HOP  # samples that one vector hears
CHANNELS = (24, 48, 72, 96, 96)
POOLS = ((2, 2), (1, 2), (2, 2), (1, 2), (2, 2))  # (time, frequency) after each block


class Mel(BandPower):
    """(batch, samples), full volume 32,768 -> (batch, 1, frames, 32): decibels over 10, and 2 more."""

    def __init__(self) -> None:
        super().__init__(WINDOW, HOP, torch.rand(BINS, MELS) / BINS)  # its own filters come with its weights

    def forward(self, waves: Tensor) -> Tensor:
        decibels = 10 * torch.log10(self.power(waves).clamp(min=1e-10))
        floor = decibels.amax(dim=(1, 2), keepdim=True) - RANGE
        return (torch.maximum(decibels, floor) / 10 + 2)[:, None]


class Rectified(nn.Module):
    """A fifth of what is below zero, and never less than -0.4."""

    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.leaky_relu(values, 0.2).clamp(min=FLOOR)


class SpeechEmbedding(nn.Module):
    """(batch, samples) -> (batch, 96): the mean over time of what the network says every 80 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = Mel()
        self.blocks = nn.ModuleList(_block(number) for number in range(len(CHANNELS)))
        self.last = nn.Conv2d(CHANNELS[-1], CHANNELS[-1], (3, 1), bias=False)

    @property
    def pieces(self) -> "list[tuple[str, nn.Module]]":
        """Front end, blocks, pooling."""
        pool = nn.Sequential(self.last, nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
        return [("mel", self.mel), *((f"blocks.{n}", block) for n, block in enumerate(self.blocks)), ("pool", pool)]

    def forward(self, waves: Tensor) -> Tensor:
        values: Tensor = self.every_step(waves)
        return values.mean(dim=1)

    def every_step(self, waves: Tensor) -> Tensor:
        """(batch, samples) -> (batch, steps, 96): one vector every 80 ms, each of 775 ms of sound."""
        values = self.mel(waves)
        for block in self.blocks:
            values = block(values)
        return self.last(values)[..., 0].transpose(1, 2)


def _block(number: int) -> nn.Sequential:
    """Two pairs of convolutions over frequency and over time; the first block has one pair, after its entry."""
    channels, before = CHANNELS[number], CHANNELS[max(0, number - 1)]
    if number == 0:
        entry = [nn.Conv2d(1, channels, 3, padding=(0, 1), bias=False), nn.ReLU()]
        layers: list[nn.Module] = [*entry, nn.BatchNorm2d(channels, eps=0.001), Rectified()]
        pairs = 1
    else:
        layers, pairs = [], 2
    for pair in range(pairs):
        across = nn.Conv2d(before if pair == 0 else channels, channels, (1, 3), padding=(0, 1))
        layers += [across, Rectified(), nn.Conv2d(channels, channels, (3, 1)), Rectified()]
    return nn.Sequential(*layers, nn.MaxPool2d(POOLS[number]))


def read_onnx(embedding: Path, mel: Path) -> SpeechEmbedding:
    """The network with the weights of openwakeword's two ONNX files, in the order in which they are used."""
    import onnx

    module = SpeechEmbedding()
    front = _initialisers(mel)
    module.mel.cosine.copy_(front["0.stft.conv_real.weight"])
    module.mel.sine.copy_(front["0.stft.conv_imag.weight"])
    module.mel.filters.copy_(front["1.melW"])
    weights = _initialisers(embedding)
    layers = [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.BatchNorm2d)]
    nodes = [one for one in onnx.load(embedding).graph.node if one.op_type in ("Conv", "BatchNormalization")]
    for layer, node in zip(layers, nodes, strict=True):
        values = [weights[name] for name in node.input[1:]]
        places = [layer.weight, layer.bias]
        if isinstance(layer, nn.BatchNorm2d):
            places += [layer.running_mean, layer.running_var]
        for place, value in zip(places, values, strict=False):
            assert place is not None
            place.data.copy_(value)
    return module.eval()


def _initialisers(path: Path) -> dict[str, Tensor]:
    import onnx
    from onnx import numpy_helper

    values: dict[str, np.ndarray] = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    return {name: torch.from_numpy(value.copy()) for name, value in values.items()}

"""Any picture network over a log-mel spectrogram: sounds seen."""

import math

import torch
from torch import Tensor, nn

from graft.backbones.fourier import BandPower

SPECTROGRAM = "spectrogram+"  # before the name of a picture network
RATE, WINDOW, HOP, MELS = 16_000, 512, 160, 96
LOWEST, HIGHEST = 40.0, 7_800.0  # Hz
RANGE = 80.0  # decibels below the loudest that are seen


class LogMel(BandPower):
    """(batch, samples) -> (batch, frames, 96): decibels of each band, from 40 below to 40 above the middle."""

    def __init__(self) -> None:
        super().__init__(WINDOW, HOP, mel_filters())

    def forward(self, waves: Tensor) -> Tensor:
        decibels = 10 * torch.log10(self.power(waves).clamp(min=1e-10))
        loudest = decibels.amax(dim=(1, 2), keepdim=True)
        return torch.maximum(decibels, loudest - RANGE) - loudest + RANGE / 2


class Spectrogram(nn.Module):
    """(batch, samples), full volume 1 -> (batch, 3, side, side): log-mel, resized, about normal in its values."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.mel = LogMel()

    def forward(self, waves: Tensor) -> Tensor:
        seen = self.mel(waves).transpose(1, 2).flip(1)[:, None] / 20  # high sounds at the top
        picture = nn.functional.interpolate(seen, (self.side, self.side), mode="bilinear", align_corners=False)
        return picture.expand(-1, 3, -1, -1)


class Sounding(nn.Module):
    """(batch, samples) -> (batch, width): a picture network behind a spectrogram."""

    def __init__(self, network: nn.Module, side: int) -> None:
        super().__init__()
        self.front = Spectrogram(side)
        self.network = network

    def forward(self, waves: Tensor) -> Tensor:
        values: Tensor = self.network(self.front(waves))
        return values


def mel_filters() -> Tensor:
    """Triangles that are evenly spaced on the mel scale of O'Shaughnessy (1987): (frequencies, mels)."""

    def mel(hertz: float) -> float:
        return 2595 * math.log10(1 + hertz / 700)

    corners = 700 * (10 ** (torch.linspace(mel(LOWEST), mel(HIGHEST), MELS + 2) / 2595) - 1)
    frequencies = torch.linspace(0, RATE / 2, WINDOW // 2 + 1)[:, None]
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)

"""The front end of networks that hear: short-time power in bands, as convolutions, so that it goes where they go."""

import torch
from torch import Tensor, nn


class BandPower(nn.Module):
    """(batch, samples) -> (batch, frames, bands): power under a Hann window, summed into bands by `filters`."""

    cosine: Tensor
    sine: Tensor
    filters: Tensor

    def __init__(self, window: int, hop: int, filters: Tensor) -> None:
        super().__init__()
        self.hop = hop
        angle = torch.arange(window // 2 + 1)[:, None] * torch.arange(window)[None, :] * (2 * torch.pi / window)
        hann = torch.hann_window(window)
        self.register_buffer("cosine", (torch.cos(angle) * hann)[:, None])
        self.register_buffer("sine", (torch.sin(angle) * hann)[:, None])
        self.register_buffer("filters", filters)  # (frequencies, bands)

    def power(self, waves: Tensor) -> Tensor:
        waves = waves[:, None]
        real = nn.functional.conv1d(waves, self.cosine, stride=self.hop)
        imaginary = nn.functional.conv1d(waves, self.sine, stride=self.hop)
        return (real.square() + imaginary.square()).transpose(1, 2) @ self.filters

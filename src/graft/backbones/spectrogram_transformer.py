"""The Audio Spectrogram Transformer of transformers (Gong et al. 2021), with its front end as one convolution."""

import json
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.bounds import check_config
from graft.backbones.hub import described, without_notes
from graft.errors import WorkError
from graft.records import AudioPreprocess, Card
from graft.telemetry import without_telemetry

TRANSFORMERS_AST = "transformers-spectrogram:"  # before the JSON that a network can be built from again
RATE, FRAME, HOP, POINTS = 16_000, 400, 160, 512
EMPHASIS = 0.97
LEAST = 1.0  # seconds
FLOOR = 1.192092955078125e-07
USUAL = {"mean": -4.2677393, "std": 4.5689974}  # of AudioSet


class FilterBank(nn.Module):
    """(batch, samples), full volume 1 -> (batch, `most` frames, bands): Kaldi's log-mel filter bank.

    Taking off the mean, emphasis, window and Fourier transform are linear in the 400 samples of a frame, and so are one
    convolution. Frames that are not there are zeros before values are centred.
    """

    frames: Tensor
    filters: Tensor

    def __init__(self, bands: int, most: int, mean: float, std: float) -> None:
        super().__init__()
        without_telemetry()
        from transformers.audio_utils import mel_filter_bank

        self.most, self.mean, self.std = most, mean, std
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its lowest bands are narrower than a point, in the published network too
            bank = mel_filter_bank(
                POINTS // 2 + 1,
                bands,
                20,
                RATE // 2,
                RATE,
                norm=None,
                mel_scale="kaldi",
                triangularize_in_mel_space=True,
            )
        one = torch.eye(FRAME, dtype=torch.float64)
        centred = one - 1 / FRAME
        sharper = one - EMPHASIS * torch.diag(torch.ones(FRAME - 1, dtype=torch.float64), -1)
        sharper[0, 0] = 1 - EMPHASIS
        window = torch.hann_window(FRAME, periodic=False, dtype=torch.float64)
        angle = torch.arange(POINTS // 2 + 1)[:, None] * torch.arange(FRAME)[None] * (2 * torch.pi / POINTS)
        waves = torch.cat([torch.cos(angle.double()), torch.sin(angle.double())]) * window
        self.register_buffer("frames", (waves @ sharper @ centred)[:, None].float())
        self.register_buffer("filters", torch.tensor(bank, dtype=torch.float32))

    def forward(self, waves: Tensor) -> Tensor:
        seen = nn.functional.conv1d(waves[:, None], self.frames, stride=HOP)[..., : self.most]
        real, imaginary = seen.chunk(2, dim=1)
        power = (real.square() + imaginary.square()).transpose(1, 2) @ self.filters
        bands = torch.log(power.clamp(min=FLOOR))
        filled = nn.functional.pad(bands, (0, 0, 0, self.most - bands.shape[1]))
        return (filled - self.mean) / (2 * self.std)


class FirstTwo(nn.Module):
    """(batch, tokens, width) -> (batch, width): the mean of the two tokens that stand for the whole."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, tokens: Tensor) -> Tensor:
        result: Tensor = self.norm(tokens)[:, :2].mean(dim=1)
        return result


class SpectrogramTransformer(nn.Module):
    """(batch, samples), full volume 1 -> (batch, width)."""

    def __init__(self, model: Any, mean: float, std: float) -> None:
        super().__init__()
        self.model = model
        self.front = FilterBank(model.config.num_mel_bins, model.config.max_length, mean, std)
        layers = [(f"layers.{number}", layer) for number, layer in enumerate(model.layers)]
        start = nn.Sequential(self.front, model.embeddings)
        self.pieces = [("embedding", start), *layers, ("pool", FirstTwo(model.layernorm))]

    def forward(self, waves: Tensor) -> Tensor:
        values = waves
        for _, piece in self.pieces:
            values = piece(values)
        return values


def open_spectrogram_transformer(name: str, config: Any) -> Backbone:
    """`hf:NAME` of an Audio Spectrogram Transformer."""
    without_notes()
    from transformers import AutoModel

    from graft.backbones.from_transformers import beside, licence_of, not_there
    from graft.backbones.measure import example_input, macs_of, parameters_of

    try:
        model = AutoModel.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_there(f"hf:{name}", name, error) from error
    told = beside(name, "preprocessor_config.json") or {}
    scale = {key: float(told.get(key, usual)) for key, usual in USUAL.items()}
    module = SpectrogramTransformer(model, **scale).eval()
    most = (config.max_length - 1) * HOP + FRAME
    preprocess = AudioPreprocess(RATE, int(LEAST * RATE), min(int(LEAST * RATE), most), most)
    about = json.dumps({**described(config), "scale": scale}, sort_keys=True, separators=(",", ":"))
    licence = licence_of(name)
    card = Card(
        id=f"hf:{name}",
        architecture=TRANSFORMERS_AST + about,
        modality="audio",
        licence=licence.name,
        source=name,
        parameters=parameters_of(module),
        macs=macs_of(module, example_input("audio", preprocess)),
        width=int(config.hidden_size),
        preprocess=preprocess,
        licence_source=licence.source,
        licence_note=licence.note,
    )
    return Backbone(card, lambda: Loaded(module))


def build_spectrogram_transformer(architecture: str) -> SpectrogramTransformer:
    """The same with random weights, from the architecture of its card."""
    try:
        without_notes()
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise WorkError("This network needs an extra. Install it with: pip install 'graft-ml[text]'") from error
    about = json.loads(architecture.removeprefix(TRANSFORMERS_AST))
    check_config(about, "The network")
    scale = about.pop("scale")
    return SpectrogramTransformer(AutoModel.from_config(AutoConfig.for_model(**about)), **scale).eval()

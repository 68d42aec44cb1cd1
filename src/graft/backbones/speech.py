"""Speech encoders of transformers: wav2vec 2.0, HuBERT, WavLM and their like, and the encoder of Whisper."""

import json
from typing import Any

import torch
from torch import Tensor, nn

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.bounds import check_config
from graft.backbones.hub import described, without_notes
from graft.errors import RequestError, WorkError
from graft.records import AudioPreprocess, Card
from graft.telemetry import without_telemetry

TRANSFORMERS_SPEECH = "transformers-speech:"  # before the JSON that an encoder can be built from again
RATE = 16_000
LEAST, MOST = 1.0, 30.0  # seconds that it hears at once
WHISPER_WINDOW, WHISPER_HOP = 400, 160


class Wave(nn.Module):
    """(batch, samples) -> the same with mean 0 and variance 1, as these networks were trained to expect it."""

    def forward(self, waves: Tensor) -> Tensor:
        centred = waves - waves.mean(dim=1, keepdim=True)
        return centred / torch.sqrt(centred.square().mean(dim=1, keepdim=True) + 1e-7)


class Heard(nn.Module):
    """What the convolutions hear, (batch, samples) -> (batch, frames, width)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.wave, self.convolutions, self.projection = Wave(), model.feature_extractor, model.feature_projection

    def forward(self, waves: Tensor) -> Tensor:
        result: Any = self.projection(self.convolutions(self.wave(waves)).transpose(1, 2))
        return result[0] if isinstance(result, tuple) else result


class Placed(nn.Module):
    """The same with positions."""

    def __init__(self, encoder: Any, norm_first: bool) -> None:
        super().__init__()
        self.positions = encoder.pos_conv_embed
        self.norm = nn.Identity() if norm_first else encoder.layer_norm

    def forward(self, frames: Tensor) -> Tensor:
        result: Tensor = self.norm(frames + self.positions(frames))
        return result


class SpeechLayer(nn.Module):
    """One transformer layer on (batch, frames, width)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, frames: Tensor) -> Tensor:
        result: Any = self.layer(frames)
        return result[0] if isinstance(result, tuple) else result


class MeanOfFrames(nn.Module):
    """(batch, frames, width) -> (batch, width)."""

    def __init__(self, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.norm = nn.Identity() if norm is None else norm

    def forward(self, frames: Tensor) -> Tensor:
        result: Tensor = self.norm(frames).mean(dim=1)
        return result


class WhisperFront(nn.Module):
    """(batch, samples) -> (batch, mels, frames): Whisper's own log-mel spectrogram."""

    window: Tensor
    filters: Tensor

    def __init__(self, mels: int) -> None:
        super().__init__()
        without_telemetry()
        from transformers.audio_utils import mel_filter_bank

        bank = mel_filter_bank(WHISPER_WINDOW // 2 + 1, mels, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
        angle = torch.arange(WHISPER_WINDOW // 2 + 1)[:, None] * torch.arange(WHISPER_WINDOW)[None, :]
        turned = angle * (2 * torch.pi / WHISPER_WINDOW)
        hann = torch.hann_window(WHISPER_WINDOW)
        self.register_buffer("window", torch.stack([torch.cos(turned) * hann, torch.sin(turned) * hann])[:, :, None])
        self.register_buffer("filters", torch.tensor(bank, dtype=torch.float32))

    def forward(self, waves: Tensor) -> Tensor:
        around = nn.functional.pad(waves[:, None], (WHISPER_WINDOW // 2, WHISPER_WINDOW // 2), mode="reflect")
        real, imaginary = (nn.functional.conv1d(around, one, stride=WHISPER_HOP) for one in self.window)
        power = (real.square() + imaginary.square())[..., :-1]
        decibels = torch.log10((self.filters.T @ power).clamp(min=1e-10))
        floor = decibels.amax(dim=(1, 2), keepdim=True) - 8.0
        return (torch.maximum(decibels, floor) + 4.0) / 4.0


class WhisperStart(nn.Module):
    """Front end, convolutions and positions: (batch, samples) -> (batch, frames, width)."""

    def __init__(self, encoder: Any, mels: int) -> None:
        super().__init__()
        self.front = WhisperFront(mels)
        self.first, self.second, self.positions = encoder.conv1, encoder.conv2, encoder.embed_positions

    def forward(self, waves: Tensor) -> Tensor:
        values = nn.functional.gelu(self.first(self.front(waves)))
        values = nn.functional.gelu(self.second(values)).transpose(1, 2)
        return values + self.positions.weight[: values.shape[1]]


class SpeechEncoder(nn.Module):
    """(batch, samples), full volume 1 -> (batch, width): the mean over time of the last layer."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.pieces = _pieces(model)

    def forward(self, waves: Tensor) -> Tensor:
        values = waves
        for _, piece in self.pieces:
            values = piece(values)
        return values


def _pieces(model: Any) -> list[tuple[str, nn.Module]]:
    encoder = model.encoder
    layers = [(f"layers.{number}", SpeechLayer(layer)) for number, layer in enumerate(encoder.layers)]
    if model.config.model_type == "whisper":
        layers = [(name, WhisperLayer(layer.layer)) for name, layer in layers]
        start = WhisperStart(encoder, model.config.num_mel_bins)
        return [("embedding", start), *layers, ("pool", MeanOfFrames(encoder.layer_norm))]
    if model.config.model_type == "wavlm":
        layers = [(name, WavLMLayer(layer.layer, encoder.layers[0])) for name, layer in layers]
    norm_first = bool(getattr(model.config, "do_stable_layer_norm", False))
    ends = MeanOfFrames(encoder.layer_norm if norm_first else None)
    return [("embedding", nn.Sequential(Heard(model), Placed(encoder, norm_first))), *layers, ("pool", ends)]


class WhisperLayer(SpeechLayer):
    """The same for Whisper, whose layers want to be told that nothing is masked."""

    def forward(self, frames: Tensor) -> Tensor:
        result: Any = self.layer(frames, None)
        return result[0] if isinstance(result, tuple) else result


class WavLMLayer(SpeechLayer):
    """The same for WavLM, whose layers all want the distances between frames as its first layer weighs them."""

    def __init__(self, layer: nn.Module, first: Any) -> None:
        super().__init__(layer)
        self._first = [first]  # a list, because its weights belong to the first layer alone

    def forward(self, frames: Tensor) -> Tensor:
        attention = self._first[0].attention
        apart = attention.compute_bias(frames.shape[1], frames.shape[1])
        result: Any = self.layer(frames, position_bias=apart.repeat(frames.shape[0], 1, 1))
        return result[0] if isinstance(result, tuple) else result


KNOWN = ("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat", "whisper")


def open_speech_encoder(name: str, config: Any) -> Backbone:
    """`hf:NAME` of a speech encoder; raises `RequestError` for a family that graft cannot take apart."""
    without_notes()
    from transformers import AutoModel

    from graft.backbones.from_transformers import licence_of, not_there
    from graft.backbones.measure import example_input, macs_of, parameters_of

    identity = f"hf:{name}"
    if config.model_type not in KNOWN:
        raise RequestError(
            f"{identity} is a {config.model_type}. Speech encoders that graft takes: {', '.join(KNOWN)}."
        )
    try:
        model = AutoModel.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_there(identity, name, error) from error
    module = SpeechEncoder(_without_decoder(model)).eval()
    most = min(MOST, _most_seconds(config))
    preprocess = AudioPreprocess(RATE, int(LEAST * RATE), int(LEAST * RATE), int(most * RATE))
    licence = licence_of(name)
    card = Card(
        id=identity,
        architecture=TRANSFORMERS_SPEECH + json.dumps(described(config), sort_keys=True, separators=(",", ":")),
        modality="audio",
        licence=licence.name,
        source=name,
        parameters=parameters_of(module),
        macs=macs_of(module, example_input("audio", preprocess)),
        width=int(config.hidden_size if config.model_type != "whisper" else config.d_model),
        preprocess=preprocess,
        licence_source=licence.source,
        licence_note=licence.note,
    )
    return Backbone(card, lambda: Loaded(module))


def build_speech_encoder(architecture: str) -> SpeechEncoder:
    """An encoder with random weights from the architecture of its card."""
    try:
        without_notes()
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise WorkError("This network needs an extra. Install it with: pip install 'graft-ml[text]'") from error
    about = json.loads(architecture.removeprefix(TRANSFORMERS_SPEECH))
    check_config(about, "The network")
    config = AutoConfig.for_model(**about)
    return SpeechEncoder(_without_decoder(AutoModel.from_config(config))).eval()


def _without_decoder(model: Any) -> Any:
    """Whisper's decoder is not used: only what hears is kept."""
    if model.config.model_type == "whisper":
        del model.decoder
    return model


def _most_seconds(config: Any) -> float:
    """How much a network hears at once: Whisper has positions for half a minute, the others for any length."""
    return 0.02 * config.max_source_positions if config.model_type == "whisper" else float("inf")

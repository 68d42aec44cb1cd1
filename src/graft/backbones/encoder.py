"""Text encoders of transformers, in pieces with a single tensor passing between them."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from graft.backbones.bounds import check_config
from graft.backbones.hub import described, without_notes

TRANSFORMERS = "transformers:"  # before the JSON that an encoder can be built from again
LEAST = -1e4  # added to the attention of what is only filling: the softmax makes it nothing, in half precision too


@dataclass(frozen=True, slots=True)
class Pooling:
    """How the vectors of all tokens become one; `pad` is the number of the token that only fills up."""

    pad: int
    kind: Literal["mean", "first"] = "mean"
    normalise: bool = False  # to length 1


class Embedding(nn.Module):
    """Numbers of tokens, (batch, tokens) -> (batch, tokens, width + 1); the last value says what is no filling."""

    def __init__(self, embeddings: nn.Module, pad: int) -> None:
        super().__init__()
        self.embeddings, self.pad = embeddings, pad

    def forward(self, tokens: Tensor) -> Tensor:
        vectors = self.embeddings(input_ids=tokens)
        return torch.cat([vectors, (tokens != self.pad).unsqueeze(-1).to(vectors.dtype)], dim=-1)


class Layer(nn.Module):
    """One transformer layer on (batch, tokens, width + 1)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, vectors: Tensor) -> Tensor:
        there = vectors[..., -1:]
        bias = (1 - there).mul(LEAST)[..., 0][:, None, None, :]
        result: Any = self.layer(vectors[..., :-1].contiguous(), attention_mask=bias)
        return torch.cat([result[0] if isinstance(result, tuple) else result, there], dim=-1)


class Pool(nn.Module):
    """(batch, tokens, width + 1) -> (batch, width)."""

    def __init__(self, pooling: Pooling, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.pooling, self.norm = pooling, norm

    def forward(self, vectors: Tensor) -> Tensor:
        there, vectors = vectors[..., -1:], vectors[..., :-1]
        if self.norm is not None:
            vectors = self.norm(vectors)
        return _pooled(vectors, there, self.pooling)


class Encoder(nn.Module):
    """(batch, tokens) -> (batch, width). Families that are known run in pieces, others as transformers runs them."""

    def __init__(self, model: Any, pooling: Pooling) -> None:
        super().__init__()
        if getattr(model, "pooler", None) is not None:
            model.pooler = None  # it was made for another task
        self.model, self.pooling = model, pooling
        self.pieces = _pieces(model, pooling)  # a plain list: the model holds the weights

    def forward(self, tokens: Tensor) -> Tensor:
        if self.pieces is None:
            return self.as_published(tokens)
        vectors = tokens
        for _, piece in self.pieces:
            vectors = piece(vectors)
        return vectors

    def as_published(self, tokens: Tensor) -> Tensor:
        """The same as transformers computes it: what the pieces are compared with."""
        there = tokens != self.pooling.pad
        vectors = self.model(input_ids=tokens, attention_mask=there.long()).last_hidden_state
        return _pooled(vectors, there.unsqueeze(-1).to(vectors.dtype), self.pooling)


def _pooled(vectors: Tensor, there: Tensor, pooling: Pooling) -> Tensor:
    mean = (vectors * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)
    pooled = vectors[:, 0] if pooling.kind == "first" else mean
    return nn.functional.normalize(pooled, dim=1) if pooling.normalise else pooled


def _pieces(model: Any, pooling: Pooling) -> "list[tuple[str, nn.Module]] | None":
    """Embedding, layers, pooling of BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT and their like; None for others."""
    layers = getattr(getattr(model, "encoder", None), "layer", None)
    if layers is None:
        layers = getattr(getattr(model, "transformer", None), "layer", None)
    embeddings = getattr(model, "embeddings", None)
    relative = hasattr(getattr(model, "encoder", None), "relative_attention_bias")  # MPNet: another input of its layers
    if layers is None or embeddings is None or relative or hasattr(model, "embeddings_project"):
        return None
    numbered = [(f"layers.{number}", Layer(layer)) for number, layer in enumerate(layers)]
    return [("embedding", Embedding(embeddings, pooling.pad)), *numbered, ("pool", Pool(pooling))]


def architecture_of(config: Any, pooling: Pooling) -> str:
    """A name that `build_encoder` can build the same network from, without any file or network."""
    about = {**described(config), "pooling": asdict(pooling)}
    return TRANSFORMERS + json.dumps(about, sort_keys=True, separators=(",", ":"), default=str)


def build_encoder(architecture: str) -> Encoder:
    """An encoder with random weights from what `architecture_of` said."""
    without_notes()
    from transformers import AutoConfig, AutoModel

    about = json.loads(architecture.removeprefix(TRANSFORMERS))
    check_config(about, "The network")
    pooling = Pooling(**about.pop("pooling"))
    config = AutoConfig.for_model(**about)
    return Encoder(AutoModel.from_config(config), pooling).eval()

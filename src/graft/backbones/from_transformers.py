"""Encoders of the Hugging Face hub, or of a folder in its layout, with their own tokenizer and pooling."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.backbones.backbone import Backbone, Loaded
from graft.backbones.bounds import refuse_code
from graft.backbones.hub import no_network, offline_when_unreachable, without_notes
from graft.backbones.licence import UNKNOWN, Licence, spdx
from graft.errors import RequestError, WorkError
from graft.records import MOST_TOKENS, Card, TextPreprocess
from graft.telemetry import without_telemetry

UNLIMITED = 100_000  # transformers says more than this where a tokenizer names no limit


@dataclass(frozen=True, slots=True)
class Described:
    """What lies beside the weights of a sentence encoder and says how it is meant to be used."""

    kind: str = "mean"
    normalise: bool = False
    tokens: int | None = None


def open_transformers(name: str) -> Backbone:
    """`hf:NAME`, or `hf:FOLDER`; raises `RequestError` for what is no encoder of texts or sounds."""
    auto = _transformers()
    identity = f"hf:{name}"
    with offline_when_unreachable():
        try:
            refuse_code(auto.PretrainedConfig.get_config_dict(name)[0], identity)
            config = auto.AutoConfig.from_pretrained(name, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise not_there(identity, name, error) from error
        if config.model_type == "audio-spectrogram-transformer":
            from graft.backbones.spectrogram_transformer import open_spectrogram_transformer

            return open_spectrogram_transformer(name, config)
        if hasattr(config, "conv_stride") or config.model_type == "whisper":
            from graft.backbones.speech import open_speech_encoder

            return open_speech_encoder(name, config)
        if getattr(config, "is_encoder_decoder", False) or not hasattr(config, "vocab_size"):
            raise RequestError(f"{identity} is a {config.model_type}: graft takes encoders of texts or of sounds.")
        return _text_encoder(identity, name, config)


def _text_encoder(identity: str, name: str, config: Any) -> Backbone:
    from graft.backbones.encoder import Encoder, Pooling, architecture_of
    from graft.backbones.measure import example_input, macs_of, parameters_of

    auto = _transformers()
    try:
        tokenizer = auto.AutoTokenizer.from_pretrained(name, use_fast=True, trust_remote_code=False)
        model = auto.AutoModel.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise not_there(identity, name, error) from error
    described = _described(name)
    preprocess = preprocess_of(identity, tokenizer, config, described)
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise WorkError(
            f"The tokenizer of {identity} has {len(tokenizer):,} tokens and its network knows {rows:,}: they do not "
            "belong together. Put the tokenizer that came with the weights beside them."
        )
    pooling = Pooling(preprocess.pad, "first" if described.kind == "first" else "mean", described.normalise)
    module = Encoder(model, pooling).eval()
    licence = licence_of(name)
    card = Card(
        id=identity,
        architecture=architecture_of(config, pooling),
        modality="text",
        licence=licence.name,
        source=name,
        parameters=parameters_of(module),
        macs=macs_of(module, example_input("text", preprocess)),
        width=int(getattr(config, "hidden_size", None) or config.dim),
        preprocess=preprocess,
        licence_source=licence.source,
        licence_note=licence.note,
    )
    return Backbone(card, lambda: Loaded(module))


def preprocess_of(identity: str, tokenizer: Any, config: Any, described: Described) -> TextPreprocess:
    """The tokenizer as plain data; raises `WorkError` for one that only Python code can run."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise WorkError(f"The tokenizer of {identity} has no fast form, so nothing but transformers could run it.")
    content = backend.to_str()
    limits = [described.tokens, MOST_TOKENS, _positions(config)]
    if tokenizer.model_max_length < UNLIMITED:
        limits.append(tokenizer.model_max_length)
    return TextPreprocess(
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        tokens=min(limit for limit in limits if limit),
        pad=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        mask=tokenizer.mask_token_id,
        tokenizer=content,
    )


def _positions(config: Any) -> int | None:
    """How many tokens have a position; RoBERTa and its like number them from behind the filling."""
    most = getattr(config, "max_position_embeddings", None)
    if most is None:
        return None
    return most - config.pad_token_id - 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else most


def _described(name: str) -> Described:
    """What sentence-transformers wrote beside the weights, where it did."""
    pooling = beside(name, "1_Pooling/config.json") or {}
    modules = beside(name, "modules.json") or []
    limits = beside(name, "sentence_bert_config.json") or {}
    return Described(
        kind="first" if pooling.get("pooling_mode_cls_token") else "mean",
        normalise=any("Normalize" in one.get("type", "") for one in modules),
        tokens=limits.get("max_seq_length"),
    )


def licence_of(name: str) -> Licence:
    """The licence that the model card beside the weights states at its head, or none."""
    without_telemetry()
    from huggingface_hub import ModelCard

    place = f"{name}/README.md" if Path(name).is_dir() else f"README.md of {name} on the hub"
    try:
        stated: Any = ModelCard(_text_beside(name, "README.md") or "", ignore_metadata_errors=True).data
    except Exception:  # whatever a stranger's card holds, it does not keep anybody from the network
        stated = None
    found = getattr(stated, "license", None)
    if isinstance(found, str) and found.lower() == "other":
        found = getattr(stated, "license_name", None) or found
    if not isinstance(found, str) or spdx(found) == UNKNOWN:
        return Licence(UNKNOWN, "", f"{place} states none: see the page that the weights came from.")
    return Licence(spdx(found), place)


def beside(name: str, file: str) -> Any:
    """What a JSON file beside the weights says; None where there is none."""
    content = _text_beside(name, file)
    try:
        return None if content is None else json.loads(content)
    except ValueError:
        return None


def _text_beside(name: str, file: str) -> str | None:
    """A file beside the weights; None where there is none."""
    without_telemetry()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    path = Path(name) / file
    if not Path(name).is_dir():
        try:
            path = Path(hf_hub_download(name, file))
        except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError):
            return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _transformers() -> Any:
    try:
        without_notes()
        import transformers
    except ImportError as error:
        raise WorkError(
            "Encoders of texts and of the hub's sounds need an extra. Install it: pip install 'graft-ml[text]'"
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


def not_there(identity: str, name: str, error: Exception) -> Exception:
    if Path(name).is_dir():
        told = str(error).partition("\n")[0]
        reason = f": {told}" if "trust_remote_code" not in told else ""  # an advice that is not graft's
        return RequestError(f"{name} holds no encoder that transformers can read{reason}")
    return no_network(identity)

"""What a description from a file may ask for: networks of the size of their weights, of known parts, and no code."""

import json
import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graft.backbones.names import FRAMES
from graft.backbones.tokenizer import check_tokenizer
from graft.errors import GraftError, WorkError
from graft.records import MOST_SIDE, AudioPreprocess, Card, PairPreprocess, TextPreprocess

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

# An attention of another name may be fetched from a hub and run; the others name code, or files to load it from.
ATTENTIONS = (None, "eager", "sdpa")
NAMES_CODE = {
    "auto_map",
    "trust_remote_code",
    "custom_pipelines",
    "quantization_config",
    "name_or_path",
    "backbone",
    "use_pretrained_backbone",
    "use_timm_backbone",
    "attn_implementation",
    "experts_implementation",
    "use_kernels",
    "kernel_config",
}
PREFIXES = ("transformers:", "transformers-speech:", "transformers-spectrogram:")
PICTURES = re.compile(r"(?:timm|torchvision):[A-Za-z0-9_.]{1,100}")
SEEN = re.compile(r"spectrogram@(\d{1,4})\+(.*)", re.DOTALL)
WORD = re.compile(r"[A-Za-z0-9_.+-]{0,64}")  # of a configuration: no path, no address, no name on a hub
MOST_NUMBER = 2**20  # of tokens, positions, channels
MOST_LAYERS = 128
MOST_BANDS = 512
SPARE = 8_000_000  # values that a network may have besides those of its file: a decoder that is left out
TAPS, BESIDE, PAIRED = "taps+", "side-by-side:", "pair:"


def check_architecture(architecture: str) -> None:
    """Raise `WorkError` for the architecture of a card that graft would not have written."""
    try:
        _check(architecture, within=0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WorkError(
            f"The architecture {architecture[:60]!r} is none that graft writes. Do not use this model."
        ) from error


def _check(architecture: str, within: int) -> None:
    inner = architecture.removeprefix(TAPS).removeprefix(FRAMES)
    if within > 2 or not isinstance(architecture, str):
        raise ValueError
    seen = SEEN.fullmatch(inner)
    if seen and 8 <= int(seen[1]) <= MOST_SIDE and PICTURES.fullmatch(seen[2]):
        return
    if inner.startswith(PREFIXES):
        check_config(json.loads(inner.partition(":")[2]), "The model")
    elif inner.startswith((BESIDE, PAIRED)):
        first, second = json.loads(inner.partition(":")[2])
        keys = {"architecture", "scale"} if inner.startswith(BESIDE) else {"id", "architecture", "width"}
        for part in (first, second):
            _check_part(part, keys)
            _check(part["architecture"], within + 1)
    elif inner != "speech-embedding" and not PICTURES.fullmatch(inner):
        raise ValueError


def _check_part(part: dict[str, Any], keys: set[str]) -> None:
    """Raise `ValueError` for the description of one of two networks that graft would not have written."""
    number = part.get("scale", part.get("width"))
    if {*part} != keys or not isinstance(number, int | float) or not 0 < number <= MOST_NUMBER:
        raise ValueError("neither a scale nor a width")


def check_config(config: Any, whose: str) -> None:
    """Raise `WorkError` for a configuration of transformers that names code or asks for what no network needs."""
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise WorkError(f"{whose} has a configuration without a model_type. Do not use it.")
    refuse_code(config, whose)
    if config["model_type"].startswith("timm"):  # a wrapper that builds any network by name, with weights of a hub
        raise WorkError(f"{whose} has a configuration that names another library's network. Do not use it.")
    for key, value in config.items():
        if not _is_plain(key, value, depth=0):
            raise WorkError(f"{whose} has a configuration whose {key[:40]!r} is out of range. Do not use it.")


def refuse_code(config: Any, whose: str) -> None:
    """Raise `WorkError` where a configuration names code to run, at any depth."""
    if isinstance(config, list | tuple):
        for one in config:
            refuse_code(one, whose)
    if not isinstance(config, Mapping):
        return
    for key, value in config.items():
        attention = str(key).startswith("_attn_implementation")
        named = str(key) in NAMES_CODE or (attention and value not in ATTENTIONS)
        if named and value not in (None, False):
            raise WorkError(
                f"{whose} has a configuration that names code to run ({str(key)[:40]}). graft runs no code that comes "
                "with weights: choose a network that transformers knows by itself."
            )
        refuse_code(value, whose)


def _is_plain(key: str, value: Any, depth: int) -> bool:
    """Whether a value of a configuration is a number in range, a word, or a few of them."""
    if isinstance(value, dict):
        inside = all(WORD.fullmatch(str(name)) and _is_plain(str(name), one, depth + 1) for name, one in value.items())
        return depth < 3 and len(value) <= 64 and "model_type" not in value and inside
    if isinstance(value, list):
        return depth < 3 and len(value) <= MOST_LAYERS and all(_is_plain(key, one, depth + 1) for one in value)
    if isinstance(value, str):
        return bool(WORD.fullmatch(value))
    if isinstance(value, float) or (isinstance(value, int) and "theta" in key):
        return math.isfinite(value) and abs(value) <= 1e12
    most = MOST_LAYERS if "layers" in key else MOST_BANDS if "mel_bins" in key else MOST_NUMBER
    return value is None or abs(value) <= most


@contextmanager
def no_larger_than(values: int) -> Iterator[None]:
    """While a network is built: raise `WorkError` once it has far more values than its file, before they are filled.

    What is asked for beyond any memory is refused by torch itself.
    """
    from torch.nn.modules import module as hooks

    most, thread, built = 2 * values + SPARE, threading.get_ident(), 0

    def count(_module: Any, _name: str, tensor: Any) -> None:
        nonlocal built
        if threading.get_ident() != thread or tensor is None:
            return
        built += tensor.numel()
        if built > most:
            raise WorkError("The network that the model names is larger than its weights. Do not use this model.")

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def explained(whose: str) -> Iterator[None]:
    """Turn what libraries raise for a description that does not fit into `WorkError`.

    Their own words are left out: some advise to trust the file.
    """
    try:
        yield
    except GraftError:
        raise
    except Exception as error:
        raise WorkError(
            f"{whose} cannot be built or run: its description and its weights do not belong together "
            f"({type(error).__name__}). Copy it again from where it was made, or do not use it."
        ) from error


def check_features(module: "nn.Module", card: Card) -> None:
    """Raise `WorkError` unless a network gives features of the width that its card names, for a sample of its size."""
    from graft.backbones.measure import example_input

    if card.modality == "pair":
        from graft.backbones.fused import cards_of

        both: Any = module
        for part, own in zip((both.image, both.text), cards_of(card), strict=True):
            check_features(part, own)
        return
    import torch

    inputs = example_input(card.modality, card.preprocess)
    if isinstance(card.preprocess, TextPreprocess):  # as long as it may be, with the highest number that it may hold
        inputs = torch.full((1, card.preprocess.tokens), card.preprocess.pad)
        inputs[0, 0] = check_tokenizer(card.preprocess)
    _check_length(card)
    with torch.no_grad():
        features = module.eval()(inputs)
    dimensions = 3 if card.architecture.startswith(FRAMES) else 2
    if not isinstance(features, torch.Tensor) or features.ndim != dimensions or features.shape[-1] != card.width:
        raise WorkError(f"The network does not give the {card.width:,} features of its card. Do not use this model.")


def _check_length(card: Card) -> None:
    """Raise `WorkError` for recordings that are longer than Whisper has positions for."""
    whisper = re.search(r'"model_type": ?"whisper"', card.architecture)
    positions = re.search(r'"max_source_positions": ?(\d{1,7})', card.architecture)
    if whisper and isinstance(card.preprocess, AudioPreprocess):
        most = 320 * int(positions[1] if positions else 1500)  # samples: two hops of its spectrogram, of 10 ms each
        if card.preprocess.most > most:
            raise WorkError(f"The network hears {most:,} samples, and its card says more. Do not use this model.")


def check_tokens(card: Card, weights: "Mapping[str, np.ndarray[Any, Any]]") -> None:
    """Raise `WorkError` for a tokenizer that cannot be, or that has more tokens than the network has rows."""
    preprocess = card.preprocess.text if isinstance(card.preprocess, PairPreprocess) else card.preprocess
    if not isinstance(preprocess, TextPreprocess):
        return
    highest = max(check_tokenizer(preprocess), preprocess.pad, preprocess.mask or 0)
    for name, value in weights.items():
        if name.endswith(("word_embeddings.weight", "tok_embeddings.weight")) and highest >= len(value):
            raise WorkError(
                f"The tokenizer has a token number {highest:,} and the network knows {len(value):,}: they do not "
                "belong together. Do not use this model."
            )

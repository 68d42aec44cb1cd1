"""Texts: UTF-8 in any script, split into tokens the same way everywhere."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import RequestError, WorkError
from graft.modalities.limits import most
from graft.modalities.modality import Prepared, UnreadableError, file_size, read_content
from graft.modalities.samples import tried
from graft.records import TextPreprocess

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from torch import nn

MASKED = 0.1  # of the tokens of a varied view
STEP = 8  # lengths of kept activations are multiples of it
EXAMPLE = 16  # tokens

Tokens = NDArray[np.int64]  # (tokens,)


class TextModality:
    """Text files, or texts in a table; UTF-8, with or without a byte order mark."""

    name = "text"
    noun = "text"
    version = "utf-8"
    preparation = 1
    augmentation = 1
    views = 3
    margin = ""
    told: frozenset[str] = frozenset()
    suffixes = frozenset({".txt"})

    def decoding_bytes(self, content: bytes) -> int:
        return 20 * len(content)  # its tokens, with what a tokenizer knows of each

    def check(self, content: bytes) -> str:
        """A text must be UTF-8, of a size that somebody wrote, and must say something."""
        self.decode(content)
        return ""

    def decode(self, source: Path | bytes, preprocess: TextPreprocess | None = None) -> str:
        content = source if isinstance(source, bytes) else read_content(source)
        longest = most("GRAFT_MOST_TEXT_BYTES")
        if len(content) > longest:
            raise UnreadableError(
                f"{len(content) / 1e6:.1f} MB in one text; more than {longest / 1e6:g} MB (GRAFT_MOST_TEXT_BYTES "
                "allows more)"
            )
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableError(f"not UTF-8 (byte {error.start:,} is {content[error.start]:#04x})") from error
        return _said(text)

    def accept(self, thing: Any) -> str:
        if not isinstance(thing, str):
            raise RequestError(f"A {type(thing).__name__} is no text. Expected a str.")
        if len(thing) > most("GRAFT_MOST_TEXT_BYTES") or not thing.isprintable():
            return self.decode(bytes_of(thing))
        return _said(thing)

    def prepare(self, sample: str, preprocess: TextPreprocess) -> Tokens:
        """The numbers of its tokens, with those that the tokenizer puts around them: (tokens,)."""
        tokens = np.array(_encoded(sample, preprocess).ids[: preprocess.tokens] or [preprocess.pad], np.int64)
        return _filled(tokens, preprocess)

    def signal(self, sample: str, preprocess: TextPreprocess) -> Tokens:
        """The numbers of its tokens; splitting a text is left to a tokenizer everywhere."""
        return self.prepare(sample, preprocess)

    def augment(self, sample: str, preprocess: TextPreprocess, rng: np.random.Generator) -> Tokens:
        """The same with a tenth of the words' tokens hidden, where the tokenizer has a token for that."""
        encoded = _encoded(sample, preprocess)
        tokens = np.array(encoded.ids, np.int64)
        hidden = (rng.random(len(tokens)) < MASKED) & (np.array(encoded.special_tokens_mask) == 0)
        if preprocess.mask is not None and not hidden.all():
            tokens[hidden] = preprocess.mask
        return _filled(tokens[: preprocess.tokens], preprocess)

    def stack(self, samples: Sequence[Tokens], preprocess: TextPreprocess) -> Tokens:
        longest = max(len(one) for one in samples)
        return np.stack([np.pad(one, (0, longest - len(one)), constant_values=preprocess.pad) for one in samples])

    def shape(self, preprocess: TextPreprocess) -> tuple[int | None, ...]:
        return (preprocess.fixed,)

    def example(self, preprocess: TextPreprocess) -> Tokens:
        count = _tokenizer(preprocess).get_vocab_size()
        tokens = np.random.default_rng(0).integers(count, size=min(EXAMPLE, preprocess.tokens))
        tokens[tokens == preprocess.pad] = (preprocess.pad + 1) % count
        return _filled(tokens.astype(np.int64), preprocess)

    def entry(self, preprocess: TextPreprocess) -> "nn.Module":
        """Nothing: networks take the numbers as they are, (batch, tokens)."""
        from torch import nn

        return nn.Identity()

    def suit(self, preprocess: TextPreprocess, sources: Sequence[Path | bytes]) -> TextPreprocess:
        return preprocess

    def fix(self, preprocess: TextPreprocess, sources: Sequence[Path | bytes]) -> TextPreprocess:
        """With room for the longest of these texts, up to what the network reads at all."""
        lengths = (tried(self, one, lambda text: len(self.prepare(text, preprocess))) for one in sources)
        longest = max((one for one in lengths if isinstance(one, int)), default=STEP)
        return replace(preprocess, fixed=min(preprocess.tokens, -(-longest // STEP) * STEP))

    def made(self, source: Path | bytes) -> tuple[float, ...]:
        return ()

    def margin_of(self, prepared: Tokens, preprocess: TextPreprocess) -> Tokens:
        return prepared

    def excess(self, preprocess: TextPreprocess, sources: Sequence[Path | bytes]) -> str:
        room = preprocess.tokens
        suspects = [one for one in sources if _size(one) > room]  # a token takes a byte at least
        long = sum(
            tried(self, one, lambda text: len(_encoded(text, preprocess).ids) > room) is True for one in suspects
        )
        if not long:
            return ""
        return f"{long:,} of {len(sources):,} texts are longer than {room} tokens; the network reads their beginning."


def _said(text: str) -> str:
    if not text.strip():
        raise UnreadableError("empty")
    if "\0" in text:
        raise UnreadableError("no text (it holds zero bytes)")
    return text


def bytes_of(text: str) -> bytes:
    """A text as bytes; what was no UTF-8, and half a character that JSON may hold, stays what it is and is told."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _size(source: Path | bytes) -> int:
    try:
        return len(source) if isinstance(source, bytes) else file_size(source)
    except UnreadableError:
        return 0


def _filled(tokens: Tokens, preprocess: TextPreprocess) -> Tokens:
    if preprocess.fixed is None:
        return tokens
    filled: Prepared = np.full(preprocess.fixed, preprocess.pad, np.int64)
    filled[: len(tokens)] = tokens[: preprocess.fixed]
    return filled


def _tokenizer(preprocess: TextPreprocess) -> "Tokenizer":
    return opened(preprocess.sha256, preprocess.tokenizer)


def _encoded(sample: str, preprocess: TextPreprocess) -> "Encoding":
    with _told("cannot split a text"):
        return _tokenizer(preprocess).encode(sample)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what a tokenizer raises into `WorkError`; a panic of its Rust code is no `Exception` to Python."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException" and type(error) is not Exception:
            raise
        raise WorkError(f"The tokenizer of this model {what}: {str(error)[:120]}. Do not use this model.") from error


@lru_cache(maxsize=4)
def opened(sha256: str, content: str) -> "Tokenizer":
    """The tokenizer of this JSON; raises `WorkError` where it is not the one of this hash, or none."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise WorkError("Texts need the extra for them. Install it with: pip install 'graft-ml[text]'") from error
    if hashlib.sha256(content.encode()).hexdigest() != sha256:
        raise WorkError("The tokenizer is not the one that its model names. Do not use this model.")
    with _told("cannot be read"):
        tokenizer = Tokenizer.from_str(content)
        tokenizer.no_padding()
        tokenizer.no_truncation()
    return tokenizer


TEXT = TextModality()

"""Tokenizers from files: what one may not hold, because a few bytes of it can fill the memory or never end."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from graft.errors import WorkError
from graft.records import TextPreprocess

MOST_GROWTH = 64  # of a text by all replacements together; published tokenizers replace a character by one
MOST_WORD = 1_000  # characters of a word that is looked up piece by piece
MOST_PARTS = 10_000  # of the pieces that a tokenizer puts around a text


def check_tokenizer(preprocess: TextPreprocess) -> int:
    """The highest number that a tokenizer gives; raises `WorkError` for one that is damaged or too costly."""
    from graft.modalities.text import opened

    if hashlib.sha256(preprocess.tokenizer.encode()).hexdigest() != preprocess.sha256:
        raise WorkError("The tokenizer is not the one that its model names. Do not use this model.")
    problems = faults_of_tokenizer(preprocess.tokenizer)
    if problems:
        raise WorkError(f"The tokenizer {'; '.join(problems)}. Do not use this model.")
    numbers = opened(preprocess.sha256, preprocess.tokenizer).get_vocab(with_added_tokens=True).values()
    return max([*numbers, *_put_around(preprocess.tokenizer)], default=0)


def _put_around(content: str) -> Iterator[int]:
    """The numbers that a tokenizer puts around a text, which need not be those of its vocabulary."""
    for part in _parts(json.loads(content)):
        special = part.get("special_tokens")
        for token in special.values() if isinstance(special, dict) else ():
            numbers = token.get("ids") if isinstance(token, dict) else None
            yield from (one for one in numbers or () if isinstance(one, int))
        for name in ("sep", "cls"):
            pair = part.get(name)
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], int):
                yield pair[1]


def faults_of_tokenizer(content: str) -> list[str]:
    """What is wrong with the JSON of a tokenizer, in words that follow "The tokenizer"."""
    try:
        described = json.loads(content)
        parts = list(_parts(described))
    except (ValueError, RecursionError):
        return ["is no JSON"]
    if not isinstance(described, dict):
        return ["is no JSON object"]
    growth, found = 1, []
    for part in parts:
        if part.get("type") == "Replace" and growth <= MOST_GROWTH:
            growth *= max(1, len(str(part.get("content", ""))))
        longest = part.get("max_input_chars_per_word")
        if isinstance(longest, int) and longest > MOST_WORD:
            found.append(f"looks up words of {longest:,} characters; {MOST_WORD:,} are the most")
        for name in ("single", "pair"):
            pieces = part.get(name)
            if part.get("type") == "TemplateProcessing" and isinstance(pieces, list):
                found += _faults_of_template(pieces)
    if growth > MOST_GROWTH:
        found.append("makes texts many times longer")
    return found


def _faults_of_template(pieces: list[Any]) -> list[str]:
    named = [str(piece["Sequence"].get("id")) for piece in pieces if _names_text(piece)]
    return ["writes a text more than once"] if len({*named}) < len(named) or len(pieces) > MOST_PARTS else []


def _names_text(piece: Any) -> bool:
    return isinstance(piece, dict) and isinstance(piece.get("Sequence"), dict)


def _parts(described: Any) -> Iterator[dict[str, Any]]:
    """All objects of a tokenizer but its vocabulary, which is large and holds none."""
    if isinstance(described, dict):
        yield described
        for name, value in described.items():
            if name not in ("vocab", "merges", "added_tokens"):
                yield from _parts(value)
    elif isinstance(described, list):
        for one in described:
            yield from _parts(one)

"""The one cleaning step for what stands in a table, whatever its format."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graft.storage import is_utf8

MISSING = frozenset(
    {"", "nan", "-nan", "null", "none", "n/a", "<na>", "#n/a", "#na", "#n/a n/a", "nat", "1.#qnan", "-1.#ind", "1.#ind"}
)
WHOLE = re.compile(r"-?\d{1,15}(\.0+)?")
KEPT = "\t\n\r"  # control characters that a text may hold


@dataclass(frozen=True, slots=True)
class Unusable:
    """What stands in a cell that a reader could not turn into a value."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A column as text, composed (NFC) and without white space around it; `faults` says why cells cannot be used."""

    texts: list[str]
    faults: dict[int, str]  # by row


def cleaned(values: Iterable[Any]) -> Cells:
    """Clean a column of whatever a reader found in it."""
    texts, faults = [], {}
    for row, value in enumerate(values):
        if type(value) is str:
            text, fault = clean_text(value), ""
        else:
            text, fault = _as_text(value)
        if not text.isascii() and not is_utf8(text):
            text, fault = text.encode("utf-8", "replace").decode(), _undecodable(text)
        if fault:
            faults[row] = fault
        texts.append(text)
    return Cells(texts, faults)


def clean_text(text: str) -> str:
    """One way of writing: composed letters (NFC), no white space around them."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip().strip("\ufeff")


def column_name(written: str) -> str:
    """The name of a column in one way of writing, which can be written down everywhere."""
    return clean_text(written).encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """The same with every run of white space as one space: how labels and transcripts are written."""
    return " ".join(clean_text(text).split())


def is_missing(label: str) -> bool:
    """Whether a cell says that there is no value: empty, or as pandas, JSON, Python and spreadsheets write it."""
    return label.casefold() in MISSING or label == "NA"


def control_characters(text: str) -> list[str]:
    """The characters of a text that no person typed into it, as their code points."""
    if text.isascii() and text.isprintable():
        return []
    return [f"U+{ord(sign):04X}" for sign in text if unicodedata.category(sign) == "Cc" and sign not in KEPT]


def without_fraction(labels: Sequence[str]) -> list[str] | None:
    """Labels 1.0 and 2.0 as 1 and 2, where all are whole numbers and some were written so; None where not."""
    numbers = [label for label in labels if not is_missing(label)]
    if not numbers or not all(WHOLE.fullmatch(label) for label in numbers):
        return None
    if not any("." in label for label in numbers):
        return None
    return [label.partition(".")[0] if WHOLE.fullmatch(label) else label for label in labels]


def _as_text(value: Any) -> tuple[str, str]:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "", ""
    if isinstance(value, dict):
        inside = ", ".join(str(name) for name in list(value)[:4])
        return "", f"an object with the keys {inside}" if inside else "an empty object"
    if isinstance(value, list | tuple | set):
        return "", f"a list of {len(value):,}"
    if isinstance(value, Unusable):
        return "", value.reason
    if isinstance(value, bytes | bytearray | memoryview):
        return "", f"{len(value):,} bytes, which are no text"
    return clean_text(str(value)), ""


def _undecodable(text: str) -> str:
    for place, sign in enumerate(text):
        if "\udc80" <= sign <= "\udcff":
            return f"not UTF-8 (byte {place:,} is {ord(sign) - 0xDC00:#04x})"
    return "half of a character (a lone surrogate), which no file can hold"

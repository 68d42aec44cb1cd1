"""What the licence of weights allows, where it is stated, and what is in doubt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graft.records import Card

UNKNOWN = "unknown"
NONE_NEEDED = "none needed"
# Words that mean that nobody stated a licence; the last three stand in models of earlier versions.
UNSTATED = ("", UNKNOWN, "other", "none", "yours to know", "see its page on the hub", "not stated by timm")
NAMES = {
    name.lower(): name
    for name in (
        *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "ISC", "CC0-1.0", "Unlicense"),
        *("CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "GPL-3.0", "AGPL-3.0", "LGPL-3.0"),
    )
}
PERMISSIVE = {
    *("apache-2.0", "apache 2.0", "mit", "mit-cmu", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear"),
    *("0bsd", "isc", "zlib", "cc0-1.0", "cc-by-4.0", "unlicense", NONE_NEEDED),
}
NON_COMMERCIAL = re.compile(r"\bnc\b|non-?commercial", re.IGNORECASE)
RESEARCH = re.compile(r"research|academic|\bamlr\b", re.IGNORECASE)
COPYLEFT = re.compile(r"\b[al]?gpl", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of weights: its name, as SPDX writes it where it can, where that is stated, and any doubt."""

    name: str
    source: str = ""
    note: str = ""


OF_TIMM = "timm, pretrained_cfg of these weights"
OF_TORCHVISION = Licence(
    "BSD-3-Clause",
    "torchvision, LICENSE of the library",
    "None is stated for these weights themselves. torchvision's METADATA: pre-trained models \"may have their own "
    'licenses or terms and conditions derived from the dataset used for training".',
)


def spdx(name: str | None) -> str:
    """A licence's name as SPDX writes it; one that is not among the usual as it is, and none as "unknown"."""
    name = (name or "").strip()
    return UNKNOWN if name.lower() in UNSTATED else NAMES.get(name.lower(), name)


def restricted(licence: str) -> str:
    """Why a licence may not let somebody ship a model, in words; empty where it is known to be permissive.

    Two licences that hold at once are written with " and " between them, and both are looked at.
    """
    reasons = dict.fromkeys(_reason(one) for one in licence.split(" and "))
    return ", and ".join(reason for reason in reasons if reason)


def _reason(licence: str) -> str:
    name = licence.strip().lower()
    if name in PERMISSIVE:
        return ""
    if name in UNSTATED:
        return "no licence is stated"
    if NON_COMMERCIAL.search(name):
        return "it excludes commercial use"
    if RESEARCH.search(name):
        return "it is for research"
    if COPYLEFT.search(name):
        return "it asks for the source of what is shipped"
    return "it has terms of its own"


def doubtful(note: str) -> bool:
    """Whether a note names a licence that may hold instead, and that may not let somebody ship a model."""
    return bool(NON_COMMERCIAL.search(note) or COPYLEFT.search(note))


def warning(card: Card) -> str:
    """What to tell somebody who ships a network: a licence that may forbid it, or the doubt of one; else empty."""
    reason = restricted(card.licence)
    stated = f", as stated in {card.licence_source}" if card.licence_source else ""
    told = f"The licence of the weights of {card.id} is {card.licence or UNKNOWN!r}{stated}"
    if reason:
        note = f" {card.licence_note}" if card.licence_note else ""
        return f"{told}: {reason}. Make sure that it lets you ship this.{note}"
    if doubtful(card.licence_note):
        return f"{told}, but there is a doubt. {card.licence_note}"
    return ""


def outside_of(card: Card, allowed: Sequence[str]) -> str:
    """Why a network's licence is not among those whose beginnings are `allowed`, in words; empty where it is.

    Of two licences that hold at once both must be, and one that is in doubt is not.
    """
    beginnings = tuple(one.lower() for one in allowed)
    if not all(name.strip().lower().startswith(beginnings) for name in card.licence.split(" and ")):
        return f"its licence is {card.licence or UNKNOWN}"
    if doubtful(card.licence_note):
        return f"its licence, {card.licence}, is in doubt (see graft models --licence)"
    return ""


def both(first: Card, second: Card) -> Licence:
    """The licence of two networks in one: what each asks for holds for both together."""
    cards = (first, second)
    names = dict.fromkeys(name for card in cards for name in (card.licence or UNKNOWN).split(" and "))
    return Licence(
        name=" and ".join(name for name in names if name != NONE_NEEDED) or NONE_NEEDED,
        source=_of_each(cards, [card.licence_source for card in cards]),
        note=_of_each(cards, [card.licence_note for card in cards]),
    )


def _of_each(cards: Sequence[Card], sayings: Sequence[str]) -> str:
    """What is said of each network, with its name where it is not said of all."""
    if len(set(sayings)) == 1:
        return sayings[0]
    return "; ".join(f"{card.id}: {said}" for card, said in zip(cards, sayings, strict=True) if said)

"""What of the data no model saw: it stands beside every number, because it may be what the number hides."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from graft.records import Finding

OF_SAMPLES = (
    "unreadable",
    "contradictory",
    "duplicate",
    "duplicate-across-parts",
    "other-kind",
    "too-long",
    "transcript-too-long",
)
OF_CLASSES = ("emptied-class", "small-class", "class-not-in-train")


@dataclass(frozen=True, slots=True)
class SetAside:
    """Samples or whole classes that were not used, and why."""

    kind: str
    count: int
    of: Literal["samples", "classes"]
    message: str


def set_aside(findings: Iterable[Finding]) -> tuple[SetAside, ...]:
    """What the findings of a data set say was not used; of the same content in two classes every copy counts."""
    found = []
    for one in findings:
        if one.kind in OF_SAMPLES:
            copies = one.kind == "contradictory"
            count = sum(source.count(" = ") + 1 for source in one.sources) if copies else len(one.sources)
            found.append(SetAside(one.kind, count, "samples", one.message))
        elif one.kind in OF_CLASSES:
            found.append(SetAside(one.kind, len(one.sources), "classes", one.message))
    return tuple(found)


def aside_notes(findings: Iterable[Finding]) -> list[str]:
    """The same in sentences, to stand beside a number."""
    return [f"Not among these: {one.message}" for one in set_aside(findings)]

"""The page of a search: each query with the samples that lie nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graft.evaluation.blocks import Exhibit
from graft.evaluation.exhibit import exhibit
from graft.evaluation.report import written


@dataclass(frozen=True, slots=True)
class OnPage:
    """A sample on the page: its name, its file or its words, and what stands beside it in bold and below that."""

    source: str
    file: Path | None = None
    text: str = ""
    figure: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A query, the samples nearest to it, nearest first, and what else is to be said of it."""

    query: OnPage
    nearest: Sequence[OnPage]
    note: str = ""


def search_page(where: str, backbone: str, noun: str, answers: Sequence[Answer]) -> str:
    """The HTML page, with every picture inside it; `noun` says what one sample is."""
    context = {
        "where": where,
        "backbone": backbone,
        "noun": noun,
        "answers": [
            {
                "query": one.query,
                "note": one.note,
                "shown": _shown(noun, one.query),
                "nearest": [{"of": near, "shown": _shown(noun, near)} for near in one.nearest],
            }
            for one in answers
        ],
    }
    return written("search.html.j2", context)


def _shown(noun: str, one: OnPage) -> str:
    return exhibit(noun, Exhibit(one.source, "", "", one.text, one.source), one.file)

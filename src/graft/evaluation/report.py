"""The page and the model card of a run: plain words, figures with intervals, and the samples it got wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from markupsafe import Markup

from graft.errors import plural
from graft.escaping import command, markdown, markdown_code, visible
from graft.evaluation import charts
from graft.evaluation.blocks import Block, Exhibit, Gallery, Headline
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.exhibit import Find, exhibit, nothing, recording
from graft.records import Finding, Json, Ranking, Verdict

MOST_MISTAKES = 24  # of recordings with transcripts


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about."""

    name: str
    path: str  # as the user wrote it, for commands to type
    made: str
    version: str
    classes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    noun: str = "picture"  # what one sample is called
    classes_noun: str = "class"
    what: str = "A model"  # it is
    caveat: str = ""


class Shows(Protocol):
    """What says how an evaluation is shown: the task that it is of."""

    ladder_columns: tuple[tuple[str, str, str], ...]  # figure, title and format

    def headline(self, evaluation: Any) -> Headline:
        """The result in one figure."""

    def page(self, evaluation: Any) -> list[Block]:
        """All of it."""


@dataclass(frozen=True, slots=True)
class Story:
    """How a run came about, as far as it did: which network was chosen, the climb, and what transferred."""

    ladder: Sequence[Json] = ()
    ranking: Ranking | None = None
    verdict: Verdict | None = None


def render(
    subject: Subject,
    task: Shows,
    evaluations: Sequence[tuple[str, Any]],
    findings: Sequence[Finding],
    story: Story | None = None,
    find: Find = nothing,
) -> tuple[str, str]:
    """The HTML page and the Markdown card; evaluations come with their titles, most trustworthy first.

    `find` gives the files of samples that may be shown.
    """
    story = story or Story()
    context = {
        "run": subject,
        "facts": subject.facts,
        "findings": findings,
        "noun": subject.noun,
        "predict": predict_command(subject),
        "pages": [_page(title, task, evaluation, find) for title, evaluation in evaluations],
        "names": plural(2, subject.classes_noun).removeprefix("2 "),
        "percent": percent,
        "columns": task.ladder_columns,
        "figure": shown_figure,
        "story": story,
        "differences": charts.differences(story.verdict) if story.verdict else "",
    }
    return written("report.html.j2", context), written("card.md.j2", context)


def render_transcripts(
    subject: Subject,
    evaluations: Sequence[tuple[str, TranscriptEvaluation]],
    findings: Sequence[Finding],
    story: Story,
    find: Find = nothing,
) -> tuple[str, str]:
    """The same for a model that writes down what is said."""
    context = {
        "run": subject,
        "facts": subject.facts,
        "findings": findings,
        "pages": [
            {
                "title": title,
                "evaluation": one,
                "misheard": [
                    {"one": missed, "shown": recording(find(one.root, missed.source))}
                    for missed in one.misheard[:MOST_MISTAKES]
                ],
            }
            for title, one in evaluations
        ],
        "predict": predict_command(subject),
        "letters": [Markup(markdown_code(name)) for name in subject.classes],  # noqa: S704 - markdown_code escapes
        "percent": percent,
        "ladder": story.ladder,
    }
    return written("transcripts.html.j2", context), written("transcripts.md.j2", context)


def written(template: str, context: dict[str, Any]) -> str:
    """A template with its values, every one of them made safe for HTML or Markdown unless it is `Markup` already."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    html = "html" in template
    environment = Environment(
        loader=PackageLoader("graft.evaluation"),
        autoescape=html,
        finalize=_seen if html else _in_markdown,
        undefined=StrictUndefined,
    )
    return environment.get_template(template).render(context)


def _seen(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _in_markdown(value: Any) -> Any:
    return value if isinstance(value, Markup) else markdown(str(value))


def predict_command(subject: Subject) -> Markup:
    """What to type, for a block of code in Markdown."""
    return Markup(command("graft", "predict", Path(subject.path)))  # noqa: S704 - command keeps it on one line


def shown_figure(value: float, form: str) -> str:
    """A figure in a format of Python's, or as "percent"."""
    return percent(value) if form == "percent" else f"{value:{form}}"


def percent(share: float) -> str:
    """A share as people read it: 0.8712 -> "87.1%"."""
    return f"{100 * share:.1f}%"


def _page(title: str, task: Shows, evaluation: Any, find: Find) -> dict[str, Any]:
    return {
        "title": title,
        "evaluation": evaluation,
        "headline": task.headline(evaluation),
        "blocks": [
            {"kind": type(block).__name__, "of": block, "shown": _exhibits(block, evaluation, find)}
            for block in task.page(evaluation)
        ],
    }


def _exhibits(block: Block, evaluation: Any, find: Find) -> list[tuple[Exhibit, str]]:
    """The samples of a gallery with the HTML that shows each."""
    if not isinstance(block, Gallery):
        return []
    return [(one, exhibit(evaluation.noun, one, find(evaluation.root, one.source))) for one in block.items]

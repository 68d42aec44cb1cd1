"""The page and the model card of a run: plain words, figures with intervals, and the pictures it got wrong."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

from graft.evaluation.evaluate import confusions
from graft.image import IMAGE
from graft.modality import UnreadableError
from graft.records import ClassScore, Evaluation, Finding

MOST_CLASSES = 60  # shown in tables and in the confusion matrix
MOST_MISTAKES = 24
THUMBNAIL = 160  # pixels
ROOM_FOR_COUNTS = 26  # pixels of a square in which its count can be read
LEAST_CELL, MOST_CELL = 14, 44  # pixels of a square of the confusion matrix


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about."""

    name: str
    path: str  # as the user wrote it, for commands to type
    made: str
    version: str
    classes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def render(
    subject: Subject, evaluations: Sequence[tuple[str, Evaluation]], findings: Sequence[Finding]
) -> tuple[str, str]:
    """The HTML page and the Markdown card; evaluations come with their titles, most trustworthy first."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("graft.evaluation"),
        autoescape=lambda name: bool(name and "html" in name),
        undefined=StrictUndefined,
    )
    context = {
        "run": subject,
        "facts": subject.facts,
        "findings": findings,
        "pages": [_page(title, evaluation, subject) for title, evaluation in evaluations],
        "percent": percent,
    }
    page = environment.get_template("report.html.j2").render(context)
    card = environment.get_template("card.md.j2").render(context)
    return page, card


def percent(share: float) -> str:
    """A share as people read it: 0.8712 -> "87.1%"."""
    return f"{100 * share:.1f}%"


def _page(title: str, evaluation: Evaluation, subject: Subject) -> dict[str, Any]:
    worst = sorted(evaluation.per_class, key=lambda score: (score.support == 0, score.recall))
    shown = evaluation.per_class if len(worst) <= MOST_CLASSES else worst[:MOST_CLASSES]
    return {
        "title": title,
        "evaluation": evaluation,
        "guessing": log(len(subject.classes)),
        "classes": shown,
        "more_classes": len(worst) - len(shown),
        "matrix": _matrix(evaluation) if len(worst) <= MOST_CLASSES else "",
        "confusions": confusions(evaluation, most=8),
        "calibration": _calibration(evaluation),
        "mistakes": [
            {
                "truth": mistake.truth,
                "predicted": mistake.predicted,
                "confidence": mistake.confidence,
                "source": mistake.source,
                "thumbnail": _thumbnail(Path(evaluation.root) / mistake.source),
            }
            for mistake in evaluation.mistakes[:MOST_MISTAKES]
        ],
    }


def _matrix(evaluation: Evaluation) -> Any:
    """The confusion matrix as inline SVG; each row is shaded by its share."""
    from markupsafe import Markup, escape

    scores: tuple[ClassScore, ...] = evaluation.per_class
    cell = int(min(MOST_CELL, max(LEAST_CELL, 420 / len(scores))))
    margin = 12 + 6 * max(len(score.name[:18]) for score in scores)
    side = cell * len(scores)
    parts = [
        f'<svg viewBox="0 0 {margin + side + 10} {margin + side + 4}" width="{margin + side + 10}" role="img" '
        f'aria-label="confusion matrix" style="max-width:none">'
    ]
    for number, score in enumerate(scores):
        name, at = escape(score.name[:18]), margin + cell * number
        parts.append(f'<text x="{margin - 4}" y="{at + cell / 2 + 4}" text-anchor="end">{name}</text>')
        parts.append(f'<text transform="translate({at + cell / 2 + 4},{margin - 4}) rotate(-90)">{name}</text>')
    parts.append(f'<rect x="{margin}" y="{margin}" width="{side}" height="{side}" fill="none" stroke="var(--line)"/>')
    for true, guess, count in evaluation.confusion:
        share = count / scores[true].support
        colour = "var(--leaf)" if true == guess else "var(--bad)"
        tip = escape(f"{scores[true].name} taken for {scores[guess].name}: {count} of {scores[true].support}")
        parts.append(
            f'<rect x="{margin + cell * guess}" y="{margin + cell * true}" width="{cell}" height="{cell}" '
            f'fill="{colour}" fill-opacity="{0.15 + 0.85 * share:.2f}"><title>{tip}</title></rect>'
        )
        if cell >= ROOM_FOR_COUNTS:
            place = f'x="{margin + cell * guess + cell / 2}" y="{margin + cell * true + cell / 2 + 4}"'
            parts.append(f'<text {place} text-anchor="middle">{count}</text>')
    return Markup("".join([*parts, "</svg>"]))


def _calibration(evaluation: Evaluation) -> Any:
    """Confidence against accuracy as inline SVG; the area of a dot is its share of the samples."""
    from markupsafe import Markup

    side, margin = 240, 34
    dots = "".join(
        f'<circle cx="{margin + side * confidence:.1f}" cy="{side + 6 - side * share:.1f}" '
        f'r="{3 + 14 * (count / evaluation.samples) ** 0.5:.1f}" fill="var(--leaf)" fill-opacity=".65">'
        f"<title>{percent(confidence)} sure, {percent(share)} right, {count} samples</title></circle>"
        for confidence, share, count in evaluation.reliability
    )
    ticks = "".join(
        f'<text x="{margin + side * tick:.0f}" y="{side + 22}" text-anchor="middle">{tick:.0%}</text>'
        f'<text x="{margin - 5}" y="{side + 10 - side * tick:.0f}" text-anchor="end">{tick:.0%}</text>'
        for tick in (0, 0.5, 1)
    )
    return Markup(
        f'<svg viewBox="0 -8 {margin + side + 20} {side + 50}" width="{margin + side + 20}" role="img" '
        f'aria-label="calibration: confidence across, accuracy up">'
        f'<rect x="{margin}" y="6" width="{side}" height="{side}" fill="none" stroke="var(--line)"/>'
        f'<line x1="{margin}" y1="{side + 6}" x2="{margin + side}" y2="6" stroke="var(--soft)" stroke-dasharray="4"/>'
        f'{ticks}{dots}<text x="{margin + side / 2}" y="{side + 38}" text-anchor="middle">confidence</text></svg>'
    )


def _thumbnail(path: Path) -> str:
    """A small JPEG as a data URI; empty where the picture is not there any more."""
    try:
        picture = IMAGE.decode(path)
    except UnreadableError:
        return ""
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=75)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()

"""The report's pictures as inline SVG, in the page's own colours."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from markupsafe import escape as escape_html

from graft.escaping import shortened, visible
from graft.records import ClassScore, Evaluation, Verdict

ROOM_FOR_COUNTS = 26  # pixels of a square in which its count can be read
LEAST_CELL, MOST_CELL = 14, 44  # pixels of a square of the confusion matrix


def escape(text: str) -> Markup:
    """A text inside SVG."""
    return escape_html(visible(text))


def matrix(evaluation: Evaluation) -> Any:
    """The confusion matrix as inline SVG; each row is shaded by its share."""
    scores: tuple[ClassScore, ...] = evaluation.per_class
    cell = int(min(MOST_CELL, max(LEAST_CELL, 420 / len(scores))))
    margin = 12 + 6 * max(min(18, len(visible(score.name))) for score in scores)
    side = cell * len(scores)
    parts = [
        f'<svg viewBox="0 0 {margin + side + 10} {margin + side + 4}" width="{margin + side + 10}" role="img" '
        f'aria-label="confusion matrix" style="max-width:none">'
    ]
    for number, score in enumerate(scores):
        name, at = escape(shortened(visible(score.name), 18)), margin + cell * number
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


def calibration(evaluation: Evaluation) -> Any:
    """Confidence against accuracy as inline SVG; the area of a dot is its share of the samples."""
    side, margin = 240, 34
    dots = "".join(
        f'<circle cx="{margin + side * confidence:.1f}" cy="{side + 6 - side * share:.1f}" '
        f'r="{3 + 14 * (count / evaluation.samples) ** 0.5:.1f}" fill="var(--leaf)" fill-opacity=".65">'
        f"<title>{confidence:.1%} sure, {share:.1%} right, {count} samples</title></circle>"
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


def heat(names: tuple[str, ...], counts: tuple[tuple[int, int, int], ...]) -> Any:
    """How often two names stand together, (row, column, count), as inline SVG; each row shaded by its largest."""
    cell = int(min(MOST_CELL, max(LEAST_CELL, 420 / len(names))))
    margin = 12 + 6 * max(min(18, len(visible(name))) for name in names)
    side = cell * len(names)
    whole = {row: count for row, column, count in counts if row == column}
    parts = [
        f'<svg viewBox="0 0 {margin + side + 10} {margin + side + 4}" width="{margin + side + 10}" role="img" '
        f'aria-label="labels that stand together" style="max-width:none">'
    ]
    for number, name in enumerate(names):
        short, at = escape(shortened(visible(name), 18)), margin + cell * number
        parts.append(f'<text x="{margin - 4}" y="{at + cell / 2 + 4}" text-anchor="end">{short}</text>')
        parts.append(f'<text transform="translate({at + cell / 2 + 4},{margin - 4}) rotate(-90)">{short}</text>')
    parts.append(f'<rect x="{margin}" y="{margin}" width="{side}" height="{side}" fill="none" stroke="var(--line)"/>')
    for row, column, count in counts:
        share = count / max(1, whole.get(row, count))
        tip = escape(f"{count} of {whole.get(row, count)} with {names[row]} have {names[column]}")
        parts.append(
            f'<rect x="{margin + cell * column}" y="{margin + cell * row}" width="{cell}" height="{cell}" '
            f'fill="var(--leaf)" fill-opacity="{0.1 + 0.9 * share:.2f}"><title>{tip}</title></rect>'
        )
    return Markup("".join([*parts, "</svg>"]))


def scatter(points: Sequence[tuple[float, float]], half_width: float) -> Any:
    """Truth across and answer up as inline SVG, with the line where both agree and the band of half a width around."""
    side, margin = 280, 52
    values = [value for point in points for value in point] or [0.0, 1.0]
    low, high = min(values), max(values)
    reach = (high - low) or 1.0

    def at(value: float) -> float:
        return side * (value - low) / reach

    def up(value: float) -> float:
        return side + 6 - at(value)

    band = half_width / reach * side
    dots = "".join(
        f'<circle cx="{margin + at(truth):.1f}" cy="{up(answer):.1f}" r="3" fill="var(--leaf)" fill-opacity=".55">'
        f"<title>{truth:.4g}, answer {answer:.4g}</title></circle>"
        for truth, answer in points
    )
    ticks = "".join(
        f'<text x="{margin + at(tick):.0f}" y="{side + 22}" text-anchor="middle">{tick:.3g}</text>'
        f'<text x="{margin - 5}" y="{up(tick) + 4:.0f}" text-anchor="end">{tick:.3g}</text>'
        for tick in (low, low + reach / 2, high)
    )
    corners = f"{margin},{side + 6 - band:.1f} {margin},{side + 6 + band:.1f}"
    corners += f" {margin + side},{6 + band:.1f} {margin + side},{6 - band:.1f}"
    return Markup(
        f'<svg viewBox="0 -8 {margin + side + 20} {side + 50}" width="{margin + side + 20}" role="img" '
        f'aria-label="truth across, answer up"><clipPath id="inside"><rect x="{margin}" y="6" width="{side}" '
        f'height="{side}"/></clipPath><polygon points="{corners}" fill="var(--leaf)" fill-opacity=".12" '
        f'clip-path="url(#inside)"/><rect x="{margin}" y="6" width="{side}" height="{side}" fill="none" '
        f'stroke="var(--line)"/><line x1="{margin}" y1="{side + 6}" x2="{margin + side}" y2="6" stroke="var(--soft)" '
        f'stroke-dasharray="4"/>{ticks}{dots}<text x="{margin + side / 2}" y="{side + 38}" '
        f'text-anchor="middle">truth</text></svg>'
    )


def differences(verdict: Verdict) -> Any:
    """The audit's comparisons as inline SVG: a dot for each difference, a line for its interval, zero in the middle."""
    reach = max([0.02, *(max(abs(one.low), abs(one.high)) for one in verdict.comparisons)])
    side, row, left = 360, 44, 6
    height = row * len(verdict.comparisons)

    def across(share: float) -> float:
        return left + side / 2 * (1 + share / reach)

    parts = [
        f'<svg viewBox="0 0 {side + 12} {height + 18}" width="{side + 12}" role="img" '
        f'aria-label="differences in accuracy with their 95% intervals">'
        f'<line x1="{across(0):.1f}" y1="0" x2="{across(0):.1f}" y2="{height}" stroke="var(--soft)" '
        f'stroke-dasharray="4"/>'
    ]
    for number, one in enumerate(verdict.comparisons):
        y = row * number + 30
        colour = {"POSITIVE": "var(--leaf)", "NEGATIVE": "var(--bad)"}.get(one.finding or "", "var(--soft)")
        parts.append(
            f'<text x="{left}" y="{y - 12}">{escape(one.question)}</text>'
            f'<line x1="{across(one.low):.1f}" y1="{y}" x2="{across(one.high):.1f}" y2="{y}" stroke="{colour}" '
            f'stroke-width="3"/><circle cx="{across(one.difference):.1f}" cy="{y}" r="5" fill="{colour}">'
            f"<title>{100 * one.difference:+.1f} points ({100 * one.low:+.1f} to {100 * one.high:+.1f})</title>"
            "</circle>"
        )
    for share, anchor in ((-reach, "start"), (0.0, "middle"), (reach, "end")):
        parts.append(
            f'<text x="{across(share):.1f}" y="{height + 13}" text-anchor="{anchor}">{100 * share:+.0f}</text>'
        )
    return Markup("".join([*parts, "</svg>"]))

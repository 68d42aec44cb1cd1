"""From the arms' answers to one verdict in words that a statistician would let stand (science, section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from graft.audit.compare import LEAST_SAMPLES, MARGIN, Comparison, holm
from graft.audit.labels import Saved
from graft.records import Alarm, Compared

Answers = Mapping[str, NDArray[Any]]  # key of an arm -> right answers, (seeds, judged)
QUESTIONS = (
    ("delivered", "scratch", "Did pretraining help?"),
    ("delivered", "shortcut", "Is it more than a shortcut that needs no network?"),
    ("probe", "random", "Are the pretrained features worth more than random ones?"),
    ("delivered", "probe", "Did training beyond the probe help?"),
    ("permuted", "majority", "Do labels that mean nothing teach nothing?"),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was compared, what it amounts to, and the sentence for it."""

    finding: str
    sentence: str
    comparisons: tuple[Compared, ...]


def judge(
    answers: Answers,
    comparing: Callable[[NDArray[Any], NDArray[Any]], Comparison],
    alarms: Sequence[Alarm],
    rival: str,
    saved: Saved | None,
    rated_by: str = "accuracy",
) -> Judged:
    """Compare the arms that there are. Transfer is the delivered model against whichever is better without
    pretraining: the same network from scratch, called `rival` in the sentence, or a probe without a network.
    """
    asked = [one for one in QUESTIONS if one[0] in answers and one[1] in answers]
    found = [comparing(answers[first], answers[second]) for first, second, _ in asked]
    adjusted = holm([one.p for one in found])
    comparisons = tuple(
        Compared(first, second, question, one.difference, one.low, one.high, p, one.finding, one.needed)
        for (first, second, question), one, p in zip(asked, found, adjusted, strict=True)
    )
    primary, against = _primary(answers, dict(zip([one[:2] for one in asked], found, strict=True)), rival)
    blocking = [one for one in alarms if one.blocks]
    if blocking:
        told = " ".join(one.message for one in blocking)
        return Judged("BLOCKED", f"No verdict, because the comparison cannot be trusted. {told}", comparisons)
    return Judged(primary.finding or "TOO FEW", sentence_of(primary, against, saved, rated_by), comparisons)


def _primary(answers: Answers, found: Mapping[tuple[str, str], Comparison], rival: str) -> tuple[Comparison, str]:
    """The comparison that decides, and what it is against."""
    scratch, shortcut = found[("delivered", "scratch")], found[("delivered", "shortcut")]
    if answers["shortcut"].mean() > answers["scratch"].mean():
        return shortcut, "a probe that needs no network and does better than training from scratch"
    return scratch, rival


def sentence_of(found: Comparison, against: str, saved: Saved | None, rated_by: str = "accuracy") -> str:
    """The verdict in words. Points are percentage points of what the arms are rated by."""
    of = "" if rated_by == "accuracy" else f" of {rated_by}"
    points = f"{_signed(found.difference)} points{of} (95% interval {_signed(found.low)} to {_signed(found.high)})"
    tested = f"n = {found.samples:,}"
    if found.finding is None:
        return (
            f"Too few samples to say anything: {found.samples:,} judged, and at least {LEAST_SAMPLES} are needed. "
            f"Measured: {points} against {against}."
        )
    if found.finding == "POSITIVE":
        return f"Transfer helped: {points} over {against}, {tested}{_labels(saved)}."
    if found.finding == "NEGATIVE":
        return f"Negative transfer: {points} against {against}, {tested}. Train without this pretraining."
    if found.finding == "EQUIVALENT":
        return f"Transfer made no difference that matters: {points} against {against}, {tested}."
    if found.finding == "NOT HARMFUL":
        margin = f"{100 * MARGIN:.0f} point"
        return f"Transfer did no harm of {margin} or more, and may have helped: {points} over {against}, {tested}."
    needed = f" About {found.needed:,} judged samples would be needed to tell." if found.needed else ""
    return f"No evidence either way: {points} against {against}, {tested}.{needed}"


def _labels(saved: Saved | None) -> str:
    if saved is None:
        return ""
    least = "at least " if saved.at_least else "about "
    return (
        f"; the frozen pretrained network is as good with {least}{saved.times:.1f} times fewer labels "
        f"(95% interval {saved.low:.1f} to {saved.high:.1f})"
    )


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"

"""What was said x what was heard -> error rates of words and letters, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graft.evaluation import metrics
from graft.evaluation.evaluate import FEW
from graft.evaluation.intervals import Units, units_of, widening
from graft.records import Interval

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Edits that turn what was heard into what was said, by what was said; above 1 where much was heard in addition."""

    words: Interval
    letters: Interval
    exact: Interval  # share of the utterances without any error


@dataclass(frozen=True, slots=True)
class Misheard:
    """One utterance that was not written down as it was said."""

    source: str
    said: str
    heard: str
    edits: int  # letters to insert, leave out or change
    probability: float  # of what was heard, as the model has it


@dataclass(frozen=True, slots=True)
class TranscriptEvaluation:
    """How well a model writes down what is said, and how sure one can be."""

    part: str  # "test", "val", or the path of another data set
    samples: int
    words: int  # that were said
    letters: int  # that were said, spaces among them
    rates: ErrorRates  # of any letters, by beam search
    greedy: ErrorRates  # of the best letter in each frame
    known_words: ErrorRates  # where only words of the transcripts that it learnt from are written
    unknown_words: int  # that were said and are none of those
    calibration_error: float  # mean distance between the probability of a text and the share that is right
    resampled: str  # what the intervals stand on: "groups" or "utterances"
    misheard: tuple[Misheard, ...]  # the worst first
    notes: tuple[str, ...] = ()
    root: str = ""  # where the sources lie
    noun: str = "recording"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a model wrote of utterances, by three ways of decoding, and how probable it found the first."""

    texts: Sequence[str]  # any letters, by beam search
    greedy: Sequence[str]
    known_words: Sequence[str]
    probabilities: Sequence[float]


@dataclass(frozen=True, slots=True)
class Said:
    """Utterances: what is said in them, where they lie, and the groups (speakers) they belong to."""

    texts: Sequence[str]
    sources: Sequence[str]
    groups: Sequence[str]  # empty strings where there are none
    root: str = ""


def edits(said: Sequence[object], heard: Sequence[object]) -> int:
    """The fewest insertions, deletions and substitutions that turn one sequence into the other (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for number, wanted in enumerate(said, 1):
        diagonal, row[0] = row[0], number
        for place, found in enumerate(heard, 1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (wanted != found))
    return row[-1]


def error_rates(said: Sequence[str], heard: Sequence[str], units: Units) -> ErrorRates:
    """Word and character error rates and the share without error, with 95% intervals by resampling `units`."""
    words, letters = [one.split() for one in said], [len(one) for one in said]
    wrong_words = np.array([edits(one, other.split()) for one, other in zip(words, heard, strict=True)], float)
    wrong_letters = np.array([edits(one, other) for one, other in zip(said, heard, strict=True)], float)
    exact = np.array([one == other for one, other in zip(said, heard, strict=True)], float)
    interval = _bootstrap(units)
    return ErrorRates(
        words=interval(wrong_words, np.array([len(one) for one in words], float)),
        letters=interval(wrong_letters, np.array(letters, float)),
        exact=interval(exact, np.ones(len(said))),
    )


def _bootstrap(units: Units) -> Callable[[NDArray[np.float64], NDArray[np.float64]], Interval]:
    """A ratio of sums with the percentiles of its values when units are drawn anew; the same draws every time.

    Percentiles of few groups are moved out, see `intervals.widening`.
    """
    count = units.count
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)  # (resamples, units)

    def interval(above: NDArray[np.float64], below: NDArray[np.float64]) -> Interval:
        value = float(above.sum() / below.sum())
        sums = [drawn @ np.bincount(units.numbers, weights, count) for weights in (above, below)]
        ends = np.percentile(sums[0] / np.maximum(sums[1], 1e-9), (2.5, 97.5))
        low, high = value + widening(units) * (ends - value)
        nothing = float(1 - 0.025 ** (1 / count))  # what may still be, where none of so many was seen (Clopper-Pearson)
        if not above.any():
            high = nothing
        elif np.array_equal(above, below):
            low = 1 - nothing
        if (above <= below).all():  # more than all cannot be wrong, or right
            high = min(high, 1.0)
        return Interval(value, max(0.0, min(float(low), value)), max(float(high), value))

    return interval


def evaluate_transcripts(
    part: str, said: Said, heard: Heard, known: Sequence[str], notes: Sequence[str] = ()
) -> TranscriptEvaluation:
    """All figures for utterances; `known` are the words of the transcripts that the model learnt from."""
    units = units_of(said.groups, len(said.texts))
    words = [word for text in said.texts for word in text.split()]
    right = np.array([one == other for one, other in zip(said.texts, heard.texts, strict=True)])
    found = [
        Misheard(source, one, other, edits(one, other), probability)
        for source, one, other, probability in zip(
            said.sources, said.texts, heard.texts, heard.probabilities, strict=True
        )
        if one != other
    ]
    more = [f"Only {len(said.texts)} utterances: small differences mean nothing."] if len(said.texts) < FEW else []
    more += [units.note] if units.note else []
    return TranscriptEvaluation(
        part=part,
        samples=len(said.texts),
        words=len(words),
        letters=sum(map(len, said.texts)),
        rates=error_rates(said.texts, heard.texts, units),
        greedy=error_rates(said.texts, heard.greedy, units),
        known_words=error_rates(said.texts, heard.known_words, units),
        unknown_words=sum(word not in set(known) for word in words),
        calibration_error=metrics.calibration_error(metrics.reliability(right, np.array(heard.probabilities))),
        resampled="groups" if units.by_group else "utterances",
        misheard=tuple(sorted(found, key=lambda one: (-one.edits / len(one.said), -one.probability, one.source))),
        notes=(*notes, *more),
        root=said.root,
    )

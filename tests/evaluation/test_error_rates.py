"""Error rates of transcripts: known distances, and intervals that stand on the groups."""

from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graft.evaluation.error_rates import Heard, Said, edits, error_rates, evaluate_transcripts
from graft.evaluation.intervals import units_of

WORDS = st.text("ab", max_size=6)


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [("kitten", "sitting", 3), ("seven", "seven", 0), ("", "one", 3), ("one", "", 3), ("saturday", "sunday", 3)],
)
def test_distances_that_are_known(said, heard, expected):
    assert edits(said, heard) == expected


@given(WORDS, WORDS)
def test_edits_follow_the_definition(first, second):
    """The recursion of Levenshtein's distance, from its definition."""

    @lru_cache
    def distance(a, b):
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return distance(a[1:], b[1:])
        return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))

    assert edits(first, second) == distance(first, second)


def test_rates_of_words_and_letters():
    """One wrong word of four, and one letter of 15, the space among them."""
    rates = error_rates(["one two", "six", "seven"], ["one too", "six", "seven"], units_of(None, 3))
    assert rates.words.value == pytest.approx(1 / 4)
    assert rates.letters.value == pytest.approx(1 / 15)
    assert rates.exact.value == pytest.approx(2 / 3)
    assert rates.words.low <= 1 / 4 <= rates.words.high


def test_much_that_was_not_said_counts_above_one():
    assert error_rates(["a"], ["b c d"], units_of(None, 1)).words.value == 3


def test_no_error_among_few_is_no_promise():
    """Of 10 without an error the true rate may be up to 31% (exact binomial)."""
    rates = error_rates(["one"] * 10, ["one"] * 10, units_of(None, 10))
    assert (rates.words.value, rates.words.low) == (0, 0)
    assert rates.words.high == pytest.approx(0.3085, abs=1e-4)
    assert rates.exact.low == pytest.approx(1 - 0.3085, abs=1e-4)


def test_groups_that_differ_widen_the_interval():
    said, heard = ["one"] * 100, ["one"] * 50 + ["two"] * 50
    alone = error_rates(said, heard, units_of(None, 100)).words
    grouped = error_rates(said, heard, units_of([f"{number // 10}" for number in range(100)], 100)).words
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def evaluation(groups):
    texts, heard = ["one", "six", "two"] * 20, ["ono", *["six", "xxxx", "one"] * 19, "six", "xxxx"]
    said = Said(texts, [f"{number}.wav" for number in range(60)], groups)
    return evaluate_transcripts("test", said, Heard(heard, heard, texts, [0.9, 0.6, 0.8] * 20), ["one", "two"])


def test_an_evaluation_tells_the_worst_first_and_what_it_stands_on():
    found = evaluation([f"speaker {number % 6}" for number in range(60)])
    assert found.resampled == "groups"
    assert (found.samples, found.words, found.letters, found.unknown_words) == (60, 60, 180, 20)
    assert found.known_words.words.value == 0
    assert len(found.misheard) == 21
    assert found.misheard[-1].heard == "ono"
    assert (found.misheard[0].said, found.misheard[0].heard, found.misheard[0].edits) == ("two", "xxxx", 4)
    assert evaluation([""] * 60).resampled == "utterances"
    assert any("1 group" in note for note in evaluation(["theo"] * 60).notes)


def test_few_speakers_give_intervals_by_speaker_as_wide_as_they_are_few():
    """Three speakers, one of whom is hardly understood: the utterances alone would seem to tell far more."""
    said, heard = ["one"] * 60, ["one"] * 40 + ["two"] * 15 + ["one"] * 5
    alone = error_rates(said, heard, units_of(None, 60))
    grouped = error_rates(said, heard, units_of([f"{number // 20}" for number in range(60)], 60))
    assert grouped.words.high - grouped.words.low > 3 * (alone.words.high - alone.words.low)
    assert 0 <= grouped.words.low <= grouped.words.high <= 1
    assert 0 <= grouped.exact.low <= grouped.exact.high <= 1


def test_three_groups_are_enough_for_intervals_by_group():
    found = evaluation([f"speaker {number % 3}" for number in range(60)])
    assert found.resampled == "groups"
    assert any("Intervals by group: 3 groups" in note for note in found.notes)

"""Decoding of frames: the sum over all alignments is the oracle."""

import itertools
import math

import numpy as np
import pytest

from graft.adaptation.decoding import Lexicon, beam, greedy
from graft.adaptation.letters import Letters, frames_needed, words_of

TWO = Letters(("a", "b"))
SPACED = Letters((" ", "a", "b"))


def frames(count, letters, seed, scale=2.0):
    scores = np.random.default_rng(seed).normal(0, scale, (count, letters + 1))
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def collapsed(path, letters):
    return letters.decode(number for number, _ in itertools.groupby(path) if number)


def every_text(log_probabilities, letters):
    """The probability of every text, summed over every alignment of it."""
    found = {}
    for path in itertools.product(range(log_probabilities.shape[1]), repeat=len(log_probabilities)):
        probability = math.exp(sum(log_probabilities[at, number] for at, number in enumerate(path)))
        text = collapsed(path, letters)
        found[text] = found.get(text, 0.0) + probability
    return found


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_every_text_with_its_whole_probability(seed):
    scores = frames(5, 2, seed)
    expected = every_text(scores, TWO)
    found = {guess.text: guess.probability for guess in beam(scores, TWO, width=1000)}
    assert found.keys() == expected.keys()
    assert all(found[text] == pytest.approx(expected[text], rel=1e-9) for text in expected)


@pytest.mark.parametrize("seed", range(8))
def test_known_words_share_the_probability_of_all_that_they_can_spell(seed):
    """Texts of known words alone, and only whole ones; every word may come again after a space."""
    scores = frames(5, 3, seed)
    words = {"a", "ab", "bb"}
    possible = {
        text: probability
        for text, probability in every_text(scores, SPACED).items()
        if text and all(word in words for word in text.split(" "))
    }
    found = beam(scores, SPACED, Lexicon(words, SPACED), width=1000)
    total = sum(possible.values())
    assert {guess.text for guess in found} == possible.keys()
    assert all(guess.probability == pytest.approx(possible[guess.text] / total, rel=1e-9) for guess in found)


def test_the_best_text_is_not_always_that_of_the_best_path():
    """Two frames in each of which the blank is likeliest, and yet some "a" is (Graves 2006, figure 2)."""
    scores = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    one = Letters(("a",))
    assert greedy(scores, one) == ""
    best = beam(scores, one)[0]
    assert (best.text, best.probability) == ("a", pytest.approx(0.64))


def test_greedy_is_the_best_path_without_repeats_and_blanks():
    for seed in range(20):
        scores = frames(6, 2, seed)
        assert greedy(scores, TWO) == collapsed(scores.argmax(axis=1), TWO)


def test_a_narrow_beam_says_no_more_than_there_is():
    scores = frames(6, 2, 3)
    expected = every_text(scores, TWO)
    assert all(guess.probability <= expected[guess.text] + 1e-12 for guess in beam(scores, TWO, width=2))


def test_no_word_that_fits_is_told_by_an_empty_list():
    assert beam(frames(1, 2, 0), TWO, Lexicon(["ab"], TWO)) == []


def test_letters_there_and_back():
    letters = Letters((" ", "a", "ß"))
    assert letters.encode("aß a") == (2, 3, 1, 2)
    assert letters.decode(letters.encode("aß a")) == "aß a"
    assert letters.encode("ab") is None
    assert letters.targets(["a", "aß a"]).tolist() == [[2, 0, 0, 0], [2, 3, 1, 2]]


@pytest.mark.parametrize(("text", "needed"), [("seven", 5), ("three", 6), ("aaa", 5), ("", 0)])
def test_frames_that_a_text_needs(text, needed):
    """The shortest path that collapses to it."""
    letters = Letters(tuple(sorted(set(text))) or ("a",))
    assert frames_needed(text) == needed
    if 0 < needed <= 6:
        paths = itertools.product(range(len(letters.names) + 1), repeat=needed)
        assert any(collapsed(path, letters) == text for path in paths)
        shorter = itertools.product(range(len(letters.names) + 1), repeat=needed - 1)
        assert not any(collapsed(path, letters) == text for path in shorter)


def test_words_of_transcripts():
    assert words_of(["two one", "one"]) == ("one", "two")

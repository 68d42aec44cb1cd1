"""Frames of letters -> texts by the three ways of decoding that an evaluation compares."""

from collections.abc import Iterable, Sequence

from graft.adaptation.decoding import Frames, Guess, Lexicon, beam, greedy
from graft.adaptation.letters import Letters
from graft.evaluation.error_rates import Heard


def heard_in(all_frames: Iterable[Frames], letters: Letters, words: Sequence[str]) -> Heard:
    """What was heard in each recording."""
    lexicon = Lexicon(words, letters)
    texts, best, known, probabilities = [], [], [], []
    for frames in all_frames:
        first = beam(frames, letters)[0]
        texts.append(first.text)
        probabilities.append(first.probability)
        best.append(greedy(frames, letters))
        known.append(next(iter(beam(frames, letters, lexicon)), Guess("", 0.0)).text)
    return Heard(texts, best, known, probabilities)

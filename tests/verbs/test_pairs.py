"""Tables with a picture and a text in each row: late fusion from fit to answer."""

import csv

import numpy as np
import pytest
from PIL import Image

import graft
from graft.errors import RequestError, WorkError
from graft.verbs.audit import audit
from graft.verbs.export import export

COLOURS = {"red": (210, 40, 40), "blue": (40, 40, 210)}
THINGS = {
    "animal": ("a cat", "my dog", "the horse", "two sheep", "an old goat", "this hen", "a small mouse", "the lion"),
    "tool": ("a hammer", "my saw", "the drill", "two files", "an old plane", "this axe", "a small chisel", "the vice"),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The picture tells the colour and the text the kind: only both together tell the class."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    rows = [("picture", "text", "label")]
    for number in range(64):
        colour, kind = [*COLOURS][number % 2], [*THINGS][number // 2 % 2]
        noise = rng.normal(0, 20, (48, 48, 3))
        Image.fromarray(np.clip(COLOURS[colour] + noise, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        words = f"{THINGS[kind][number // 4 % 8]}, number {number}"
        rows.append((f"{number}.png", words, f"{colour} {kind}"))
    with (folder / "things.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "things.csv"


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    return graft.fit(table, tmp_path_factory.mktemp("runs") / "run", graft.FitOptions(effort="good")).run


def test_a_picture_with_a_text_is_told_as_such(table):
    dataset = graft.load(table)
    assert (dataset.modality.name, len(dataset), len(dataset.classes)) == ("pair", 64, 4)
    assert "column 'picture'" in next(one.message for one in dataset.findings if one.kind == "picture-with-text")


def test_both_together_tell_what_neither_tells_alone(table, run, tmp_path):
    evaluated = graft.evaluate(run).evaluation
    assert evaluated.accuracy.value > 0.9
    alone = graft.fit(table, tmp_path / "alone", graft.FitOptions(effort="quick", load=graft.LoadOptions(text="text")))
    assert alone.evaluation.noun == "text"
    assert graft.evaluate(alone.run).evaluation.accuracy.value < 0.75


def test_answers_for_tables_without_labels_and_for_pairs_in_memory(run, tmp_path):
    for name, colour in COLOURS.items():
        Image.new("RGB", (60, 40), colour).save(tmp_path / f"{name}.png")
    asked = tmp_path / "asked.csv"
    asked.write_text("picture,text\nred.png,the drill is here\nblue.png,the horse is here\ngone.png,a cat\n")
    answers = graft.predict(run, asked)
    assert [one.source for one in answers] == ["asked.csv:2", "asked.csv:3", "asked.csv:4"]
    assert [one.classes[0] for one in answers[:2]] == ["red tool", "blue animal"]
    assert answers[2].error
    pair = (Image.open(tmp_path / "blue.png"), "a hammer")
    assert graft.predict(run, [pair])[0].classes[0] == "blue tool"
    with pytest.raises(RequestError, match="no pair"):
        graft.predict(run, str(tmp_path / "red.png"))


def test_the_report_shows_the_words_and_a_changed_picture_is_told(table, tmp_path):
    run = graft.fit(table, tmp_path / "run", graft.FitOptions(effort="quick")).run
    with (run / "split.csv").open() as rows:
        split = {row["source"]: row["part"] for row in csv.DictReader(rows)}
    number = next(int(name.partition(":")[2]) - 2 for name, part in split.items() if part == "test")
    file = table.parent / f"{number}.png"
    content = file.read_bytes()
    Image.new("RGB", (48, 48)).save(file)
    try:
        with pytest.raises(WorkError, match="1 changed"):
            graft.evaluate(run)
    finally:
        file.write_bytes(content)


def test_a_mistake_shows_its_words():
    from graft.evaluation.exhibit import exhibit
    from graft.records import Mistake

    shown = exhibit("pair", Mistake("things.csv:7", "red tool", "blue tool", 0.6, "a hammer & more"), None)
    assert shown == "<blockquote>a hammer &amp; more</blockquote>"


def test_what_takes_one_kind_only_says_so(table, run, tmp_path):
    with pytest.raises(RequestError, match="pictures with texts, and graft rank"):
        graft.rank(table)
    with pytest.raises(RequestError, match="pictures with texts, and graft audit"):
        audit(run)
    with pytest.raises(RequestError, match="both networks"):
        export(run, "onnx", tmp_path / "out")
    with pytest.raises(RequestError, match="Expected one for image, then one for text"):
        graft.fit(table, tmp_path / "x", graft.FitOptions(backbone="wheel:minilm_l6+wheel:minilm_l6"))

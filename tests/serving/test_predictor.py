import io
import shutil

import numpy as np
import pytest
from PIL import Image

from conftest import COLOURS, draw
from graft.errors import RequestError
from graft.modalities.modality import UnreadableError
from graft.serving import Predictor


@pytest.fixture(scope="module")
def predictor(fitted):
    return Predictor(fitted.run)


@pytest.fixture
def plum(tmp_path):
    return draw(tmp_path / "somewhere" / "plum.png", COLOURS["plum"], 12345)


def test_a_file_a_picture_and_an_array_get_one_answer(predictor, plum):
    with Image.open(plum) as picture:
        picture.load()
        answers = list(predictor.predict([plum, str(plum), picture, np.asarray(picture)]))
    assert {answer.classes[0] for answer in answers} == {"plum"}
    assert len({answer.probabilities for answer in answers}) == 1


def test_a_folder_gives_its_pictures_in_order(predictor, tmp_path):
    for number, name in enumerate(("b", "a", "c")):
        draw(tmp_path / "in" / f"{name}.png", COLOURS["lime"], number)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert [answer.source[-5:] for answer in predictor.predict(tmp_path / "in")] == ["a.png", "b.png", "c.png"]


def test_as_many_classes_as_asked_for_best_first(predictor, plum):
    [answer] = predictor.predict(plum, top=2)
    assert len(answer.classes) == 2
    assert answer.probabilities[0] > answer.probabilities[1]
    [all_of_them] = predictor.predict(plum, top=99)
    assert sum(all_of_them.probabilities) == pytest.approx(1)


def test_an_unreadable_file_does_not_stop_the_others(predictor, plum, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    bad, good = predictor.predict([broken, plum])
    assert bad.error == "the file is empty (0 bytes)"
    assert bad.classes == ()
    assert good.classes[0] == "plum"


def test_the_model_needs_neither_the_data_nor_the_cache(fitted, plum, tmp_path, own_cache):
    moved = shutil.copytree(fitted.run, tmp_path / "on another machine")
    [answer] = Predictor(moved).predict(plum)
    [here] = Predictor(fitted.run).predict(plum)
    assert answer.probabilities == pytest.approx(here.probabilities, abs=1e-6)


def test_all_missing_paths_are_named(predictor, plum):
    with pytest.raises(RequestError, match=r"2 paths not found: one.jpg, two.jpg"):
        list(predictor.predict(["one.jpg", plum, "two.jpg"]))


@pytest.mark.parametrize("inputs", [[], 7, [None]])
def test_what_is_no_input_is_refused(predictor, inputs):
    with pytest.raises(RequestError, match="is no picture|Nothing to predict"):
        list(predictor.predict(inputs))


def test_a_top_of_zero_is_refused(predictor, plum):
    with pytest.raises(RequestError, match="at least 1"):
        list(predictor.predict(plum, top=0))


def test_a_folder_that_cannot_be_read_is_told_and_the_rest_is_answered(predictor, tmp_path, monkeypatch):
    """Simulated, because a superuser may read everything."""
    from pathlib import Path

    for name in ("open", "shut"):
        draw(tmp_path / "in" / name / "a.png", COLOURS["plum"], len(name))
    listed = Path.iterdir

    def closed(path):
        if path.name == "shut":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", closed)
    good, bad = predictor.predict(tmp_path / "in")
    assert good.classes[0] == "plum"
    assert bad.source.endswith("shut")
    assert bad.error == "a folder that cannot be read"


def test_linked_folders_are_followed_and_pipes_are_not_waited_for(predictor, tmp_path):
    import os

    draw(tmp_path / "elsewhere" / "a.png", COLOURS["plum"], 1)
    (tmp_path / "in").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "in" / "link")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    answers = {answer.source[-8:]: answer for answer in predictor.predict(tmp_path / "in")}
    assert len(answers) == 2
    assert answers["pipe.png"].error == "not a regular file"


def test_a_bad_sample_in_memory_does_not_stop_the_others(predictor, plum):
    content = plum.read_bytes()
    truncated = Image.open(io.BytesIO(content[: len(content) // 2]))
    good = Image.open(plum)
    strange = [truncated, np.zeros((0, 4, 3), np.uint8), {"no": "picture"}, Image.new("F", (4, 4)), b"no picture", None]
    answers = list(predictor.predict([good, *strange, np.asarray(good), plum]))
    assert [bool(one.error) for one in answers] == [False, *[True] * len(strange), False, False]
    assert answers[0].classes == answers[-1].classes
    assert "truncated" in answers[1].error


def test_a_single_truncated_picture_is_its_own_error(predictor, plum):
    content = plum.read_bytes()
    [answer] = predictor.predict(Image.open(io.BytesIO(content[: len(content) // 2])))
    assert "truncated" in answer.error


def test_empty_texts_among_good_ones_are_named_with_their_reason():
    from graft.modalities.samples import tried
    from graft.modalities.text import TEXT
    from graft.serving.predictor import expand

    named = list(expand(["good text", "", "half \ud800", "another one"], TEXT))
    opened = [tried(TEXT, source) for _, source in named]
    assert [isinstance(one, UnreadableError) for one in opened] == [False, True, True, False]


def test_silence_among_recordings_is_its_own_error():
    from graft.modalities.audio import AUDIO
    from graft.serving.predictor import expand

    good, silent = np.sin(np.arange(800) / 5), np.zeros(800)
    named = list(expand([(good, 8_000), (silent, 8_000), (silent, "many"), (good, 8_000)], AUDIO))
    assert [isinstance(source, UnreadableError) for _, source in named] == [False, True, True, False]

"""Pictures with a text each: read, kept apart from their like, and told from what is none."""

import io

import numpy as np
import pytest
from PIL import Image

from graft.backbones import DEFAULTS, open_backbone
from graft.errors import RequestError
from graft.modalities.image import IMAGE
from graft.modalities.modality import Pair, UnreadableError, joined
from graft.modalities.pair import PAIR
from graft.modalities.text import TEXT


@pytest.fixture
def pair(tmp_path) -> Pair:
    Image.new("RGB", (30, 20), (200, 30, 30)).save(tmp_path / "red.png")
    return Pair(tmp_path / "red.png", "a red field, très rouge".encode())


def test_both_are_read_from_the_file_and_from_its_content(pair):
    for source in (pair, joined(pair)):
        picture, text = PAIR.decode(source)
        assert (picture.size, text) == ((30, 20), "a red field, très rouge")
    PAIR.check(joined(pair))


def test_each_is_prepared_as_by_itself(pair):
    preprocess = open_backbone(DEFAULTS["pair"]).card.preprocess
    picture, words = PAIR.prepare(PAIR.decode(pair), preprocess)
    assert np.array_equal(picture, IMAGE.prepare(IMAGE.decode(pair.file), preprocess.image))
    assert np.array_equal(words, TEXT.prepare(pair.text.decode(), preprocess.text))
    assert PAIR.stack([PAIR.example(preprocess)] * 3, preprocess).shape == (3, 2)


def test_another_text_or_picture_is_another_content(pair):
    same = Pair(pair.file.rename(pair.file.with_name("moved.png")), pair.text)
    other = Pair(same.file, b"a red field")
    first = joined(same)
    assert first != joined(other)
    Image.new("RGB", (30, 20), (200, 30, 31)).save(same.file)
    assert joined(same) != first


def test_what_is_no_pair_is_told(pair, tmp_path):
    with pytest.raises(UnreadableError, match="no pair"):
        PAIR.check(b"only a text")
    with pytest.raises(UnreadableError, match="empty"):
        PAIR.decode(Pair(pair.file, b"  "))
    with pytest.raises(UnreadableError, match="not UTF-8"):
        PAIR.decode(Pair(pair.file, b"caf\xe9"))
    with pytest.raises(UnreadableError):
        PAIR.decode(Pair(tmp_path / "gone.png", b"a text"))
    broken = tmp_path / "broken.png"
    broken.write_bytes(pair.file.read_bytes()[:40])
    with pytest.raises(UnreadableError):
        PAIR.check(joined(Pair(broken, b"a text")))
    with pytest.raises(RequestError, match=r"Expected .picture, text."):
        PAIR.accept("a text alone")


def test_a_picture_in_memory_is_accepted(pair):
    content = io.BytesIO(pair.file.read_bytes())
    picture, text = PAIR.accept((Image.open(content), "words"))
    assert (picture.size, text) == ((30, 20), "words")
    assert PAIR.accept((pair.file, "words"))[0].size == (30, 20)

"""Texts as people have them."""

from dataclasses import replace

import numpy as np
import pytest

from graft.backbones import open_backbone
from graft.modalities.modality import UnreadableError
from graft.modalities.text import TEXT


@pytest.fixture(scope="module")
def preprocess():
    return open_backbone("wheel:minilm_l6").card.preprocess


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"caf\xe9", "not UTF-8"),
        (b"a\0b", "zero bytes"),
        (b"word " * (250_000), "MB in one text"),
    ],
)
def test_what_is_no_text(content, reason):
    with pytest.raises(UnreadableError, match=reason):
        TEXT.decode(content)


def test_any_script_and_a_byte_order_mark(preprocess):
    for text in ("Wo bleibt mein Paket?", "我的包裹在哪里？", "أين طردي؟", "🎉🎉"):
        assert TEXT.decode(b"\xef\xbb\xbf" + text.encode()) == text
        assert len(TEXT.prepare(text, preprocess)) > 2


def test_a_long_text_is_cut_and_told(preprocess):
    long = b"word " * 5000
    assert len(TEXT.prepare(TEXT.decode(long), preprocess)) == preprocess.tokens
    assert "1 of 3 texts are longer than 256 tokens" in TEXT.excess(preprocess, [long, b"short", b"word " * 200])
    assert TEXT.excess(preprocess, [b"short"]) == ""


def test_filling_stands_behind_the_text(preprocess):
    fixed = TEXT.fix(preprocess, [b"one two three four five six seven eight nine"])
    assert fixed.fixed == 16
    filled = TEXT.prepare("one two", fixed)
    assert (filled[4:] == preprocess.pad).all()
    assert (filled[:4] != preprocess.pad).all()


def test_a_varied_text_keeps_what_the_tokenizer_puts_around_it(preprocess):
    text = "one two three four five six seven eight nine ten eleven twelve"
    plain = TEXT.prepare(text, preprocess)
    varied = [TEXT.augment(text, preprocess, np.random.default_rng(seed)) for seed in range(20)]
    assert all((one[0], one[-1]) == (plain[0], plain[-1]) for one in varied)
    assert any((one == preprocess.mask).any() for one in varied)
    unmasked = replace(preprocess, mask=None)
    np.testing.assert_array_equal(TEXT.augment(text, unmasked, np.random.default_rng(0)), plain)

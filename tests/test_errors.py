"""Messages of errors, with names from outside in them."""

import pytest

from graft.errors import DataError, GraftError, MissingExtraError, RequestError, WorkError, listing


@pytest.mark.parametrize("kind", [GraftError, RequestError, WorkError])
def test_a_message_holds_nothing_that_acts_on_a_terminal(kind):
    assert str(kind("one\x1b]0;owned\x07\u202e\ntwo")) == "one\\x1b]0;owned\\x07\\u202e\ntwo"


def test_data_errors_and_missing_extras_too():
    assert "\x1b" not in str(DataError("a\x1b[2J", ["b\x1b[2J"], ["c\x1b[2J"]))
    assert "\\n" in str(DataError("a\nb", ["x"]))
    assert "pip install" in str(MissingExtraError("onnx", "export"))


def test_names_in_a_list_stay_on_one_line_and_short():
    assert listing(["a\nb", "c\x1b"]) == "a\\nb, c\\x1b"
    assert len(listing(["x" * 5000])) < 300
    assert listing(list("abcdefg"), 2) == "a, b and 5 more"

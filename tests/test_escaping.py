"""Names that attack what shows them."""

import csv
import io
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graft import escaping

ATTACKS = (
    "a\nb",
    "\x1b[31mred",
    "\x9b31m",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "|",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "[link](http://x)",
    "http://evil.example www.evil.example me@evil.example",
    "& del",
    "$(rm)",
    "` `",
    "```\nx",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "# heading",
    "- item",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt;",
    "tab\there",
    "it's",
    "-rf",
    "\ud800",
    "x" * 5000,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_visible_holds_nothing_that_acts(attack):
    shown = escaping.visible(attack)
    assert not [one for one in shown if unicodedata.category(one) in escaping.HIDDEN]
    shown.encode()


def test_what_languages_need_is_left_alone():
    for name in ("苹果\u3000红", "می\u200cخواهم", "👩\u200d🌾", "naïve", "नमस्ते", "a\u00a0b"):
        assert escaping.visible(name) == name


def test_line_ends_stay_where_they_may():
    assert escaping.visible("a\nb\x07", keep="\n") == "a\nb\\x07"
    assert escaping.visible("a\nb") == "a\\nb"


def test_a_long_name_keeps_its_beginning_and_its_end():
    assert escaping.shortened("x" * 400 + "end", 30).endswith("xend")
    assert len(escaping.shortened("x" * 400, 30)) == 30
    assert escaping.shortened("short") == "short"
    assert escaping.shortened("long", 1) == "…"


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_of_a_name_is_its_text_alone(attack):
    """As a reader of CommonMark with GitHub's extensions shows it: one paragraph of text, and nothing else."""
    markdown_it = pytest.importorskip("markdown_it")
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = reader.parse(escaping.markdown(attack))
    assert [one.type for one in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {one.type for one in tokens[1].children} <= {"text", "text_special"}
    assert "".join(one.content for one in tokens[1].children).strip() == escaping.visible(attack).strip()


def test_markdown_holds_no_address_that_github_would_link():
    shown = escaping.markdown("http://evil.example www.evil.example me@evil.example")
    assert "http://" not in shown
    assert "www." not in shown
    assert "e@" not in shown


def test_plain_names_are_plain_in_markdown():
    for name in (
        "plum",
        "wheel:efficientnet_lite0",
        "IN1k 224 x 224, 3.4 million",
        "0.123",
        "87.1%",
        "C sharp",
        "it's",
    ):
        assert escaping.markdown(name) == name


@pytest.mark.parametrize("attack", ATTACKS)
def test_code_in_markdown(attack):
    markdown_it = pytest.importorskip("markdown_it")
    tokens = markdown_it.MarkdownIt().parse(f"say {escaping.markdown_code(attack)} now")
    assert [one.type for one in tokens[1].children] == ["text", "code_inline", "text"]
    assert tokens[1].children[1].content.strip() == escaping.visible(attack).strip()


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one not in {"\ud800", "-rf"}])
def test_a_command_gives_the_shell_the_word_itself(attack):
    typed = escaping.command("printf", "%s", attack)
    assert "\n" not in typed
    assert "\x1b" not in typed
    got = subprocess.run(["bash", "-c", typed], capture_output=True, check=True).stdout
    assert got == attack.encode()


def test_a_path_is_never_an_option():
    assert escaping.command("graft", "evaluate", Path("-rf")) == "graft evaluate ./-rf"
    assert escaping.command("graft", "evaluate", "--json") == "graft evaluate --json"
    assert escaping.command("graft", "evaluate", Path("runs/fruit")) == "graft evaluate runs/fruit"


def test_commands_for_windows(monkeypatch):
    monkeypatch.setattr(escaping.os, "name", "nt")
    assert escaping.command("graft", r"C:\runs\fruit") == r"graft C:\runs\fruit"
    assert escaping.command("graft", "a&del") == 'graft "a&del"'
    assert escaping.command("graft", "$(rm) `x`") == 'graft "`$(rm) ``x``"'


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_cell_begins_with_no_formula_and_is_read_as_it_was(attack):
    written = escaping.cell(attack)
    assert written[0] not in escaping.FORMULA
    assert escaping.cell_text(written) == attack


@given(st.text(alphabet="'=+-@\t\r\nab\uff1d"))
def test_any_cell_is_read_as_it_was(text):
    file = io.StringIO(newline="")
    csv.writer(file).writerow([escaping.cell(text), "x"])
    file.seek(0)
    assert escaping.cell_text(next(csv.reader(file))[0]) == text
    assert escaping.cell(text)[:1] not in set(escaping.FORMULA)

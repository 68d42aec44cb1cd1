"""The list of licences reads well at any width and hides nothing."""

import json

import pytest

from graft.terminal import console, licences
from graft.verbs.models import models


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_lines_end_where_the_window_ends_and_no_word_is_lost(width, monkeypatch, capsys):
    monkeypatch.setattr(licences, "_width", lambda: min(width, licences.NARROW))
    licences.show_licences(models())
    shown = capsys.readouterr().out
    longest = max(shown.splitlines(), key=len)
    assert len(longest) <= max(width, len("timm:mobilenetv4_conv_small.e2400_r224_in1k"))
    flat = " ".join(shown.split())
    for line in models():
        assert line.id in flat
        if width >= 60:
            assert line.licence_source in flat
            assert line.licence_note in flat


def test_doubt_and_restriction_stand_beside_the_name(capsys):
    from dataclasses import replace

    first, *_ = models()
    licences.show_licences([replace(first, licence=""), replace(first, id="[b]x", licence="GPL-3.0")])
    shown = capsys.readouterr().out
    assert "unknown (no licence is stated)" in shown
    assert "GPL-3.0 (it asks for the source of what is shipped)" in shown
    assert "[b]x" in shown
    licences.show_licences([line for line in models() if line.id == "wheel:speech_embedding"])
    assert "Apache-2.0 (in doubt, see the note)" in capsys.readouterr().out


def test_json_has_licence_source_and_note(capsys):
    console.print_json({"models": models()})
    listed = json.loads(capsys.readouterr().out)["models"]
    assert all(line["licence"] and line["licence_source"] for line in listed)
    assert "CC BY-NC-SA 4.0" in next(line for line in listed if line["id"] == "wheel:speech_embedding")["licence_note"]

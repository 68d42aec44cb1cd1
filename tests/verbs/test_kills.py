"""Whatever is killed at whatever moment: nothing is lost, nothing is half there, and what goes on ends the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 6  # of each; the whole campaign takes more, by hand: python tests/verbs/kills.py image best 40 1 FOLDER


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        ("image", "quick"),
        ("image", "good"),
        ("image", "best"),
        ("audio", "good"),
        ("text", "good"),
        ("speech", "good"),
        ("image", "evaluate"),
        ("image", "export"),
        ("image", "cache"),
    ],
)
def test_killed_at_random_moments(tmp_path, cache, kind, verb):
    command = [sys.executable, str(Path(__file__).with_name("kills.py")), kind, verb, str(KILLS), "1", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert json.loads(result.stdout.splitlines()[-1]) == {"kind": kind, "verb": verb, "kills": KILLS}

"""Words of artificial voices: spoken in a process of their own, the same ones every time, and no endless waiting."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from graft.errors import WorkError
from graft.verbs import espeak_worker, spoken
from graft.verbs.demo_data import VOICES, VOICES_PACKAGE, _folder_of
from graft.verbs.spoken import speak

FOLDER = _folder_of(VOICES, VOICES_PACKAGE)
BREATHY = "en-us+f2"  # its voice has noise in it
WORDS = [("yes", "en-us", 40, 150), ("stop", BREATHY, 60, 190), ("stop", "en-gb-x-rp+m3", 40, 150)]


def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (tmp_path / "worker.py").write_text(code)
    monkeypatch.setattr(spoken, "WORKER", tmp_path / "worker.py")


def test_words_are_recordings_and_the_same_ones_again():
    first = list(speak(FOLDER, WORDS))
    time.sleep(1.1)  # left to itself, espeak-ng draws its noise by the second
    assert list(speak(FOLDER, WORDS)) == first
    for content in first:
        wave, rate = soundfile.read(io.BytesIO(content))
        assert rate == 22050
        assert 0.2 < len(wave) / rate < 3
        assert np.abs(wave).max() > 0.05
    assert len(set(first)) == len(WORDS)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists what a process has loaded")
def test_the_library_is_never_in_grafts_own_process(own_cache):
    code = (
        "from graft.verbs import demo_data\n"
        "demo_data.ACCENTS, demo_data.SPEAKERS, demo_data.WORDS = ('en-us',), ('',), ('yes', 'no')\n"
        "demo_data.spoken_words()\n"
        "import sys\n"
        "print('espeak' in open('/proc/self/maps').read(), 'espeakng_loader' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False"]
    assert (own_cache / "demo" / "words" / "words.csv").read_text().count("\n") == 5
    assert len(list(own_cache.rglob("*.wav"))) == 4


def test_the_worker_needs_nothing_but_python():
    """It is run without graft, so that no code of graft is in one process with espeak-ng."""
    imported = [line.split()[1] for line in Path(espeak_worker.__file__).read_text().splitlines() if "import " in line]
    names = {name.split(".")[0] for name in imported}
    assert {name for name in names if name.isidentifier()} <= sys.stdlib_module_names | {"without"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.stderr.write('no such library'); sys.exit(3)", "no such library"),
        ("import sys; sys.stdin.read(); sys.exit(0)", "did not say why"),
        ("import os; os.abort()", "its process ended"),
        ("import sys, struct; sys.stdin.read(); sys.stdout.buffer.write(struct.pack('<ii', 8000, 0))", "0 of 3 words"),
        ("import sys, struct; sys.stdin.read(); sys.stdout.buffer.write(struct.pack('<ii', 8000, -9))", "0 of 3 words"),
        (
            "import sys, struct; sys.stdin.read(); sys.stdout.buffer.write(struct.pack('<iihhi', 8000, 2, 1, 1, 900))",
            "1 of 3 words",
        ),
    ],
)
def test_a_process_that_fails_is_told(tmp_path, monkeypatch, code, words):
    worker(tmp_path, monkeypatch, code)
    with pytest.raises(WorkError, match=words) as told:
        list(speak(FOLDER, WORDS))
    assert "espeakng-loader" in str(told.value)


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    mark = tmp_path / "pid"
    worker(
        tmp_path,
        monkeypatch,
        f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)",
    )
    began = time.monotonic()
    with pytest.raises(WorkError, match="took more than 2 seconds"):
        list(speak(FOLDER, WORDS, patience=2))
    assert time.monotonic() - began < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_library_that_is_not_there_and_a_voice_that_is_not(tmp_path):
    with pytest.raises(WorkError, match="libespeak|espeak-ng"):
        list(speak(tmp_path, WORDS))
    with pytest.raises(WorkError, match="it has no voice klingon-of-nowhere"):
        list(speak(FOLDER, [("yes", "klingon-of-nowhere", 40, 150)]))


def test_who_stops_listening_leaves_no_process(tmp_path, monkeypatch):
    started = []
    begin = spoken._start
    monkeypatch.setattr(spoken, "_start", lambda *given: started.append(begin(*given)) or started[-1])
    words = speak(FOLDER, WORDS)
    next(words)
    words.close()
    assert started[0].poll() is not None

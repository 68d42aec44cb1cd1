"""Words spoken by espeak-ng, which is asked in a process of its own."""

import io
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer
from typing import IO

import numpy as np
from numpy.typing import NDArray

from graft.errors import WorkError

WORKER = Path(__file__).with_name("espeak_worker.py")
PATIENCE = 300.0  # seconds for all words, which take about ten
TAIL = 300  # letters of what it said last
Request = tuple[str, str, int, int]  # word, voice, pitch, words a minute


def speak(folder: Path, requests: Sequence[Request], patience: float = PATIENCE) -> Iterator[bytes]:
    """Yield a WAV file of each request, by the espeak-ng in the `folder` of espeakng-loader.

    All are asked of one process, because a word sounds a little different after another one. Raises `WorkError` where
    that process fails, or has not spoken all of them after `patience` seconds.
    """
    with tempfile.TemporaryFile() as complaints:
        process = _start(folder, complaints)
        late, began = Timer(patience, process.kill), time.monotonic()
        late.daemon = True
        late.start()
        spoken = 0
        try:
            for wave, rate in _waves(process, requests):
                yield _as_wav(wave, rate)
                spoken += 1
        except (struct.error, BrokenPipeError) as error:
            waited = time.monotonic() - began >= patience
            process.kill()
            process.wait()
            complaints.seek(0)
            last = complaints.read().decode(errors="replace").strip()[-TAIL:] or "it did not say why"
            why = f"it took more than {patience:.0f} seconds" if waited else f"its process ended: {last}"
            raise _failed(f"{why} ({spoken} of {len(requests)} words were spoken)") from error
        finally:
            late.cancel()
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]


def _start(folder: Path, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [sys.executable, "-I", WORKER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
    except OSError as error:
        raise _failed(f"its process could not be started: {error}") from error


def _waves(process: "subprocess.Popen[bytes]", requests: Sequence[Request]) -> Iterator[tuple[NDArray[np.int16], int]]:
    """Each request's samples with their rate; raises `struct.error` where the answer ends too soon."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(requests).encode())
    process.stdin.close()
    (rate,) = struct.unpack("<i", process.stdout.read(4))
    for _ in requests:
        (samples,) = struct.unpack("<i", process.stdout.read(4))
        content = process.stdout.read(2 * max(samples, 0))
        if samples <= 0 or len(content) < 2 * samples:
            raise struct.error("too few samples")
        yield np.frombuffer(content, "<i2"), rate


def _as_wav(wave: NDArray[np.int16], rate: int) -> bytes:
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, wave, rate, format="WAV")
    return content.getvalue()


def _failed(why: str) -> WorkError:
    return WorkError(
        f"The words of the demonstration are spoken by espeak-ng, and {why}. Reinstall it with "
        "pip install --force-reinstall espeakng-loader==0.2.4, or take recordings of your own: graft fit FOLDER."
    )

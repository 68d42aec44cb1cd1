"""Runs in a process of its own, without graft: espeak-ng is GPL-3.0, so its code is loaded here and nowhere else.

python espeak_worker.py FOLDER reads requests as JSON from stdin, [[word, voice, pitch, words a minute], ...], and
answers on stdout: the rate, then for each request its number of samples and the samples, 16 bits with a sign. All
numbers are little-endian and take 4 bytes.
"""

import ctypes
import json
import os
import platform
import struct
import sys
from pathlib import Path
from typing import Any

LIBRARIES = {"Windows": "espeak-ng.dll", "Darwin": "libespeak-ng.dylib"}
LIBRARY, DATA = "libespeak-ng.so", "espeak-ng-data"
PITCH, RATE, SYNCHRONOUS, UTF_8 = 3, 1, 1, 1  # numbers of espeak-ng's own
SEED = 1


class Espeak:
    """espeak-ng through its C interface; `rate` is in samples a second."""

    def __init__(self, folder: Path) -> None:
        self.library = ctypes.CDLL(str(folder / LIBRARIES.get(platform.system(), LIBRARY)))
        self.rate = int(self.library.espeak_Initialize(SYNCHRONOUS, 0, str(folder / DATA).encode(), 0))
        self.library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # else the time of day decides how breath sounds
        self.parts: list[bytes] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._take)  # kept, because the library calls it later
        self.library.espeak_SetSynthCallback(self.callback)

    def _take(self, wave: int | None, count: int, events: Any) -> int:
        if wave and count > 0:
            self.parts.append(ctypes.string_at(wave, 2 * count))
        return 0

    def say(self, word: str, voice: str, pitch: int, speed: int) -> bytes:
        """The samples of a word; raises `RuntimeError` for a voice that is not there."""
        self.parts.clear()
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"it has no voice {voice}")
        self.library.espeak_SetParameter(RATE, speed, 0)
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        text = word.encode() + b"\0"
        self.library.espeak_Synth(text, len(text), 0, 1, 0, UTF_8, None, None)
        self.library.espeak_Synchronize()
        return b"".join(self.parts)


def main(folder: Path) -> None:
    """Answer all requests, then end."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not stand among the answers
    espeak = Espeak(folder)
    answers.write(struct.pack("<i", espeak.rate))
    for word, voice, pitch, speed in json.load(sys.stdin):
        samples = espeak.say(word, voice, pitch, speed)
        answers.write(struct.pack("<i", len(samples) // 2) + samples)
        answers.flush()
    answers.close()
    espeak.library.espeak_Terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

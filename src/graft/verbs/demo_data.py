"""Texts and sounds for the demonstrations: a corpus that a package ships, and words spoken by artificial voices."""

import csv
import ctypes
import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.errors import MissingExtraError
from graft.progress import SILENT, Watch
from graft.storage import cache_folder, write_bytes

CORPUS, CORPUS_PACKAGE = "chatterbot_corpus", "chatterbot-corpus"
TOPICS = ("coding", "emotion", "humor", "literature", "psychology", "tech_support", "trivia")
MOST_CONVERSATIONS = 150  # of a topic
VOICES, VOICES_PACKAGE = "espeakng_loader", "espeakng-loader"
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
ACCENTS = ("en-us", "en-gb-scotland", "en-gb-x-rp", "en-029")
SPEAKERS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m3", "+m5", "+m7")
MANNERS = ((40, 150), (60, 190))  # pitch and words a minute
PITCH, RATE, SYNCHRONOUS = 3, 1, 1  # numbers of espeak-ng's own


def topics() -> Path:
    """A table of lines of conversation with their topic (chatterbot-corpus, BSD-3), made from what is installed."""
    import yaml

    folder = _folder_of(CORPUS, CORPUS_PACKAGE) / "data" / "english"
    rows = []
    for topic in TOPICS:
        content = yaml.safe_load((folder / f"{topic}.yml").read_text(encoding="utf-8"))
        conversations = [one for one in content["conversations"] if isinstance(one, list)]  # a few are bare lines
        for number, lines in enumerate(conversations[:MOST_CONVERSATIONS]):
            rows += [(str(line).strip(), topic, f"{topic} {number}") for line in lines if str(line).strip()]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("text", "topic", "conversation"))
    writer.writerows(rows)
    table = cache_folder() / "demo" / "topics.csv"
    write_bytes(table, text.getvalue().encode())
    return table


def spoken_words(watch: Watch = SILENT) -> Path:
    """A table of ten words in forty voices of espeak-ng (GPL-3.0, called as a library), spoken when first asked for."""
    folder = cache_folder() / "demo" / "words"
    table = folder / "words.csv"
    if table.exists():
        return table
    rows = []
    voices = [accent + speaker for accent in ACCENTS for speaker in SPEAKERS]
    with _espeak() as espeak, watch.task("Speaking words", len(voices), "voices") as advance:
        for voice in voices:
            for word in WORDS:
                for number, (pitch, speed) in enumerate(MANNERS):
                    name = f"{word}/{voice}-{number}.wav"
                    write_bytes(folder / name, espeak.say(word, voice, pitch, speed))
                    rows.append((name, word, voice))
            advance(1)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("file", "label", "voice"))
    writer.writerows(rows)
    write_bytes(table, text.getvalue().encode())
    return table


class _Espeak:
    """espeak-ng through its C interface."""

    def __init__(self, library: Any, data: str) -> None:
        self.library = library
        self.rate = int(library.espeak_Initialize(SYNCHRONOUS, 0, data.encode(), 0))
        self.parts: list[NDArray[np.int16]] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._take)  # kept, because the library calls it later
        library.espeak_SetSynthCallback(self.callback)

    def _take(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self.parts.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    def say(self, word: str, voice: str, pitch: int, speed: int) -> bytes:
        """A WAV file of a word."""
        import soundfile

        self.parts.clear()
        self.library.espeak_SetVoiceByName(voice.encode())
        self.library.espeak_SetParameter(RATE, speed, 0)
        self.library.espeak_SetParameter(PITCH, pitch, 0)
        text = word.encode() + b"\0"
        self.library.espeak_Synth(text, len(text), 0, 1, 0, 1, None, None)
        self.library.espeak_Synchronize()
        content = io.BytesIO()
        soundfile.write(content, np.concatenate(self.parts), self.rate, format="WAV")
        return content.getvalue()


@contextmanager
def _espeak() -> Iterator[_Espeak]:
    _folder_of(VOICES, VOICES_PACKAGE)
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        yield _Espeak(library, str(espeakng_loader.get_data_path()))
    finally:
        library.espeak_Terminate()


def _folder_of(package: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(distribution, "demo")
    return Path(next(iter(spec.submodule_search_locations)))

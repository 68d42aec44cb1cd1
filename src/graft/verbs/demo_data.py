"""Texts and sounds for the demonstrations: a corpus that a package ships, and words spoken by artificial voices."""

import csv
import importlib.util
import io
from pathlib import Path

from graft.errors import MissingExtraError
from graft.progress import SILENT, Watch
from graft.storage import cache_folder, write_bytes
from graft.verbs.spoken import speak

CORPUS, CORPUS_PACKAGE = "chatterbot_corpus", "chatterbot-corpus"
TOPICS = ("coding", "emotion", "humor", "literature", "psychology", "tech_support", "trivia")
MOST_CONVERSATIONS = 150  # of a topic
VOICES, VOICES_PACKAGE = "espeakng_loader", "espeakng-loader"
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
ACCENTS = ("en-us", "en-gb-scotland", "en-gb-x-rp", "en-029")
SPEAKERS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m3", "+m5", "+m7")
MANNERS = ((40, 150), (60, 190))  # pitch and words a minute


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
    """A table of ten words in forty voices of espeak-ng, spoken when first asked for.

    espeak-ng is GPL-3.0, so it runs in a process of its own. Raises `WorkError` where that fails.
    """
    folder = cache_folder() / "demo" / "words"
    table = folder / "words.csv"
    if table.exists():
        return table
    espeak = _folder_of(VOICES, VOICES_PACKAGE)
    voices = [accent + speaker for accent in ACCENTS for speaker in SPEAKERS]
    wanted = [(word, voice, number) for voice in voices for word in WORDS for number in range(len(MANNERS))]
    spoken = speak(espeak, [(word, voice, *MANNERS[number]) for word, voice, number in wanted])
    rows = []
    with watch.task("Speaking words", len(wanted), "recordings") as advance:
        for (word, voice, number), content in zip(wanted, spoken, strict=True):
            name = f"{word}/{voice}-{number}.wav"
            write_bytes(folder / name, content)
            rows.append((name, word, voice))
            advance(1)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("file", "label", "voice"))
    writer.writerows(rows)
    write_bytes(table, text.getvalue().encode())
    return table


def _folder_of(package: str, distribution: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(distribution, "demo")
    return Path(next(iter(spec.submodule_search_locations)))

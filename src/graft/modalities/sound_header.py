"""What the heads of WAV and AIFF files say of their length, where that is wrong, and what other files are."""

from collections.abc import Iterator
from dataclasses import dataclass

PIPE = 0x7FFF_0000  # bytes of sound: what is said from here on was written before anybody knew how much would come
BY_DS64 = 0xFFFF_FFFF  # the size of a chunk whose real size stands in another
CONVERT = "Convert it, for example with: ffmpeg -i FILE FILE.wav"
OTHERS = {
    b"\x30\x26\xb2\x75": "a WMA recording",
    b"#!AMR": "an AMR recording",
    b"caff": "a CAF recording",
    b"\x1a\x45\xdf\xa3": "a WebM or Matroska file",
    b".snd": "an AU recording",
    b"wvpk": "a WavPack recording",
    b"MAC ": "a Monkey's Audio recording",
}


@dataclass(frozen=True, slots=True)
class Head:
    """A file whose head says how much there is, so that all of it is read, and what was wrong with the head."""

    content: bytes
    remark: str = ""


def mended(content: bytes) -> Head:
    """The content to decode: as it is, but for a WAV that says that it holds nothing and holds something."""
    kind = content[:4] + content[8:12]
    if kind in (b"RIFFWAVE", b"RF64WAVE"):
        return _wave(content)
    if kind in (b"FORMAIFF", b"FORMAIFC"):
        return _aiff(content)
    return Head(content)


def what_else(content: bytes) -> str:
    """What a file is that graft does not read, with the way out; empty where nothing is known of it."""
    for start, kind in OTHERS.items():
        if content.startswith(start):
            return f"{kind}, which graft does not read. {CONVERT}"
    if content[4:8] == b"ftyp":
        return f"an M4A or MP4 file (AAC), which graft does not read. {CONVERT}"
    if content[:1] == b"\xff" and len(content) > 1 and content[1] & 0xF6 == 0xF0:
        return f"an AAC recording, which graft does not read. {CONVERT}"
    return ""


def _wave(content: bytes) -> Head:
    each_second = large = 0
    for name, start, size in _chunks(content, "little"):
        rest = len(content) - start
        if name == b"ds64":  # of RF64 (EBU Tech 3306), whose sizes have 64 bits
            large = int.from_bytes(content[start + 8 : start + 16], "little")
        if name == b"data" and size == BY_DS64 and content[:4] == b"RF64":
            cut = rest < large
            return Head(content, _cut_short(large, rest, each_second) if cut else "")
        if name == b"fmt ":
            each_second = int.from_bytes(content[start + 8 : start + 12], "little")
        if name != b"data":
            continue
        if size == 0 and rest > 0 and not _are_chunks(content, start):
            told = "its head says that it holds no sound; it is read to its end"
            return Head(content[: start - 4] + rest.to_bytes(4, "little") + content[start:], told)
        if rest < size < PIPE:
            return Head(content, _cut_short(size, rest, each_second))
        after = start + size + size % 2
        if size < rest and not _are_chunks(content, after):
            missed = _seconds(len(content) - after, each_second)
            return Head(content, f"its head says less than it holds: {missed} at its end are not read")
        break
    return Head(content)


def _aiff(content: bytes) -> Head:
    claimed = 0
    for name, start, size in _chunks(content, "big"):
        if name == b"COMM" and content[8:12] == b"AIFF":
            channels, frames, bits = (
                int.from_bytes(content[start + at : start + to], "big") for at, to in ((0, 2), (2, 6), (6, 8))
            )
            claimed = channels * frames * (-(-bits // 8))
        if name == b"SSND":
            held = min(size, len(content) - start) - 8
            claimed = max(claimed, size - 8)
            if 0 < held < claimed:
                return Head(content, f"cut short: it holds {held / claimed:.0%} of what its head says")
    return Head(content)


def _chunks(content: bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and size of each chunk of a RIFF or an IFF file, up to the first that does not end in it."""
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little" if order == "little" else "big")
        yield content[at : at + 4], at + 8, size
        at += 8 + size + size % 2


def _are_chunks(content: bytes, at: int) -> bool:
    """Whether nothing but chunks, or a few bytes of filling, is left."""
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if not all(32 <= one < 127 for one in name):
            return not any(content[at:])
        at += 8 + size + size % 2
        if at > len(content) + 1:
            return False
    return True


def _cut_short(size: int, rest: int, each_second: int) -> str:
    return f"cut short: its head says {_seconds(size, each_second)}, it holds {rest / size:.0%}"


def _seconds(size: int, each_second: int) -> str:
    return f"{size / each_second:.1f} s" if each_second else f"{size:,} bytes"

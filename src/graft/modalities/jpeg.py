"""What the markers of a JPEG file say before it is decoded, and whether its data end before the picture does."""

import re
from collections import defaultdict
from dataclasses import dataclass

START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # all but tables and what is reserved
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
MOST_SCANS = 100  # ten or so are usual, and each is a pass over the whole picture
MOST_SCANNED = 2_000_000_000  # scans times pixels: about three seconds where each is almost empty

OTHER = b"\xa5\x5a\x35\xc3" * 16
MORE = OTHER + b"".join(
    bytes([0xFF, 0xD0 + number % 8]) + OTHER for number in range(16)
)  # with a restart of each number

_next_marker = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # within data: no stuffed byte and no restart


@dataclass(frozen=True, slots=True)
class Scans:
    """How many passes over the picture a file holds, and whether those of a progressive one say all of it."""

    count: int
    progressive: bool
    complete: bool
    end: int  # where the data of the last scan end


def scans_of(content: bytes) -> Scans:
    """Walk the markers of a file up to the end of its picture, or to the first scan too many."""
    at, count, progressive, end = 2, 0, False, len(content)
    left: dict[int, list[int]] = defaultdict(lambda: [99] * 64)  # component -> bits of each coefficient not yet said
    while at + 4 <= len(content) and count <= MOST_SCANS:
        if content[at] != 0xFF:
            found_at = content.find(b"\xff", at)
            at = len(content) if found_at < 0 else found_at
            continue
        kind = content[at + 1]
        if kind in ALONE or kind in (0x00, 0xFF, START_OF_IMAGE):
            at += 1 if kind == 0xFF else 2
            continue
        if kind == END_OF_IMAGE:
            break
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        progressive |= kind in PROGRESSIVE
        if kind == START_OF_SCAN:
            count += 1
            _note(content[at + 4 : at + 2 + length], left)
            found = _next_marker.search(content, at + 2 + length)
            at = end = found.start() if found else len(content)
        else:
            at += 2 + max(2, length)
    first = next(iter(left.values()), [0])
    return Scans(count, progressive, not progressive or not any(first), end)


def _note(header: bytes, left: dict[int, list[int]]) -> None:
    """What a scan says, by its header: of which components which coefficients, but for how many bits."""
    if len(header) < 4 or len(header) < 2 * header[0] + 4:
        return
    components = header[1 : 1 + 2 * header[0] : 2]
    first, last, bits = header[-3], min(63, header[-2]), header[-1] & 15
    for one in components:
        left[one][first : last + 1] = [bits] * max(0, last + 1 - first)


def with_more_data(content: bytes, scans: Scans) -> bytes:
    """The same file with other data at the end of its last scan, which show only where the picture lacks some."""
    return content[: scans.end] + MORE + content[scans.end :]

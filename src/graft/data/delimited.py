"""CSV and TSV: text becomes records. A record of no use is told with its line, and the others are read."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graft.data.column_names import simple
from graft.dataset.cells import column_name
from graft.errors import plural

MOST_FIELD = 100_000_000  # characters of one field: what is too long for a text is told of that row alone
DELIMITERS = (",", ";", "\t", "|")
SEP = re.compile(r"sep=(.)", re.IGNORECASE)
LOOKED_AT = 20  # lines that say which delimiter there is


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that cannot be used: the line where it begins, and the reason."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Records:
    """What a file holds: the names of its columns, and the fields of each record with the line where it begins."""

    names: tuple[str, ...]
    lines: list[int]
    fields: list[list[str]]
    faults: list[Fault]
    skipped: tuple[str, ...] = ()  # lines before the head that are no part of the table
    delimiter: str = ","


def delimited_records(text: str, tab: bool, known: frozenset[str]) -> Records:
    """Read records; `tab` says that the name promises tabs, and `known` holds usual names of columns.

    Lines before the head that are blank, begin with # or name the separator (sep=;) are passed over.
    """
    lines = list(io.StringIO(text, newline=""))  # ends of lines as editors know them: \n, \r\n and \r
    start, skipped, delimiter = _head(lines, known)
    delimiter = delimiter or _delimiter(lines[start : start + LOOKED_AT], tab)
    records = _records(lines, start, delimiter)
    head = next(records, None)
    if head is None or isinstance(head, Fault):
        return Records((), [], [], [head] if head else [], skipped, delimiter)
    names = tuple(column_name(name).lstrip("#").strip() for name in head[1])
    found = Records(names, [], [], [], skipped, delimiter)
    for record in records:
        if isinstance(record, Fault):
            found.faults.append(record)
            continue
        line, fields = record
        fields = _trimmed(fields, len(names))
        if len(fields) != len(names):
            found.faults.append(Fault(line, f"{plural(len(fields), 'field')} where the head has {len(names)}"))
            continue
        found.lines.append(line)
        found.fields.append(fields)
    return found


def _head(lines: Sequence[str], known: frozenset[str]) -> tuple[int, tuple[str, ...], str | None]:
    """The number of the line with the head, what stands above it, and the separator where a line names it."""
    skipped, delimiter = [], None
    for number, line in enumerate(lines):
        bare = line.strip().strip('"')
        named = SEP.fullmatch(line.strip("\r\n ").strip('"'))
        if named:
            delimiter = named[1]
        elif bare.startswith("#") and not _names(bare) & known:
            skipped.append(bare)
        elif bare.strip(",;|\t "):
            return number, tuple(skipped), delimiter
    return len(lines), tuple(skipped), delimiter


def _names(line: str) -> set[str]:
    return {simple(one.strip('"')) for one in re.split(r"[,;|\t]", line.lstrip("#"))}


def _delimiter(lines: Sequence[str], tab: bool) -> str:
    """The delimiter that the head holds most often, outside quotation marks."""
    head = re.sub(r'"[^"]*"', "", lines[0]) if lines else ""
    if tab and "\t" in head:
        return "\t"
    best = max(DELIMITERS, key=head.count)
    return best if head.count(best) else "\t" if tab else ","


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str]] | Fault]:
    """Each record with the line where it begins, counted from 1; blank lines are none.

    After a quotation mark that is not closed reading goes on in the line after it.
    """
    csv.field_size_limit(MOST_FIELD)
    feed = _Feed(lines, start)
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=delimiter != "\t")
    while True:
        begin = feed.place
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Fault(begin + 1, _told(str(error)))
            feed.place = begin + 1
            continue
        if any(fields):
            yield begin + 1, fields


class _Feed:
    """Lines, one by one, from a place that can be moved back."""

    def __init__(self, lines: Sequence[str], place: int) -> None:
        self.lines = lines
        self.place = place

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.place >= len(self.lines):
            raise StopIteration
        self.place += 1
        return self.lines[self.place - 1]


def _told(error: str) -> str:
    if "unexpected end" in error:
        return "a quotation mark that is not closed"
    if "expected after" in error:
        return "a quotation mark at the beginning of a field that does not end it (inside, marks are written twice)"
    return error


def _trimmed(fields: list[str], count: int) -> list[str]:
    """Without empty fields beyond the head: separators at the end of a line, as spreadsheets write them."""
    while len(fields) > count and not fields[-1].strip():
        fields = fields[:-1]
    return fields

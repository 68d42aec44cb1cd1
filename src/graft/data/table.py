"""Tables of labelled samples: CSV, TSV, JSON lines or Parquet, with a text or the path of a file in each row."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graft.audio import AUDIO
from graft.data.listing import PART_NAMES, Entry, Listing
from graft.data.options import LoadOptions
from graft.data.transcripts import tidy
from graft.errors import DataError, RequestError, WorkError, listing, plural
from graft.modalities import MODALITIES
from graft.modality import Modality
from graft.records import Finding, Part
from graft.storage import explain, is_utf8
from graft.text import TEXT

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
TEXTS = (
    "text",
    "sentence",
    "utterance",
    "request",
    "question",
    "message",
    "content",
    "review",
    "document",
    "query",
    "transcript",
    "transcription",
)
FILES = ("file", "path", "filename", "file_name", "filepath", "file_path", "image", "picture", "audio", "recording")
LABELS = ("label", "class", "category", "intent", "target", "species", "topic", "sentiment")
PARTS_COLUMNS = ("split", "part", "subset")
ROW = re.compile(r"(.+\.(?:csv|tsv|jsonl|ndjson|parquet)):(\d+)")
MOST_FIELD = 100_000_000  # characters of one field: what is too long for a text is told of that row alone
TRANSCRIPTS = "A text without a label is taken for what is said in recordings, which a column called file names."
NUMBERS = 0.5  # of the texts: with more of them numbers, the column is no text

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `content` holds texts, or paths of files; `label` may hold what is said in them."""

    content: str
    label: str
    part: str | None
    group: str | None
    texts: bool
    transcripts: bool


class TableReader:
    """Reads a table; beside one that is called train those called val and test are its parts."""

    def accepts(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() in TABLES

    def read(self, path: Path, options: LoadOptions) -> Listing:
        """List the rows; raises `RequestError` for a table that cannot be read and `DataError` for one of no use."""
        if not path.is_file():
            raise RequestError(f"{path} does not exist.")
        tables = _with_siblings(path)
        found: Listing | None = None
        for table, part in tables:
            rows = read_rows(table)
            columns = _columns(table, rows, options)
            if found is None:
                kind: Modality = TEXT if columns.texts else _kind_of_files(table, rows, columns)
                found = Listing(path.parent, kind, transcribed=columns.transcripts)
                if columns.transcripts and kind is not AUDIO:
                    raise DataError(path, [f"{kind.noun.capitalize()}s need a label. {TRANSCRIPTS}"])
            _list(table, rows, columns, part, found)
        assert found is not None
        if len(tables) > 1:
            names = listing([table.name for table, _ in tables], 6)
            found.findings.append(Finding("parts-beside", "info", f"Read as parts of one data set: {names}."))
        if found.modality is TEXT:
            _refuse_numbers(path, found.entries)
        return found


def read_rows(path: Path) -> list[Row]:
    """All rows of a table as text, without changing any; raises `RequestError` where it cannot be read."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    try:
        content = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")  # a broken row is told as that row
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {explain(error)}") from error
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path, content)
    csv.field_size_limit(MOST_FIELD)
    delimiter = "\t" if suffix == ".tsv" else _delimiter(content)
    try:
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
        rows = [{name: value or "" for name, value in row.items() if name is not None} for row in reader]
    except csv.Error as error:
        raise RequestError(f"{path} is no table that can be read: {error} (row {reader.line_num:,}).") from error
    if not rows:
        raise DataError(path, ["The table has no rows under its head."])
    return rows


def contents_of(origin: Path, sources: Sequence[str], options: LoadOptions) -> list[Path | bytes | None]:
    """What samples hold, by their names: a file, the text of a table's row, or None where it is not there any more."""
    root = origin if origin.is_dir() else origin.parent
    tables: dict[str, list[str]] = {}
    found: list[Path | bytes | None] = []
    for source in sources:
        row = ROW.fullmatch(source)
        if row is None or origin.is_dir():
            path = root / source
            found.append(path if path.is_file() else None)
            continue
        name, number = row[1], int(row[2]) - 2
        if name not in tables:
            tables[name] = _texts(root / name, options)
        texts = tables[name]
        found.append(texts[number].encode("utf-8", "surrogateescape") if 0 <= number < len(texts) else None)
    return found


def _texts(path: Path, options: LoadOptions) -> list[str]:
    if not path.is_file():
        return []
    rows = read_rows(path)
    column = _columns(path, rows, options).content
    return [row[column] for row in rows]


def _with_siblings(path: Path) -> list[tuple[Path, Part | None]]:
    """The table with the part that its name says, and those beside a train table that are its other parts."""
    if PART_NAMES.get(path.stem.lower()) != "train":
        return [(path, None)]
    beside = sorted(
        one for one in path.parent.iterdir() if one.suffix == path.suffix and one.stem.lower() in PART_NAMES
    )
    tables: dict[Part, Path] = {"train": path}
    for one in beside:
        tables.setdefault(PART_NAMES[one.stem.lower()], one)
    return [(table, part) for part, table in tables.items()] if len(tables) > 1 else [(path, None)]


def _columns(path: Path, rows: Sequence[Row], options: LoadOptions) -> Columns:
    names = list(rows[0])
    by_name = {name.strip().casefold(): name for name in reversed(names)}

    def known(wanted: Iterable[str]) -> str | None:
        return next((by_name[name] for name in wanted if name in by_name), None)

    problems = [
        f"There is no column {name!r}."
        for name in (options.text, options.label)
        if name is not None and name not in names
    ]
    text, file = options.text or known(TEXTS), known(FILES)
    label = options.label or known(one for one in LABELS)
    if text is None and file is None:
        problems.append(f"No column says what the samples are. Expected one called {listing(TEXTS, 3)} or {FILES[0]}.")
    transcripts = label is None and text is not None and file is not None
    if label is None and not transcripts:
        problems.append(
            f"No column says what the samples show. Expected one called {listing(LABELS, 3)}, or --label."
            + (f" {TRANSCRIPTS}" if text is not None else "")
        )
    if problems:
        raise DataError(path, [*problems, f"The columns are: {listing(names, 12)}."])
    content = file if file is not None and (options.text is None or transcripts) else text
    label = text if transcripts else label
    assert content is not None
    assert label is not None
    group = options.group if options.group in names else None
    texts = content == text and not transcripts
    return Columns(content, label, known(PARTS_COLUMNS), group, texts, transcripts)


def _list(path: Path, rows: Sequence[Row], columns: Columns, part: Part | None, found: Listing) -> None:
    unlabelled, strange = [], set()
    for number, row in enumerate(rows, 2):  # the head is row 1, as spreadsheets count
        where = f"{path.name}:{number}"
        label = tidy(row[columns.label]) if columns.transcripts else row[columns.label].strip()
        if not label or (columns.transcripts and not is_utf8(label)):
            unlabelled.append(where)
            continue
        own = part
        if columns.part is not None:
            named = row[columns.part].strip().lower()
            own = PART_NAMES.get(named)
            if own is None:
                strange.add(named)
        content = row[columns.content]
        group = None if columns.group is None else row[columns.group]
        source = where if columns.texts else _relative(path.parent, content)
        found.entries.append(Entry(source, label, own, content if columns.texts else None, group))
    if unlabelled:
        lacking = "a transcript that can be read" if columns.transcripts else "a label"
        message = f"{plural(len(unlabelled), 'row')} without {lacking} left out: {listing(unlabelled)}."
        kind = "empty-transcript" if columns.transcripts else "unlabelled"
        found.findings.append(Finding(kind, "warning", message, tuple(unlabelled)))
    if strange:
        names = listing(sorted(strange))
        found.problems.append(
            f"The column {columns.part!r} of {path.name} names parts that graft does not know: {names}. Expected "
            "train, val and test."
        )


def _relative(root: Path, written: str) -> str:
    path = Path(written)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return path.as_posix()


def _kind_of_files(path: Path, rows: Sequence[Row], columns: Columns) -> Modality:
    """The kind of the files that a table names; raises `DataError` where they are of several kinds, or of none."""
    suffixes = {Path(row[columns.content]).suffix.lower() for row in rows}
    kinds = [one for one in MODALITIES.values() if suffixes & one.suffixes]
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        raise DataError(
            path, [f"graft reads none of the files in column {columns.content!r}: {listing(sorted(suffixes))}."]
        )
    names = " and ".join(f"{kind.noun}s" for kind in kinds)
    raise DataError(path, [f"The column {columns.content!r} names {names}. Make a table of each."])


def _refuse_numbers(path: Path, entries: Sequence[Entry]) -> None:
    numbers = sum(_is_number(entry.text or "") for entry in entries)
    if entries and numbers > NUMBERS * len(entries):
        raise DataError(
            path, [f"The text column holds numbers in {numbers:,} of {len(entries):,} rows. Name the text with --text."]
        )


def _is_number(text: str) -> bool:
    try:
        float(text.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def _delimiter(content: str) -> str:
    head = content.partition("\n")[0]
    return max((",", ";", "\t"), key=head.count)


def _json_lines(path: Path, content: str) -> list[Row]:
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except ValueError as error:
            raise RequestError(f"{path} line {number:,} is no JSON: {error}.") from error
        if not isinstance(row, dict):
            raise RequestError(f"{path} line {number:,} is no JSON object with the columns as names.")
        rows.append({str(name): "" if value is None else str(value) for name, value in row.items()})
    if not rows:
        raise DataError(path, ["The table has no rows."])
    names = set().union(*rows)
    return [{name: row.get(name, "") for name in names} for row in rows]


def _parquet(path: Path) -> list[Row]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise WorkError("Parquet needs an extra. Install it with: pip install 'graft-ml[parquet]'") from error
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise RequestError(f"{path} cannot be read as Parquet: {error}.") from error
    if not table.num_rows:
        raise DataError(path, ["The table has no rows."])
    if any(pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind) for kind in table.schema.types):
        raise DataError(
            path, [f"It holds files inside ({', '.join(table.schema.names)}); graft reads texts and paths of files."]
        )
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in table.to_pylist()]

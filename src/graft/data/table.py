"""Tables of labelled samples: CSV, TSV, JSON lines or Parquet, with a text or the path of a file in each row."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graft.audio import AUDIO
from graft.data.listing import PART_NAMES, Entry, Listing
from graft.data.options import LoadOptions
from graft.data.rows import TABLES, Row, read_rows
from graft.data.transcripts import tidy
from graft.errors import DataError, RequestError, listing, plural
from graft.image import IMAGE
from graft.modalities import MODALITIES
from graft.modality import Content, Modality, Pair
from graft.pair import PAIR
from graft.records import Finding, Part
from graft.storage import is_utf8
from graft.text import TEXT, bytes_of

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
TRANSCRIPTS = "A text without a label is taken for what is said in recordings, which a column called file names."
NUMBERS = 0.5  # of the texts: with more of them numbers, the column is no text


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `content` holds texts, or paths of files; `label` may hold what is said in them."""

    content: str
    label: str
    part: str | None
    group: str | None
    texts: bool
    transcripts: bool
    beside: str | None = None  # texts, where each stands beside a file


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
                paired = kind is IMAGE and columns.beside is not None
                found = Listing(path.parent, PAIR if paired else kind, transcribed=columns.transcripts)
                if paired:
                    found.findings.append(_paired(columns))
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


def contents_of(
    origin: Path, sources: Sequence[str], options: LoadOptions, modality: str = TEXT.name
) -> list[Content | None]:
    """What samples of this kind hold, by their names: a file, what a table's row holds, or None where it is gone."""
    root = origin if origin.is_dir() else origin.parent
    tables: dict[str, list[Content]] = {}
    found: list[Content | None] = []
    for source in sources:
        row = ROW.fullmatch(source)
        if row is None or origin.is_dir():
            path = root / source
            found.append(path if path.is_file() else None)
            continue
        name, number = row[1], int(row[2]) - 2
        if name not in tables:
            table = root / name
            tables[name] = [content for _, content in rows_as(modality, table, options)] if table.is_file() else []
        contents = tables[name]
        content = contents[number] if 0 <= number < len(contents) else None
        gone = isinstance(content, Pair) and not content.file.is_file()
        found.append(None if gone else content)
    return found


def rows_as(modality: str, path: Path, options: LoadOptions | None = None) -> list[tuple[str, Content]]:
    """The rows of a table as samples of a kind, by their names; they need no label.

    Raises `DataError` where a column that they need is missing.
    """
    rows = read_rows(path)
    options = options or LoadOptions()
    known = _known(rows)
    text, file = options.text or known(TEXTS), known(FILES)
    needed = {"text": (text,), "pair": (file, text)}.get(modality, (file,))
    if None in needed or not set(needed) <= set(rows[0]):
        wanted = " and ".join(listing(TEXTS if one is text and modality != "image" else FILES, 3) for one in needed)
        raise DataError(path, [f"A column is missing: expected one called {wanted}.", _told(rows)])

    def content(row: Row) -> Content:
        words = bytes_of(row[text]) if text in needed and text else b""
        place = path.parent / row[file] if file in needed and file else None
        if place is None:
            return words
        return Pair(place, words) if text in needed else place

    return [(f"{path.name}:{number}", content(row)) for number, row in enumerate(rows, 2)]


def _known(rows: Sequence[Row]) -> Callable[[Iterable[str]], str | None]:
    """Finds the first column of several names, whatever its capitals."""
    by_name = {name.strip().casefold(): name for name in reversed([*rows[0]])}
    return lambda wanted: next((by_name[name] for name in wanted if name in by_name), None)


def _told(rows: Sequence[Row]) -> str:
    return f"The columns are: {listing([*rows[0]], 12)}."


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
    names, known = list(rows[0]), _known(rows)
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
        raise DataError(path, [*problems, _told(rows)])
    content = file if file is not None and (options.text is None or transcripts) else text
    label = text if transcripts else label
    assert content is not None
    assert label is not None
    group = options.group if options.group in names else None
    texts = content == text and not transcripts
    beside = text if text not in (content, label) else None
    return Columns(content, label, known(PARTS_COLUMNS), group, texts, transcripts, beside)


def _paired(columns: Columns) -> Finding:
    message = f"Each sample is a picture (column {columns.content!r}) with a text (column {columns.beside!r})."
    return Finding("picture-with-text", "info", message)


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
        file = None if columns.texts else _relative(path.parent, content)
        text = content if columns.texts else None
        if found.modality is PAIR:
            text = row[columns.beside or ""]
        found.entries.append(Entry(where if text is not None else file or "", label, own, text, group, file))
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

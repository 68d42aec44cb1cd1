"""Tables of labelled samples: CSV, TSV, JSON lines or Parquet, with a text or the path of a file in each row."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

from graft.data.column_names import FILES, KNOWN, TEXTS
from graft.data.columns import TRANSCRIPTS, ambiguous, columns_of, named_columns, told
from graft.data.labelled_rows import LabelledRows, Sample, Sheet, labelled_rows, labels_of, unreadable_rows
from graft.data.listing import PART_NAMES, Entry, Listing
from graft.data.located import Located, locate
from graft.data.rows import TABLES, Table, read_table
from graft.dataset.options import LoadOptions
from graft.dataset.task import Task
from graft.errors import DataError, RequestError, listing, plural
from graft.modalities.audio import AUDIO
from graft.modalities.image import IMAGE
from graft.modalities.modality import Content, Modality, Pair, UnreadableError
from graft.modalities.pair import PAIR
from graft.modalities.table import MODALITIES
from graft.modalities.text import TEXT
from graft.records import PARTS, Finding, Part
from graft.tasks.table import SPOKEN, recognised

ROW = re.compile(r"(.+\.(?:csv|tsv|jsonl|ndjson|parquet)):(\d+)")


@dataclass(frozen=True, slots=True)
class TableReader:
    """Reads a table; beside one that is called train those called val and test are its parts."""

    unlabelled: bool = False  # rows without a label are listed too, with an empty one

    def accepts(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() in TABLES

    def read(self, path: Path, options: LoadOptions) -> Listing:
        """List the rows; raises `RequestError` for a table that cannot be read and `DataError` for one of no use."""
        if not path.is_file():
            raise RequestError(f"{path} does not exist.")
        sheets, findings, problems = _sheets(path, options, self.unlabelled)
        task, rows = _rows(sheets, options, findings)
        findings += [finding for one in rows for finding in one.findings]
        problems += [problem for one in rows for problem in one.problems]
        if not any(one.samples for one in rows):
            raise DataError(path, [*problems, "No row of it can be used."], [one.message for one in findings])
        texts = sheets[0].columns.texts
        found = _of_texts(path, rows, task) if texts else _of_files(path, sheets, rows, options, findings, task)
        found.problems[:0] = problems
        found.findings[:0] = findings
        found.table = True
        return found


def _rows(sheets: Sequence[Sheet], options: LoadOptions, findings: list[Finding]) -> tuple[Task, list[LabelledRows]]:
    """What the labels of all sheets are taken for, which is told, and the rows that have such a label."""
    found = [LabelledRows() for _ in sheets]
    labels = [labels_of(sheet, one) for sheet, one in zip(sheets, found, strict=True)]
    if sheets[0].columns.transcripts:
        return SPOKEN, [labelled_rows(*one) for one in zip(sheets, repeat(SPOKEN), labels, found, strict=False)]
    task, why = recognised([label for one in labels for label in one], options.task)
    if why:
        findings.append(Finding("task", "info", why))
    return task, [labelled_rows(*one) for one in zip(sheets, repeat(task), labels, found, strict=False)]


def contents_of(
    origin: Path, sources: Sequence[str], options: LoadOptions, modality: str = TEXT.name
) -> list[Content | None]:
    """What samples of this kind hold, by their names: a file, what a table's row holds, or None where it is gone."""
    folder = origin if origin.is_dir() else origin.parent
    root = folder if origin.is_dir() or options.root is None else Path(options.root)
    tables: dict[str, dict[str, Content | UnreadableError]] = {}
    found: list[Content | None] = []
    for source in sources:
        row = ROW.fullmatch(source)
        if row is None or origin.is_dir():
            path = root / source
            found.append(path if path.is_file() else None)
            continue
        if row[1] not in tables:
            table = folder / row[1]
            tables[row[1]] = dict(rows_as(modality, table, options)) if table.is_file() else {}
        content = tables[row[1]].get(source)
        gone = content is None or isinstance(content, UnreadableError)
        gone = gone or (isinstance(content, Pair) and not content.file.is_file())
        found.append(None if gone else content)  # type: ignore[arg-type]  # mypy does not follow `gone`
    return found


def rows_as(
    modality: str, path: Path, options: LoadOptions | None = None
) -> list[tuple[str, Content | UnreadableError]]:
    """The rows of a table as samples of a kind, by their names, in order; they need no label.

    A row that cannot be used comes with the reason. Where no column is called as `options.text` says, one of a known
    name is taken. Raises `DataError` where a column that they need is missing.
    """
    options = options or LoadOptions()
    table = read_table(path, options.encoding, KNOWN)
    if options.text is not None and options.text not in table.names:  # another table than that of the run
        options = replace(options, text=None)
    named = named_columns(table.names, options)
    text, file = named.text, named.file
    needed = {"text": (text,), "pair": (file, text)}.get(modality, (file,))
    if None in needed or not set(needed) <= set(table.names):
        kinds = {"text": (TEXTS,), "pair": (FILES, TEXTS)}.get(modality, (FILES,))
        wanted = " and ".join(listing(names, 3) for names in kinds)
        raise DataError(path, [f"A column is missing: expected one called {wanted}.", told(table)])
    faults = {fault.line: fault.reason for fault in table.faults}
    for name in needed:
        faults |= {table.lines[row]: reason for row, reason in table.cells(name or "").faults.items()}
    contents = _contents(table, text if text in needed else None, file if file in needed else None, options)
    by_line: dict[int, Content | UnreadableError] = dict(zip(table.lines, contents, strict=True))
    by_line |= {line: UnreadableError(reason) for line, reason in faults.items()}
    return [(f"{path.name}:{line}", by_line[line]) for line in sorted(by_line)]


def sources_of(origin: Path, options: LoadOptions) -> set[str]:
    """The files that a table and those beside it name, as samples are named by them."""
    found: set[str] = set()
    for place, _ in _with_siblings(origin):
        table = read_table(place, options.encoding, KNOWN)
        file = named_columns(table.names, options).file
        if file is not None:
            found |= set(locate(place.parent, table.cells(file).texts, options.root).sources)
    return found


def _contents(
    table: Table, text: str | None, file: str | None, options: LoadOptions
) -> Iterator[Content | UnreadableError]:
    words = [one.encode() for one in table.cells(text).texts] if text is not None else [b""] * len(table)
    if file is None:
        yield from words
        return
    located = locate(table.path.parent, table.cells(file).texts, options.root)
    for row, source in enumerate(located.sources):
        place = located.root / source
        if row in located.faults:
            yield UnreadableError(located.faults[row])
        else:
            yield Pair(place, words[row]) if text is not None else place


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


def _sheets(path: Path, options: LoadOptions, unlabelled: bool) -> tuple[list[Sheet], list[Finding], list[str]]:
    """The tables that belong together, what was left out, and what stands in the way.

    Raises `DataError` with all problems where a table cannot be used.
    """
    sheets: list[Sheet] = []
    findings: list[Finding] = []
    problems: list[str] = []
    for place, part in _with_siblings(path):
        about = "" if place == path else f"{place.name}: "
        try:
            table = read_table(place, options.encoding, KNOWN)
        except DataError as error:
            problems += [f"{about}{problem}" for problem in error.problems]
            continue
        findings += unreadable_rows(table)
        columns, wrong = columns_of(table, options, unlabelled)
        if columns is None and about and named_columns(table.names, options).label is None:
            message = f"{place.name} has no labels, so it is not used: parts are dealt from the other rows."
            findings.append(Finding("unlabelled-part", "warning", message))
        elif columns is None or wrong:
            problems += [f"{about}{problem}" for problem in wrong]
        else:
            findings += [Finding("columns", "warning", message) for message in ambiguous(table, columns, options)]
            sheets.append(Sheet(table, columns, part))
    problems += _unlike(sheets)
    if problems:
        raise DataError(path, problems, [finding.message for finding in findings])
    if len(sheets) == 1:
        return [Sheet(sheets[0].table, sheets[0].columns, None)], findings, problems
    names = listing([sheet.table.path.name for sheet in sheets], 6)
    findings.append(Finding("parts-beside", "info", f"Read as parts of one data set: {names}."))
    return sheets, findings, problems


def _unlike(sheets: Sequence[Sheet]) -> list[str]:
    """Tables of one data set that hold samples of different kinds."""
    kinds = {(one.columns.texts, one.columns.transcripts, one.columns.beside is not None) for one in sheets}
    if len(kinds) < 2:
        return []
    names = listing([one.table.path.name for one in sheets], 6)
    return [f"{names} stand beside each other and their columns do not agree. Give them the same columns."]


def _of_texts(path: Path, rows: Sequence[LabelledRows], task: Task) -> Listing:
    found = Listing(path.parent, TEXT, task=task)
    for sample in _samples(rows):
        found.entries.append(Entry(sample.where, sample.label, sample.part, sample.content, sample.group))
    return found


def _of_files(
    path: Path,
    sheets: Sequence[Sheet],
    rows: Sequence[LabelledRows],
    options: LoadOptions,
    seen: Sequence[Finding],
    task: Task,
) -> Listing:
    """Samples that are files; raises `DataError` where none is found, or none is of a kind that graft reads."""
    samples, columns = _samples(rows), sheets[0].columns
    located = locate(path.parent, [sample.content for sample in samples], options.root)
    told = [finding.message for finding in seen]
    if not located.found:
        raise DataError(path, [_not_found(columns.content, samples, located)], told)
    kind = _kind_of_files(path, columns.content, located, told)
    paired = kind is IMAGE and columns.beside is not None
    if columns.transcripts and kind is not AUDIO:
        raise DataError(path, [f"{kind.noun.capitalize()}s need a label. {TRANSCRIPTS}"], told)
    found = Listing(located.root, PAIR if paired else kind, task=task)
    found.findings += [Finding("found-elsewhere", "warning", remark) for remark in located.remarks]
    if paired:
        message = f"Each sample is a picture (column {columns.content!r}) with a text (column {columns.beside!r})."
        found.findings.append(Finding("picture-with-text", "info", message))
    reasons = tuple(f"{samples[row].where}: {reason}" for row, reason in located.faults.items())
    if reasons:
        message = f"{plural(len(reasons), 'row')} without a file that can be read left out: {listing(reasons, 3)}."
        found.findings.append(Finding("unreadable", "warning", message, reasons))
    usable = [row for row in range(len(samples)) if row not in located.faults]
    if paired:
        found.entries += [_pair(samples[row], located.sources[row]) for row in usable]
    else:
        _once(found, [(samples[row], located.sources[row]) for row in usable])
    return found


def _samples(rows: Sequence[LabelledRows]) -> list[Sample]:
    return [sample for one in rows for sample in one.samples]


def _pair(sample: Sample, source: str) -> Entry:
    return Entry(sample.where, sample.label, sample.part, sample.beside, sample.group, source)


def _once(found: Listing, rows: Sequence[tuple[Sample, str]]) -> None:
    """List each file once; a file in several rows is a copy or a contradiction, as in folders."""
    by_source: dict[str, list[Sample]] = defaultdict(list)
    for sample, source in rows:
        by_source[source].append(sample)
    copies, contradictions = [], []
    for source, samples in by_source.items():
        kept = max(samples, key=lambda one: PARTS.index(one.part or "train"))  # the first of the most protected part
        label = _joined(found.task, [one.label for one in samples])
        if label is None:
            contradictions.append(" = ".join(f"{one.where} ({one.label})" for one in samples))
            continue
        copies += [f"{one.where} = {kept.where}" for one in samples if one is not kept]
        found.entries.append(Entry(source, label, kept.part, None, kept.group, source))
    noun, twice = found.modality.noun, plural(2, found.task.classes_noun).removeprefix("2 ")
    if copies:
        message = f"{plural(len(copies), 'row')} with the same {noun} as another: {listing(copies, 3)}; one is kept."
        found.findings.append(Finding("duplicate", "warning", message, tuple(copies)))
    if contradictions:
        message = (
            f"{plural(len(contradictions), noun)} in rows of several {twice}: {listing(contradictions, 3)}; all such "
            "rows are set aside."
        )
        found.findings.append(Finding("contradictory", "warning", message, tuple(contradictions)))


def _joined(task: Task, labels: Sequence[str]) -> str | None:
    """The label of a file that several rows name; None where they contradict each other."""
    if len(set(labels)) == 1:
        return labels[0]
    read = task.read(labels)
    merged = None if read.faults else task.merge(read.targets)
    return None if merged is None else task.write(read.names, merged)


def _not_found(column: str, samples: Sequence[Sample], located: Located) -> str:
    """Why none of the files that a column names can be used."""
    first = samples[0].content[:100]
    if len(located.faults) == len(samples):
        reason = located.faults[0]
        return (
            f"The column {column!r} names no file in any of {plural(len(samples), 'row')}: {first!r} is {reason}. "
            "Download files from the web first, and write their paths."
        )
    places = " and ".join(str(one) for one in located.looked_in)
    return (
        f"None of the {len(samples):,} files in the column {column!r} is there. Looked for {first!r} in {places}, also "
        "by its name and without its ending. Name the folder that the paths begin from with --root DIR."
    )


def _kind_of_files(path: Path, column: str, located: Located, told: Sequence[str]) -> Modality:
    """The kind of the files that a table names; raises `DataError` where they are of several kinds, or of none."""
    suffixes = {Path(source).suffix.lower() for source in located.sources}
    kinds = [one for one in MODALITIES.values() if suffixes & one.suffixes]
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        endings = listing(sorted(suffix or "(no ending)" for suffix in suffixes))
        raise DataError(path, [f"graft reads none of the files in column {column!r}: {endings}."], told)
    names = " and ".join(f"{kind.noun}s" for kind in kinds)
    raise DataError(path, [f"The column {column!r} names {names}. Make a table of each."], told)

"""Which columns of a table hold what: by their names, as asked for, and by what stands in them."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from graft.data.column_names import FILES, LABELS, PARTS_COLUMNS, TEXTS, simple
from graft.data.rows import Table
from graft.dataset.cells import clean_text, is_missing
from graft.dataset.options import LoadOptions
from graft.errors import listing
from graft.modalities.audio import AUDIO
from graft.modalities.table import MODALITIES
from graft.tasks.table import task_of

TRANSCRIPTS = "A text without a label is taken for what is said in recordings, which a column called file names."
PLAIN = re.compile(r"[\w .-]+")  # a name of a column, rather than a regular expression
ENDINGS = frozenset().union(*(kind.suffixes for kind in MODALITIES.values()))
ADDRESS = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
YES, NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})
MOST = 0.5  # of the rows: with more of them so, a column is of that kind


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `content` holds texts, or paths of files; `label` may hold what is said in them."""

    content: str
    label: str  # empty where no column holds labels
    part: str | None
    group: str | None
    texts: bool
    transcripts: bool
    beside: str | None = None  # texts, where each stands beside a file
    several: tuple[str, ...] = ()  # columns that are labels together, instead of `label`
    lists: bool = False  # a cell of `label` holds a list
    unlabelled: bool = False  # rows without a label are samples too

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that hold something of each sample."""
        labels = self.several or (self.label,)
        return tuple(dict.fromkeys(name for name in (self.content, *labels, self.beside) if name))


@dataclass(frozen=True, slots=True)
class Named:
    """The columns that options or their names point to; None where there is none."""

    text: str | None
    file: str | None
    label: str | None


def named_columns(names: Sequence[str], options: LoadOptions) -> Named:
    """The columns of texts, files and labels: those asked for, or else the first whose names are known."""
    return Named(
        _asked(options.text) or (first_known(names, TEXTS)),
        _asked(options.file) or (first_known(names, FILES)),
        _asked(options.label) or (first_known(names, LABELS)),
    )


def first_known(names: Sequence[str], wanted: Iterable[str]) -> str | None:
    """The first column of several names, whatever its capitals, spaces, underscores and hyphens."""
    by_name = {simple(name): name for name in reversed(names)}
    return next((by_name[name] for name in wanted if name in by_name), None)


def columns_of(table: Table, options: LoadOptions, unlabelled: bool = False) -> tuple[Columns | None, list[str]]:
    """Which columns hold what, or None where they cannot be told, and all that stands in the way.

    `unlabelled` asks for all rows, with their labels where there are any.
    """
    named = named_columns(table.names, options)
    problems = _absent(table, options)
    if named.text is None and named.file is None:
        problems.append(
            f"No column says what the samples are. Expected one called {listing(TEXTS, 3)} or {FILES[0]}, or --text or "
            "--file with the name of one."
        )
    several = _several(table, named, options)
    transcripts = named.label is None and named.text is not None and named.file is not None and not several
    if unlabelled:
        transcripts = transcripts and not problems and _names_recordings(table, named.file or "")
    elif named.label is None and not transcripts and not several:
        problems.append(
            f"No column says what the samples show. Expected one called {listing(LABELS, 3)}, or --label."
            + (f" {TRANSCRIPTS}" if named.text is not None else "")
        )
    if problems:
        return None, [*problems, told(table), *_hints(table)]
    columns = _settled(named, transcripts, table, options, several)
    columns = replace(columns, several=several, unlabelled=unlabelled)
    single = bool(columns.label) and not several and not transcripts
    columns = replace(columns, lists=single and _holds_lists(table, columns.label, options))
    problems = _twice(table, columns)
    return columns, problems or _nested(table, columns) or _no_texts(table, columns)


def told(table: Table) -> str:
    """The names of a table's columns, for a message."""
    return f"The columns are: {listing([name or '(no name)' for name in table.names], 12)}."


def ambiguous(table: Table, columns: Columns, options: LoadOptions) -> list[str]:
    """Other columns whose names say that they could have been meant, in words."""
    told = []
    for option, asked, used, wanted in (
        ("--label", options.label, None if columns.transcripts else columns.label, LABELS),
        ("--text", options.text, columns.content if columns.texts else columns.beside, TEXTS),
        ("--file", options.file, None if columns.texts else columns.content, FILES),
    ):
        others = [name for name in dict.fromkeys(table.names) if name != used and simple(name) in wanted]
        if asked is None and used is not None and others:
            told.append(f"{option} is taken to be {used!r}; {listing([repr(name) for name in others])} could be too.")
    return told


def _asked(name: str | None) -> str | None:
    return None if name is None else clean_text(name)


def _absent(table: Table, options: LoadOptions) -> list[str]:
    """Columns that were asked for and are not there, with those that are called nearly so."""
    labels = [options.label]
    if options.label is not None and _asked(options.label) not in table.names:
        labels = [*options.label.split(",")]
    asked = [_asked(name) for name in (options.text, options.file, *labels)]
    if _is_absent_group(table, options):
        asked.append(_asked(options.group))
    return [
        f"There is no column {name!r}.{_near(name, table.names)}"
        for name in asked
        if name is not None and name not in table.names
    ]


def _is_absent_group(table: Table, options: LoadOptions) -> bool:
    """Whether --group can only mean a column that is not there: a plain name, or of texts, which have no paths."""
    if options.group is None or _asked(options.group) in table.names:
        return False
    named = named_columns(table.names, options)
    return PLAIN.fullmatch(options.group) is not None or named.file is None


def _near(name: str, names: Sequence[str]) -> str:
    by_name = {simple(one): one for one in names if one}
    near = [by_name[one] for one in difflib.get_close_matches(simple(name), by_name, 3, 0.6)]
    return f" Was {' or '.join(repr(one) for one in near)} meant?" if near else ""


def _several(table: Table, named: Named, options: LoadOptions) -> tuple[str, ...]:
    """The columns that are labels together: those asked for with commas between them, or all that say yes or no."""
    if options.label is not None:
        asked = tuple(clean_text(one) for one in options.label.split(","))
        there = clean_text(options.label) not in table.names and set(asked) <= set(table.names)
        return asked if there and len(asked) > 1 else ()
    if named.label is not None:
        return ()
    taken = {named.text, named.file, options.group, first_known(table.names, PARTS_COLUMNS)}
    rest = [name for name in dict.fromkeys(table.names) if name not in taken]
    found = tuple(name for name in rest if _says_yes_and_no(table, name))
    return found if len(found) > 1 else ()


def is_yes_or_no(cell: str) -> bool:
    """Whether a cell says yes, no, or nothing."""
    return is_missing(cell) or cell.casefold() in YES | NO


def _says_yes_and_no(table: Table, name: str) -> bool:
    texts = {text.casefold() for text in table.cells(name).texts}
    return all(map(is_yes_or_no, texts)) and bool(texts & YES) and not table.cells(name).faults


def _holds_lists(table: Table, name: str, options: LoadOptions) -> bool:
    """Whether most cells are lists, which are several labels unless something else is asked for."""
    if options.task is not None and not task_of(options.task).several:
        return False
    lists = sum(isinstance(one, list | tuple) and not any(map(_is_nested, one)) for one in table.values(name))
    return lists > MOST * len(table)


def _is_nested(value: object) -> bool:
    return isinstance(value, list | tuple | dict | bytes)


def _settled(
    named: Named, transcripts: bool, table: Table, options: LoadOptions, several: tuple[str, ...] = ()
) -> Columns:
    by_text = options.text is not None and options.file is None and not transcripts
    content = named.text if named.file is None or by_text else named.file
    label = (named.text if transcripts else several[0] if several else named.label) or ""
    assert content is not None
    group = _asked(options.group)
    texts = content == named.text and not transcripts
    beside = named.text if named.text not in (content, label) else None
    part = first_known(table.names, PARTS_COLUMNS)
    part = None if part in (content, label) else part
    return Columns(content, label, part, group if group in table.names else None, texts, transcripts, beside)


def _twice(table: Table, columns: Columns) -> list[str]:
    used = [name for name in (*columns.needed, columns.part, columns.group) if name in table.twice]
    return [f"Several columns are called {name!r}. Give each a name of its own in the head." for name in used]


def _nested(table: Table, columns: Columns) -> list[str]:
    """Needed columns that hold something else than texts and numbers in most rows."""
    problems = []
    for name in columns.needed:
        if name == columns.label and columns.lists:
            continue
        faults = table.cells(name).faults
        odd = [reason for reason in faults.values() if reason.startswith(("a list", "an object")) or "bytes" in reason]
        if len(odd) > MOST * len(table):
            holds = "a list" if odd[0].startswith("a list") else odd[0]
            problems.append(
                f"The column {name!r} holds {holds} in {len(odd):,} of {len(table):,} rows, such as "
                f"{table.where(min(faults))}. graft reads one text, one label or the path of one file from a cell: "
                "write each value into a column of its own, or name another column with --text, --label or --file."
            )
    return problems


def _no_texts(table: Table, columns: Columns) -> list[str]:
    """Why what should be texts are none: paths of files, or numbers."""
    if not columns.texts or not len(table):
        return []
    texts = table.cells(columns.content).texts
    paths, numbers = sum(map(_is_path, texts)), sum(map(_is_number, texts))
    if paths > MOST * len(texts):
        return [
            f"The text column {columns.content!r} holds paths of files in {paths:,} of {len(texts):,} rows. If the "
            f"files are the samples, add --file {columns.content!r}."
        ]
    if numbers > MOST * len(texts):
        return [f"The text column holds numbers in {numbers:,} of {len(texts):,} rows. Name the text with --text."]
    return []


def _names_recordings(table: Table, name: str) -> bool:
    """Whether most cells of a column name files of sound."""
    texts = table.cells(name).texts
    return sum(text.lower().endswith(tuple(AUDIO.suffixes)) for text in texts) > MOST * len(texts)


def _is_path(text: str) -> bool:
    if not 4 < len(text) < 1000 or "\n" in text:
        return False
    ending = text[text.rfind(".") :].lower() if "." in text[-6:] else ""
    return ending in ENDINGS and (" " not in text or "/" in text or "\\" in text)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _hints(table: Table) -> list[str]:
    """What may be behind columns that nobody knows: no head, another separator, nested values, columns of paths."""
    hints: list[str] = []
    if not len(table):
        return hints
    looks = [name for name in dict.fromkeys(table.names) if _looks_like_data(table, name)]
    if looks:
        hints.append(
            f"The first row looks like the others ({listing([repr(name) for name in table.names], 3)}): if the table "
            "has no head, add a first row with the names of the columns, such as text,label."
        )
    if len(set(table.names)) == 1 and not looks:
        hints.append("There is one column only. Expected columns with a comma, a semicolon, a tab or | between them.")
    for name in dict.fromkeys(table.names):
        cells = table.cells(name)
        nested = [reason for reason in cells.faults.values() if reason.startswith("an object")]
        if len(nested) > MOST * len(table):
            hints.append(f"The column {name!r} holds {nested[0]}: write each of them into a column of its own.")
        elif sum(map(_is_path, cells.texts)) > MOST * len(table) and not looks:
            hints.append(f"The column {name!r} holds paths of files: name it with --file {name!r}.")
    return hints


def _looks_like_data(table: Table, name: str) -> bool:
    """Whether the name of a column stands in it too, more than once."""
    if is_missing(name):
        return False
    return table.cells(name).texts.count(name) > 1


def is_address(path: str) -> bool:
    """Whether what should be a path is an address on the web."""
    return ADDRESS.match(path) is not None

"""The labelled rows of one table, with what was left out and why."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graft.data.columns import YES, Columns, is_yes_or_no
from graft.data.listing import PART_NAMES
from graft.data.rows import Table
from graft.dataset.cells import control_characters, is_missing, one_line, without_fraction
from graft.dataset.task import Task
from graft.errors import listing, plural
from graft.records import Finding, Part


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, which of its columns hold what, and the part that its name says, if it is one of several."""

    table: Table
    columns: Columns
    part: Part | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled row: where it stands, what its content column holds, and the rest of it."""

    where: str
    content: str
    label: str
    part: Part | None
    group: str | None
    beside: str


@dataclass
class LabelledRows:
    """Rows that can be used, what was left out, and what stands in the way."""

    samples: list[Sample] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def labels_of(sheet: Sheet, found: LabelledRows) -> list[str]:
    """The label of each row as it is written, whatever it will be taken for; what was changed is told in `found`.

    Several columns become one label: the names of those that hold a yes, with ? before those that say nothing, or
    NAME=NUMBER of each. A list becomes its entries. Both have | between the parts.
    """
    columns = sheet.columns
    if columns.several:
        return _of_several(sheet)
    if not columns.label:
        return [""] * len(sheet.table)
    if columns.transcripts:
        return [one_line(text) for text in sheet.table.cells(columns.label).texts]
    if columns.lists:
        return [_of_list(one) for one in sheet.table.values(columns.label)]
    labels = [one_line(text) for text in sheet.table.cells(columns.label).texts]
    whole = without_fraction(labels)
    if whole is not None:
        shown = next((old, new) for old, new in zip(labels, whole, strict=True) if old != new)
        message = f"The labels of {sheet.table.path.name} are whole numbers: {shown[0]} is written as {shown[1]}."
        found.findings.append(Finding("whole-numbers", "info", message))
    return labels if whole is None else whole


def _of_several(sheet: Sheet) -> list[str]:
    names = sheet.columns.several
    cells = [[one_line(text) for text in sheet.table.cells(name).texts] for name in names]
    if not all(is_yes_or_no(text) for column in cells for text in column):
        return [
            "|".join(f"{name}={column[row]}" for name, column in zip(names, cells, strict=True) if column[row])
            for row in range(len(sheet.table))
        ]
    marked = [[_marked(name, cell) for cell in column] for name, column in zip(names, cells, strict=True)]
    return ["|".join(filter(None, row)) for row in zip(*marked, strict=True)]


def _marked(name: str, cell: str) -> str:
    return f"?{name}" if is_missing(cell) else name if cell.casefold() in YES else ""


def _of_list(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return "" if value is None else one_line(str(value))
    return "|".join(one_line(str(one)) for one in value if one is not None)


def labelled_rows(sheet: Sheet, task: Task, labels: Sequence[str], found: LabelledRows) -> LabelledRows:
    """All rows of a table that have a label of the task and cells that can be used, added to what was `found`."""
    table, columns = sheet.table, sheet.columns
    parts = _parts(sheet, found)
    groups = None if columns.group is None else table.cells(columns.group).texts
    contents = table.cells(columns.content).texts
    beside = table.cells(columns.beside).texts if columns.beside is not None else None
    faults = _faults(sheet, labels)
    unlabelled: list[int] = []
    for row, label in enumerate(labels):
        if row in faults:
            continue
        if task.is_missing(label):
            if not columns.unlabelled:
                unlabelled.append(row)
                continue
            label = ""
        group = None if groups is None else groups[row]
        text = beside[row] if beside is not None else ""
        found.samples.append(Sample(table.where(row), contents[row], label, parts[row], group, text))
    _tell(sheet, found, faults, unlabelled, labels)
    if groups is not None and (without := sum(not sample.group for sample in found.samples)):
        message = f"{plural(without, 'row')} without a value in the column {columns.group!r} count as one group."
        found.findings.append(Finding("no-group", "warning", message))
    return found


def unreadable_rows(table: Table) -> list[Finding]:
    """What could not be read of a table at all, and the lines above its head, as findings."""
    findings = []
    if table.skipped:
        message = (
            f"Passed over above the head of {table.path.name}: {listing([repr(one) for one in table.skipped], 3)}."
        )
        findings.append(Finding("above-head", "info", message))
    if table.faults:
        findings.append(_left_out(table, [(one.line, one.reason) for one in table.faults]))
    return findings


def _left_out(table: Table, rows: Sequence[tuple[int, str]]) -> Finding:
    """The finding for rows that cannot be read: their lines and reasons, and the reasons with a few of their rows."""
    name = table.path.name
    by_reason: dict[str, list[str]] = defaultdict(list)
    for line, reason in rows:
        by_reason[reason].append(f"{name}:{line}")
    told = "; ".join(f"{reason} ({listing(where, 3)})" for reason, where in [*by_reason.items()][:5])
    if any(reason.startswith("1 field where the head") for reason in by_reason):
        told += ". Are its rows separated as its head is?"
    elif any("fields where the head" in reason for reason in by_reason):
        told += '. A text that holds the separator needs quotation marks around it: "so, and so"'
    told += "" if told.endswith("?") else "."
    message = f"{plural(len(rows), 'row')} of {name} cannot be read and will not be used: {told}"
    return Finding("unreadable", "warning", message, tuple(f"{name}:{line}: {reason}" for line, reason in rows))


def _faults(sheet: Sheet, labels: Sequence[str]) -> dict[int, str]:
    """Rows with a cell that cannot be used, by their reasons."""
    faults: dict[int, list[str]] = defaultdict(list)
    for name in sheet.columns.needed:
        if name == sheet.columns.label and sheet.columns.lists:
            continue
        kind = "the label" if name == sheet.columns.label and not sheet.columns.transcripts else f"column {name!r}"
        for row, reason in sheet.table.cells(name).faults.items():
            faults[row].append(reason if name == sheet.columns.content else f"{kind} is {reason}")
    for row, label in enumerate(labels):
        signs = control_characters(label)
        if signs:
            faults[row].append(f"control characters in the label ({', '.join(signs[:3])})")
    return {row: "; ".join(reasons) for row, reasons in faults.items()}


def _parts(sheet: Sheet, found: LabelledRows) -> list[Part | None]:
    """The part of each row, where a column deals them; a column of other values deals none."""
    name, rows = sheet.columns.part, len(sheet.table)
    if name is None:
        return [sheet.part] * rows
    written = [text.casefold() for text in sheet.table.cells(name).texts]
    parts = [PART_NAMES.get(one) for one in written]
    strange = sorted({one or "(empty)" for one, part in zip(written, parts, strict=True) if part is None})
    table = sheet.table.path.name
    if not any(parts):
        message = (
            f"The column {name!r} of {table} does not say train, val or test ({listing(strange)}): it deals no parts."
        )
        found.findings.append(Finding("no-parts", "info", message))
        return [sheet.part] * rows
    if strange:
        where = next(sheet.table.where(row) for row, part in enumerate(parts) if part is None)
        found.problems.append(
            f"The column {name!r} of {table} names parts that graft does not know: {listing(strange)} (the first: "
            f"{where}). Expected train, val and test."
        )
    return parts


def _tell(
    sheet: Sheet, found: LabelledRows, faults: dict[int, str], unlabelled: Sequence[int], labels: Sequence[str]
) -> None:
    table = sheet.table
    if faults:
        found.findings.append(_left_out(table, [(table.lines[row], reason) for row, reason in sorted(faults.items())]))
    if not unlabelled:
        return
    where = [table.where(row) for row in unlabelled]
    lacking = "a transcript" if sheet.columns.transcripts else "a label"
    message = f"{plural(len(where), 'row')} without {lacking} left out: {listing(where)}."
    words = sorted({labels[row] for row in unlabelled} - {""})
    if words:
        message += f" What counts as no label: {listing([repr(word) for word in words])}; call a class otherwise."
    kind = "empty-transcript" if sheet.columns.transcripts else "unlabelled"
    found.findings.append(Finding(kind, "warning", message, tuple(where)))

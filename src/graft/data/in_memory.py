"""What a program holds (a DataFrame, a data set of a library, a list) as rows under named columns, one at a time."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from graft.data.columns import named_columns
from graft.data.listing import PART_NAMES
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.errors import RequestError, listing, plural

Data = Any
"""What every verb takes as labelled samples, besides the path of a folder or a table:

- a pandas or polars DataFrame, with columns as in a table; one may hold PIL pictures, arrays or (array, rate);
- a `datasets.Dataset`, or a `DatasetDict` whose keys train, validation and test are the parts;
- any iterable of (sample, label), or of dicts with the columns of a table as keys, where a sample is a path, a text,
  a PIL picture, an array of pixels, or (array, rate) for sound;
- a torch `Dataset` of the same pairs; its `classes` name labels that are whole numbers.
"""

ACCEPTED = (
    "Expected the path of a folder or a table, a DataFrame, a data set of torch or of Hugging Face, or an iterable of "
    "(sample, label), where a sample is a path, a text, a PIL picture, an array of pixels, or (array, rate) for sound."
)
SAMPLE = "sample"  # the column of a pair's first value, until it is known what it holds
PAIR_NAMES = (SAMPLE, "label")
PART = "split"  # the column that deals parts, by the first name that a table is searched for


@dataclass(frozen=True, slots=True)
class Unread:
    """A sample that could not be had at all, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """Rows under names, `count` of them where that is known, and what whole numbers in a column stand for."""

    names: tuple[str, ...]
    rows: Iterator[Sequence[Any] | Unread]
    count: int | None
    classes: Mapping[str, tuple[str, ...]]
    noun: str  # what holds them
    left_out: tuple[str, ...] = ()  # whole parts that were not read, in words


def held(data: Data) -> Held:
    """The rows of whatever was given; raises `RequestError` for what holds no labelled samples."""
    if isinstance(data, Dataset):
        raise RequestError(
            "This is what graft.load gives, which graft.rank and graft.adapt take. To any other verb give what was "
            "loaded."
        )
    if hasattr(data, "columns") and (hasattr(data, "itertuples") or hasattr(data, "iter_rows")):
        return _of_frame(data)
    if isinstance(data, Mapping):
        return _of_parts(data)
    if getattr(data, "features", None) is not None and hasattr(data, "column_names"):
        return _of_features(data)
    if hasattr(data, "batch_size") and hasattr(data, "dataset"):
        raise RequestError(
            "A DataLoader gives batches, and graft needs single samples. Pass its data set: loader.dataset"
        )
    if isinstance(data, bytes | bytearray) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        lazy = " Call its collect() first." if hasattr(data, "collect") else ""
        raise RequestError(f"graft cannot read labelled samples from {_a(data)}.{lazy} {ACCEPTED}")
    return _of_items(data)


def _of_frame(frame: Any) -> Held:
    rows = frame.itertuples(index=False, name=None) if hasattr(frame, "itertuples") else frame.iter_rows()
    return Held(tuple(str(name) for name in frame.columns), rows, len(frame), {}, "DataFrame")


def _of_parts(parts: Mapping[Any, Any]) -> Held:
    """Parts by their names: a DatasetDict, or a dict of whatever else `held` reads."""
    known = {name: PART_NAMES.get(str(name).casefold()) for name in parts}
    if not any(known.values()):
        raise RequestError(
            f"A dict has the keys {listing([str(one) for one in parts])}. Expected train, validation and test, each "
            "with samples of its own; columns by their names are a DataFrame: pandas.DataFrame(data)"
        )
    inside = {name: held(one) for name, one in parts.items() if known[name]}
    names = tuple(dict.fromkeys(name for one in inside.values() for name in one.names if name != PART))
    classes = {key: value for one in reversed([*inside.values()]) for key, value in one.classes.items()}
    for one in inside.values():
        wrong = [name for name, known_as in one.classes.items() if classes[name] != known_as]
        if wrong:
            raise RequestError(f"The parts name the classes of {wrong[0]!r} differently. Give them the same names.")

    def rows() -> Iterator[Sequence[Any] | Unread]:
        for name, one in inside.items():
            places = {column: place for place, column in enumerate(one.names)}
            for row in one.rows:
                if isinstance(row, Unread):
                    yield row
                else:
                    yield [*(row[places[each]] if each in places else None for each in names), known[name]]

    counts = [one.count for one in inside.values()]
    told = tuple(f"{name}: neither train, validation nor test" for name in parts if not known[name])
    count = None if None in counts else sum(filter(None, counts))
    return Held((*names, PART), rows(), count, classes, type(parts).__name__, told)


def _of_features(data: Any) -> Held:
    """A data set of Hugging Face; files in it stay as they are stored, instead of being decoded."""
    if hasattr(data, "with_format"):
        data = data.with_format(None)
    classes = {}
    for name, feature in dict(data.features).items():
        named = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
        if named:
            classes[str(name)] = tuple(str(one) for one in named)
        if getattr(feature, "decode", False) is True and hasattr(data, "cast_column"):
            data = data.cast_column(name, type(feature)(decode=False))
    names = tuple(dict(data.features))
    count = len(data) if hasattr(data, "__len__") else None
    rows = ([row.get(name) for name in names] if isinstance(row, Mapping) else row for row in _one_by_one(data))
    return Held(tuple(str(name) for name in names), rows, count, classes, "data set")


def _of_items(data: Any) -> Held:
    """Pairs or dicts of anything that can be walked through, or asked for its samples by number."""
    items = _one_by_one(data)
    first = next((one for one in items if not isinstance(one, Unread)), None)
    unread = first is None and hasattr(data, "__len__") and len(data)
    if unread:
        raise RequestError(f"None of the {plural(unread, 'sample')} can be read: {_first_reason(data)}")
    if first is None:
        raise RequestError(f"There are no samples in {_a(data)}: it is empty, or was walked through before. {ACCEPTED}")
    named = _classes_of(data)
    count = len(data) if hasattr(data, "__len__") else None
    items = chain([first], items) if count is None else _one_by_one(data)
    if isinstance(first, Mapping):
        names = tuple(str(name) for name in (_all_keys(data) if isinstance(data, list | tuple) else first))
        label = named_columns(names, LoadOptions()).label or "label"
        return Held(names, map(_by_names(names), items), count, {label: named} if named else {}, "iterable of dicts")
    if not _is_pair(first):
        raise RequestError(f"A sample of {_a(data)} is {_a(first)}{_sized(first)}, without a label. {ACCEPTED}")
    return Held(PAIR_NAMES, map(_as_pair, items), count, {"label": named} if named else {}, "iterable of pairs")


def _one_by_one(data: Any) -> Iterator[Any]:
    """Each item; of what can be asked by number one that raises is told, of anything else an error ends all."""
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        for number in range(len(data)):
            yield _item(data, number)
        return
    number = 0
    try:
        for item in data:
            number += 1
            yield item
    except Exception as error:
        raise RequestError(
            f"{_a(data)} raised {type(error).__name__} after {plural(number, 'sample')}: {error}. Nothing was kept: "
            "mend it, or let it pass over what it cannot read."
        ) from error


def _item(data: Any, number: int) -> Any:
    try:
        return data[number]
    except MemoryError:
        raise
    except Exception as error:  # a data set opens files when it is asked for them
        return Unread(f"{type(error).__name__}: {error}")


def _first_reason(data: Any) -> str:
    one = _item(data, 0)
    return one.reason if isinstance(one, Unread) else ""


def _as_pair(item: Any) -> Sequence[Any] | Unread:
    if isinstance(item, Unread) or (isinstance(item, list | tuple) and len(item) == 2):
        return item
    return Unread(f"{_a(item)}{_sized(item)} instead of (sample, label)")


def _by_names(names: Sequence[str]) -> Callable[[Any], Sequence[Any] | Unread]:
    def row(item: Any) -> Sequence[Any] | Unread:
        if isinstance(item, Unread):
            return item
        if not isinstance(item, Mapping):
            return Unread(f"{_a(item)} instead of a dict")
        other = sorted({str(name) for name in item} - set(names))
        if other:
            return Unread(f"the key {other[0]!r}, which the first sample does not have")
        values = {str(name): value for name, value in item.items()}
        return [values.get(name) for name in names]

    return row


def _all_keys(items: Iterable[Any]) -> list[Any]:
    return [*dict.fromkeys(key for item in items if isinstance(item, Mapping) for key in item)]


def _classes_of(data: Any) -> tuple[str, ...]:
    """The names that a data set, or the one that it is a subset of, gives its classes."""
    for _ in range(10):
        names = getattr(data, "classes", None)
        if isinstance(names, list | tuple):
            return tuple(str(one) for one in names)
        data = getattr(data, "dataset", None)
    return ()


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2


def _sized(item: Any) -> str:
    return f" of {len(item)}" if isinstance(item, list | tuple) else ""


def _a(thing: Any) -> str:
    name = "text" if isinstance(thing, str) else "path" if isinstance(thing, os.PathLike) else type(thing).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"

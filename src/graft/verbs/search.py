"""graft search: the samples that are most alike to others, by what a network sees in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone, open_backbone
from graft.data import Dataset, LoadOptions, load_samples
from graft.errors import RequestError, WorkError, listing, plural
from graft.escaping import command, shortened
from graft.evaluation.exhibit import Samples, find_sample
from graft.evaluation.search_page import Answer, OnPage, search_page
from graft.features import Engine, extract, open_engine, sample_of, suited
from graft.features.cache import DEFAULT_GB
from graft.heads.knn import cosines
from graft.modalities.modality import Pair, UnreadableError
from graft.modalities.samples import tried
from graft.progress import SILENT, Watch
from graft.run_folder import RunFolder, is_run
from graft.serving.predictor import expand, named_by, table_options
from graft.storage import named_path, write_bytes
from graft.verbs.embed import labels_of, refuse_existing
from graft.verbs.evaluate import hash_of

AT_ONCE = 64  # queries that are compared together


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search is made.

    `backbone` is a name as `graft.fit` takes it: by default that of a run's own model, and for other data the packaged
    network. `load` says how tables are read, `cache_gb` bounds the cache. `page` is an HTML file to write, and one that
    is there is kept unless `replace`.
    """

    backbone: str | None = None
    load: LoadOptions | None = None
    cache_gb: float = DEFAULT_GB
    page: Path | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """A sample that was found: its label, empty where it has none, and its cosine to the query."""

    source: str
    label: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Found:
    """The samples nearest to a query, nearest first, or in `error` why there are none.

    `copies` are samples with the very content of the query, which are left out.
    """

    query: str
    nearest: tuple[Near, ...] = ()
    copies: tuple[str, ...] = ()
    error: str | None = None


def search(
    where: str | Path, queries: Any, top: int = 5, options: SearchOptions | None = None, watch: Watch = SILENT
) -> list[Found]:
    """The `top` samples nearest to each query, by the cosine of their features.

    `where` is a run, of whose data all but the locked test set is searched through its own model's network, or a folder
    or a table. `queries` are what `graft.predict` takes: a `Path` of a file, folder or table, something in memory, or a
    list of such; for texts a str is a text. Raises `RequestError` for what is not there or of another kind, and
    `WorkError` where nothing of a run's data is left.
    """
    return Searcher(where, options, watch).search(queries, top)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The samples that could be read, what a network sees in each, and what computes the same of queries."""

    dataset: Dataset
    features: NDArray[np.float16]  # (samples, width)
    labels: tuple[str, ...]
    engine: Engine


class Searcher:
    """Samples to search in many times; features that the cache does not have are computed for the first query."""

    def __init__(self, where: str | Path, options: SearchOptions | None = None, watch: Watch = SILENT) -> None:
        """Read a run's data or other samples, and open the network; raises as `search` does."""
        self.options = options or SearchOptions()
        self.where = named_path(where)
        self.watch = watch
        if self.options.page is not None:
            refuse_existing(self.options.page, self.options.replace)
        self.load = self.options.load or LoadOptions()
        if is_run(self.where):
            run = RunFolder.open(self.where)
            self.load = table_options(named_by(run), self.options.load)
            self.dataset = _samples_of(run, watch)
            self.backbone = _backbone_of(run, self.dataset, self.options.backbone)
        else:
            self.dataset = load_samples(self.where, watch, self.options.load)
            self.backbone = suited(self.options.backbone, self.dataset)

    @cached_property
    def _seen(self) -> _Seen:
        rows = np.arange(len(self.dataset))
        features = extract(self.dataset, rows, self.backbone, self.watch, self.options.cache_gb)
        engine = open_engine(self.backbone, "fast", sample_of(self.dataset, rows, self.backbone), self.watch)
        dataset = self.dataset.without(features.unreadable)
        _tell_unreadable(dataset, self.watch)
        return _Seen(dataset, features.matrix, labels_of(dataset), engine)

    def search(self, queries: Any, top: int = 5) -> list[Found]:
        """The `top` nearest samples of each query; writes the page, if one was asked for. Raises as `search` does."""
        if not isinstance(top, Integral) or top < 1:
            raise RequestError(f"top must be a whole number of at least 1, not {top!r}.")
        named = list(expand(queries, self.dataset.modality, self.watch, self.load))
        if not named:
            raise RequestError(f"Nothing to search for: name {self.dataset.modality.noun}s, or folders that hold some.")
        parts = [named[start : start + AT_ONCE] for start in range(0, len(named), AT_ONCE)]
        found = [one for part in parts for one in self._answers(part, int(top))]
        if self.options.page is not None:
            write_bytes(self.options.page, self._page(named, found).encode())
        return found

    def _answers(self, named: Sequence[tuple[str, Any]], top: int) -> Iterator[Found]:
        asked = [self._features_of(source) for _, source in named]
        rows = [one for one in asked if not isinstance(one, UnreadableError)]
        closeness = iter(cosines(self._seen.features, np.stack(rows)) if rows else ())
        for (name, source), one in zip(named, asked, strict=True):
            if isinstance(one, UnreadableError):
                yield Found(name, error=str(one))
            else:
                yield self._nearest(name, next(closeness), _sha256(source), top)

    def _features_of(self, source: Any) -> NDArray[np.float16] | UnreadableError:
        """What the network sees in one query: (width,), as precise as what the cache keeps of samples."""
        modality, preprocess = self.dataset.modality, self.backbone.card.preprocess
        sample = tried(modality, source, lambda decoded: modality.prepare(decoded, preprocess), preprocess)
        if isinstance(sample, UnreadableError):
            return sample
        return self._seen.engine.run(sample[None])[0].astype(np.float16)

    def _nearest(self, name: str, closeness: NDArray[np.float32], sha256: str, top: int) -> Found:
        dataset, labels = self._seen.dataset, self._seen.labels
        own = np.frombuffer(bytes.fromhex(sha256), np.uint8)
        copies = np.flatnonzero((dataset.hashes == own).all(axis=1)) if len(own) else np.empty(0, np.intp)
        nearest = np.argsort(-closeness, kind="stable")[: top + len(copies)]
        nearest = nearest[~np.isin(nearest, copies)][:top]
        near = tuple(Near(dataset.sources[int(row)], labels[row], float(closeness[row])) for row in nearest)
        return Found(name, near, tuple(dataset.sources[int(row)] for row in copies))

    def _page(self, named: Sequence[tuple[str, Any]], found: Sequence[Found]) -> str:
        """The page; a file of the data is shown only while it holds what it held when it was read."""
        dataset = self._seen.dataset
        rows = {source: row for row, source in enumerate(dataset.sources)}
        own = Samples(str(dataset.root), {one: dataset.key(row).hex() for one, row in rows.items()})
        answers = []
        for (name, source), one in zip(named, found, strict=True):
            near = [self._on_page(each, rows[each.source], own) for each in one.nearest]
            file = source if isinstance(source, Path) else None
            answers.append(Answer(OnPage(shortened(name), file, _words(source)), near, note_of(one)))
        return search_page(str(self.where), self.backbone.card.id, dataset.modality.noun, answers)

    def _on_page(self, one: Near, row: int, own: Samples) -> OnPage:
        texts = self._seen.dataset.texts
        file = None if texts is not None else find_sample(own, None, own.root, one.source)
        return OnPage(one.source, file, texts[row] if texts is not None else "", f"{one.cosine:.3f}", one.label)


def note_of(found: Found) -> str:
    """What is to be said of a query beside its neighbours: that it cannot be read, or is one of the samples."""
    if found.error is not None:
        return f"It cannot be read: {found.error}."
    return f"It is one of the samples, which is left out: {listing(found.copies, 3)}." if found.copies else ""


def _backbone_of(run: RunFolder, dataset: Dataset, asked: str | None) -> Backbone:
    """The network of the run's model, which prepares samples as the model does, unless another is asked for."""
    return open_backbone(f"run:{run.path}") if asked is None else suited(asked, dataset)


def _samples_of(run: RunFolder, watch: Watch) -> Dataset:
    """The run's own samples of train and val, as they were split: of what lies there now, what has their contents."""
    settings, data = run.settings, Path(run.settings["data"])
    if not data.exists():
        raise WorkError(
            f"The data of {run.path} lay in {data}, which is not there any more. Put it back, or search where it lies "
            f"now, through the same network: graft search DATA QUERY {command('--backbone', f'run:{run.path}')}"
        )
    read = replace(named_by(run), encoding=settings.get("encoding"), root=settings.get("root"))
    there = load_samples(data, watch, read)
    split = {row["sha256"]: row for row in run.read_split() if row["part"] != "test"}
    rows: dict[str, int] = {}
    for row, source in enumerate(there.sources):
        sha256 = there.key(row).hex()
        if sha256 in split and (sha256 not in rows or source == split[sha256]["source"]):
            rows[sha256] = row
    gone = [row["source"] for sha256, row in split.items() if sha256 not in rows]
    told = f"{plural(len(gone), there.modality.noun)} of the run changed or gone: {listing(gone, 3)}."
    if not rows:
        raise WorkError(f"Nothing of the data of {run.path} is left in {data} to search in. {told} Put the files back.")
    if gone:
        watch.say(f"{told} The search goes on without.")
    found = there.take(np.array(sorted(rows.values())))
    names = [split[found.key(row).hex()]["class"] for row in range(len(found))]
    classes = tuple(sorted(set(names)))
    return replace(found, classes=classes, labels=np.array([classes.index(one) for one in names], np.int32))


def _tell_unreadable(dataset: Dataset, watch: Watch) -> None:
    for finding in dataset.findings:
        if finding.kind == "unreadable":
            watch.say(f"{finding.message} {listing(finding.sources, 3)}")


def _sha256(source: Any) -> str:
    """The hash of a query's content; empty for what a program holds in memory, which is no sample's own file."""
    return hash_of(source) if isinstance(source, Path | bytes | Pair) else ""


def _words(source: Any) -> str:
    """The words of a query, where it has some."""
    text = source.text if isinstance(source, Pair) else source
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else ""

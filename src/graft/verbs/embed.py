"""graft embed: what a network sees in samples, labelled or not, as a table that other programs read."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from graft.data import Dataset, LoadOptions, load_samples
from graft.errors import MissingExtraError, RequestError
from graft.features import extract, suited
from graft.features.cache import DEFAULT_GB
from graft.progress import SILENT, Watch
from graft.records import Finding, Json
from graft.storage import atomic_file, named_path

ROWS_AT_ONCE = 8192  # of a Parquet file: one of its groups of rows


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Features of samples, a row for each, and which network they are of.

    `labels` are empty where there are none, `sha256` the hashes of the contents in hexadecimal, `weights` that of the
    network. `set_aside` says what was left out, and `computed` how many rows were not in the cache yet.
    """

    sources: tuple[str, ...]
    labels: tuple[str, ...]
    sha256: tuple[str, ...]
    features: NDArray[np.float32]  # (samples, width)
    backbone: str
    weights: str
    noun: str  # what one sample is called
    computed: int
    set_aside: tuple[Finding, ...] = ()
    file: Path | None = None

    @property
    def unreadable(self) -> int:
        """How many samples could not be read."""
        return sum(len(one.sources) for one in self.set_aside if one.kind == "unreadable")


def embed(
    data: str | Path,
    to: str | Path | None = None,
    backbone: str | None = None,
    load: LoadOptions | None = None,
    replace: bool = False,
    cache_gb: float = DEFAULT_GB,
    watch: Watch = SILENT,
) -> Embedded:
    """Compute the features of every sample of a folder or a table, and write them to a Parquet or npz file.

    `to` is the file, if any; one that is there is kept unless `replace`. `backbone` is a name as `graft.fit` takes it,
    by default the packaged network for this kind of sample; `load` says how a table is read. Known features come from
    the cache, of which `cache_gb` bounds the size. What cannot be read is left out and told in `set_aside`. Raises
    `RequestError` for a file that cannot be written so, and as `graft.load` does.
    """
    file = None if to is None else _place_for(named_path(to), replace)
    dataset = load_samples(data, watch, load)
    network = suited(backbone, dataset)
    features = extract(dataset, np.arange(len(dataset)), network, watch, cache_gb)
    seen = dataset.without(features.unreadable)
    embedded = Embedded(
        sources=tuple(seen.sources),
        labels=labels_of(seen),
        sha256=tuple(seen.key(row).hex() for row in range(len(seen))),
        features=np.asarray(features.matrix, np.float32),
        backbone=network.card.id,
        weights=network.weights,
        noun=dataset.modality.noun,
        computed=features.computed,
        set_aside=tuple(one for one in seen.findings if one.severity == "warning"),
        file=file,
    )
    if file is not None:
        with atomic_file(file) as opened:
            WRITERS[file.suffix.lower()](embedded, opened)
    return embedded


def labels_of(dataset: Dataset) -> tuple[str, ...]:
    """The label of each sample, as it is written."""
    return tuple(dataset.task.write(dataset.classes, label) for label in dataset.labels)


def describe(embedded: Embedded) -> Json:
    """Everything but the features themselves, as plain JSON."""
    return {
        "file": None if embedded.file is None else str(embedded.file),
        "samples": len(embedded.sources),
        "labelled": sum(map(bool, embedded.labels)),
        "width": embedded.features.shape[1],
        "backbone": embedded.backbone,
        "weights": embedded.weights,
        "computed": embedded.computed,
        "unreadable": embedded.unreadable,
        "set_aside": embedded.set_aside,
    }


def refuse_existing(path: Path, replace: bool) -> None:
    """Raise `RequestError` for a folder, and for a file that is there unless it may be replaced."""
    if path.is_dir():
        raise RequestError(f"{path} is a folder. Expected the name of a file to write.")
    if os.path.lexists(path) and not replace:
        raise RequestError(f"{path} is already there. Name another file, or add --replace to write over it.")


def _place_for(path: Path, replace: bool) -> Path:
    """The file, if it can be written; asked before the work, so that none is done in vain."""
    if path.suffix.lower() not in WRITERS:
        raise RequestError(f"{path} is no file that graft embed writes. Expected a name that ends in .parquet or .npz.")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise MissingExtraError("pyarrow", "parquet")
    refuse_existing(path, replace)
    return path


def _write_parquet(embedded: Embedded, file: BinaryIO) -> None:
    """One row for each sample; `features` is a list of a fixed size, and the schema says what made it."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    width = embedded.features.shape[1]
    columns = {name: pyarrow.string() for name in ("source", "label", "sha256")}
    schema = pyarrow.schema({**columns, "features": pyarrow.list_(pyarrow.float32(), width)})
    about = {
        "graft": version("graft-ml"),
        "backbone": embedded.backbone,
        "weights": embedded.weights,
        "width": str(width),
    }
    with ParquetWriter(file, schema.with_metadata(about)) as writer:
        for start in range(0, len(embedded.sources), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            numbers = pyarrow.array(embedded.features[part].ravel())
            rows = pyarrow.FixedSizeListArray.from_arrays(numbers, width)
            texts = [list(one[part]) for one in (embedded.sources, embedded.labels, embedded.sha256)]
            writer.write_table(pyarrow.table([*texts, rows], schema=writer.schema))


def _write_npz(embedded: Embedded, file: BinaryIO) -> None:
    """Arrays of numpy, without pickle."""
    np.savez(
        file,
        sources=np.array(embedded.sources, np.str_),
        labels=np.array(embedded.labels, np.str_),
        sha256=np.array(embedded.sha256, np.str_),
        features=embedded.features,
        backbone=np.array(embedded.backbone),
        weights=np.array(embedded.weights),
        graft=np.array(version("graft-ml")),
    )


WRITERS: dict[str, Callable[[Embedded, BinaryIO], None]] = {".parquet": _write_parquet, ".npz": _write_npz}

"""From whatever a person points at to the most probable classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.model import Model, Source
from graft.data import LoadOptions
from graft.data.rows import TABLES
from graft.data.table import rows_as
from graft.data.walk import Walk
from graft.errors import RequestError, plural
from graft.export.artifact import Artifact, is_artifact
from graft.modality import Modality, UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.run_folder import RunFolder

Answer = TypeVar("Answer")


class Answers(Protocol):
    """A model, or an artifact made from one."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def modality(self) -> Modality: ...

    @property
    def unknown_threshold(self) -> float: ...

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Number and probabilities of each sample, in order."""


class Predictor:
    """Answers for one model; opening it reads its folder and nothing of the training data."""

    def __init__(self, run: str | Path) -> None:
        """Open a run, or an artifact with its own runtime."""
        place = Path(run)
        self.model: Answers = Artifact(place) if is_artifact(place) else Model.load(RunFolder.open(place).model)
        self.load = LoadOptions() if is_artifact(place) else named_by(RunFolder.open(place))

    def predict(
        self, inputs: Any, top: int = 3, watch: Watch = SILENT, load: LoadOptions | None = None
    ) -> Iterator[Prediction]:
        """Yield a prediction for each input: a path, a folder, something in memory, or a list of them.

        In memory that is a PIL picture or an array, a string, or a pair of samples and their rate. What cannot be read
        yields a prediction with `error` and no classes. `load` says how tables are read; as those of the run by
        default. Raises `RequestError` for a path that does not exist and for what is nothing of the model's kind.
        """
        if top < 1:
            raise RequestError(f"top must be at least 1, not {top}.")
        named = list(expand(inputs, self.model.modality, table_options(self.load, load)))
        if not named:
            raise RequestError(f"Nothing to predict: name {self.model.modality.noun}s, or folders that hold some.")
        for name, answer in in_order(named, lambda sources: self.model.predict(sources, watch)):
            if isinstance(answer, UnreadableError):
                yield Prediction(name, (), (), str(answer))
            else:
                yield self._best(name, answer, top)

    def _best(self, name: str, probabilities: NDArray[np.float64], top: int) -> Prediction:
        best = np.argsort(-probabilities, kind="stable")[:top]
        return Prediction(
            name,
            tuple(self.model.classes[label] for label in best),
            tuple(float(probabilities[label]) for label in best),
            unsure=float(1 - probabilities.max()) > self.model.unknown_threshold,
        )


def named_by(run: RunFolder) -> LoadOptions:
    """The columns that were named when a run was made."""
    settings = run.settings
    return LoadOptions(text=settings.get("text"), label=settings.get("label"), file=settings.get("file"))


def table_options(of_run: LoadOptions, asked: LoadOptions | None) -> LoadOptions:
    """How a table is read: as asked for, with the columns that were named for the run where no other is."""
    asked = asked or LoadOptions()
    return replace(
        asked, text=asked.text or of_run.text, label=asked.label or of_run.label, file=asked.file or of_run.file
    )


def in_order(
    named: Sequence[tuple[str, Source]], run: Callable[[list[Source]], Iterator[tuple[int, Answer]]]
) -> Iterator[tuple[str, Answer | UnreadableError]]:
    """The answer to each named source in order; a row of a table that cannot be used is its own answer."""
    answers = run([source for _, source in named if not isinstance(source, UnreadableError)])
    for name, source in named:
        yield name, source if isinstance(source, UnreadableError) else next(answers)[1]


def expand(
    inputs: Any, modality: Modality, options: LoadOptions | None = None
) -> Iterator[tuple[str, Source | UnreadableError]]:
    """Name every single input; folders become the samples below them, in order of their names.

    A table gives its rows, each named by table and row. For a model of texts a string that is no path is a text itself.
    """
    many: Sequence[Any] = [inputs] if isinstance(inputs, str | Path | tuple) else inputs
    many = many if isinstance(many, list | tuple) else [many]
    paths = [one for one in many if isinstance(one, str | Path)]
    missing = [str(one) for one in paths if not (_is_text(one, modality) or _exists(one))]
    if missing:
        raise RequestError(f"{plural(len(missing), 'path')} not found: {', '.join(missing[:5])}.")
    for number, one in enumerate(many):
        if isinstance(one, str) and _is_text(one, modality):
            yield one, one
        elif isinstance(one, str | Path) and Path(one).suffix.lower() in TABLES and Path(one).is_file():
            yield from rows_as(modality.name, Path(one), options)
        elif isinstance(one, str | Path) and modality.name == "pair":
            raise RequestError(
                f"{one} is no pair. This model takes a picture with a text: name a table ({', '.join(TABLES)}) with a "
                "column of each, or in Python a list of (picture, text)."
            )
        elif isinstance(one, str | Path):
            yield from ((str(file), file) for file in _files(Path(one), modality))
        else:
            modality.accept(one)
            yield f"input {number}", one


def _exists(path: str | Path) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte: no path
        return False


def _is_text(one: str | Path, modality: Modality) -> bool:
    """A string for a model of texts that names no file, and does not look as if it should."""
    if modality.name != "text" or not isinstance(one, str) or _exists(one):
        return False
    return Path(one).suffix.lower() not in modality.suffixes or " " in one.strip()


def _files(path: Path, modality: Modality) -> Iterator[Path]:
    """A file itself; of a folder its samples, and each folder that cannot be read, to be told as unreadable."""
    if not path.is_dir():
        yield path
        return
    walk = Walk()
    suffixes = modality.suffixes
    yield from (one for one in walk.files(path) if one.suffix.lower() in suffixes and not one.name.startswith("."))
    yield from walk.closed

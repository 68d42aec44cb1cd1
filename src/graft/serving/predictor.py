"""From whatever a person points at to the most probable classes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.model import Model, Source
from graft.data.rows import TABLES
from graft.data.table import rows_as
from graft.data.walk import Walk
from graft.errors import RequestError, plural
from graft.export.artifact import Artifact, is_artifact
from graft.modality import Modality, UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.run_folder import RunFolder
from graft.samples import NoSampleError, tried


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

    def predict(self, inputs: Any, top: int = 3, watch: Watch = SILENT) -> Iterator[Prediction]:
        """Yield a prediction for each input: a path, a folder, something in memory, or a list of them.

        In memory that is a PIL picture or an array, a string, or a pair of samples and their rate. What cannot be read
        yields a prediction with `error` and no classes. Raises `RequestError` for a path that does not exist and for
        what is nothing of the model's kind.
        """
        if top < 1:
            raise RequestError(f"top must be at least 1, not {top}.")
        named = list(expand(inputs, self.model.modality))
        if not named:
            raise RequestError(f"Nothing to predict: name {self.model.modality.noun}s, or folders that hold some.")
        sources = [source for _, source in named]
        for number, answer in self.model.predict(sources, watch):
            name = named[number][0]
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


def expand(inputs: Any, modality: Modality) -> Iterator[tuple[str, Source]]:
    """Name every single input; folders become the samples below them, in order of their names.

    A table gives its rows, each named by table and row. For a model of texts a string that is no path is a text itself.
    """
    many: Sequence[Any] = [inputs] if isinstance(inputs, str | Path | tuple) else inputs
    many = many if isinstance(many, list | tuple) else [many]
    paths = [one for one in many if isinstance(one, str | Path)]
    missing = [str(one) for one in paths if not (_is_text(one, modality) or _exists(one))]
    if missing:
        raise RequestError(f"{plural(len(missing), 'path')} not found: {', '.join(missing[:5])}.")
    errors = _not_accepted(many, modality)
    for number, one in enumerate(many):
        if number in errors and isinstance(one, str):
            yield one, errors[number]
        elif isinstance(one, str) and _is_text(one, modality):
            yield one, one
        elif isinstance(one, str | Path) and Path(one).suffix.lower() in TABLES and Path(one).is_file():
            yield from rows_as(modality.name, Path(one))
        elif isinstance(one, str | Path) and modality.name == "pair":
            raise RequestError(
                f"{one} is no pair. This model takes a picture with a text: name a table ({', '.join(TABLES)}) with a "
                "column of each, or in Python a list of (picture, text)."
            )
        elif isinstance(one, str | Path):
            yield from ((str(file), file) for file in _files(Path(one), modality))
        else:
            yield f"input {number}", errors.get(number, one)


def _not_accepted(many: Sequence[Any], modality: Modality) -> dict[int, UnreadableError]:
    """Why some of the samples in memory cannot be used; `RequestError` where all inputs are of another kind."""
    errors: dict[int, UnreadableError] = {}
    for number, one in enumerate(many):
        if isinstance(one, Path) or (isinstance(one, str) and not _is_text(one, modality)):
            continue
        said = tried(modality, one, lambda sample: None)
        if isinstance(said, UnreadableError):
            errors[number] = said
    if errors and len(errors) == len(many) and all(isinstance(one, NoSampleError) for one in errors.values()):
        raise RequestError(str(errors[0]))
    return errors


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

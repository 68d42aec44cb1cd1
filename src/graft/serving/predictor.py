"""From whatever a person points at to the most probable classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.model import Model, Source
from graft.data import LoadOptions
from graft.data.rows import TABLES
from graft.data.table import rows_as
from graft.data.walk import Walk
from graft.dataset.task import Task
from graft.errors import RequestError, listing, plural
from graft.export.artifact import Artifact, is_artifact
from graft.modalities.modality import Modality, UnreadableError
from graft.modalities.samples import NoSampleError, tried
from graft.progress import SILENT, Watch
from graft.records import Json
from graft.run_folder import RunFolder
from graft.storage import named_path

Answer = TypeVar("Answer")
NO_NAME = "(an empty name)"


class Answers(Protocol):
    """A model, or an artifact made from one."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def modality(self) -> Modality: ...

    @property
    def unknown_threshold(self) -> float: ...

    @property
    def task(self) -> Task: ...

    @property
    def details(self) -> Json: ...

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Number and answer of each sample, in order."""


class Predictor:
    """Answers for one model; opening it reads its folder and nothing of the training data."""

    def __init__(self, run: str | Path) -> None:
        """Open a run, or an artifact with its own runtime."""
        place = named_path(run)
        self.model: Answers = Artifact(place) if is_artifact(place) else RunFolder.open(place).read_model(Model.load)
        self.load = LoadOptions() if is_artifact(place) else named_by(RunFolder.open(place))

    def predict(
        self, inputs: Any, top: int = 3, watch: Watch = SILENT, load: LoadOptions | None = None
    ) -> Iterator[Any]:
        """Yield a prediction for each input: a `Path` of a file, folder or table, something in memory, or a list.

        In memory that is a PIL picture or an array, for a model of texts a string, for one of sounds a tuple of samples
        and their rate, for one of pairs a tuple of picture and text. A string is a path for models of pictures, sounds
        and pairs (a service that passes on what somebody typed must not hand it over as such), and never one for a
        model of texts. What cannot be read yields a prediction with `error` and no classes. `load` says how tables are
        read; as those of the run by default. Raises `RequestError` for a path that does not exist and for what is
        nothing of the model's kind.
        """
        if not isinstance(top, Integral) or top < 1:
            raise RequestError(f"top must be a whole number of at least 1, not {top!r}.")
        named = list(expand(inputs, self.model.modality, watch, table_options(self.load, load)))
        if not named:
            raise RequestError(f"Nothing to predict: name {self.model.modality.noun}s, or folders that hold some.")
        for name, answer in in_order(named, lambda sources: self.model.predict(sources, watch)):
            if isinstance(answer, UnreadableError):
                yield self.model.task.failed(name, str(answer))
            else:
                yield self.model.task.predict(name, answer, self.model.classes, self.model, top)


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
    inputs: Any, modality: Modality, watch: Watch = SILENT, options: LoadOptions | None = None
) -> Iterator[tuple[str, Source | UnreadableError]]:
    """Name every single input; folders become the samples below them, in order of their names.

    A list is many inputs, and anything else is one; a tuple is one too, for (samples, rate) and (picture, text) are.
    What opens a file is a `Path`, and for a model of pictures, sounds or pairs a string as well. For a model of texts a
    string is a text and nothing else, whatever it says, so that nothing somebody typed opens a file. A table gives its
    rows, each named by table and row. Raises `RequestError` for paths that are not there, and for what is no input of
    this model.
    """
    many = inputs if isinstance(inputs, list) else [inputs]
    paths = {number: Path(one) for number, one in enumerate(many) if _is_path(one, modality)}
    missing = [
        str(many[number]) or NO_NAME for number, path in paths.items() if many[number] == "" or not _exists(path)
    ]
    if missing:
        raise RequestError(f"{plural(len(missing), 'path')} not found: {listing(missing)}.{_advice(modality)}")
    in_memory = {number: _in_memory(one, modality) for number, one in enumerate(many) if number not in paths}
    if in_memory and len(in_memory) == len(many) and all(isinstance(one, NoSampleError) for one in in_memory.values()):
        raise RequestError(str(in_memory[0]))
    for number, one in enumerate(many):
        path = paths.get(number)
        if path is None:
            yield (one if isinstance(one, str) else f"input {number}"), in_memory[number]
        elif path.suffix.lower() in TABLES and path.is_file():
            yield from rows_as(modality.name, path, options)
        elif modality.name == "pair":
            raise RequestError(
                f"{one} is no pair. This model takes a picture with a text: name a table ({', '.join(TABLES)}) with a "
                "column of each, or in Python a list of (picture, text)."
            )
        else:
            yield from ((str(file), file) for file in _files(path, modality, watch))


def _is_path(one: Any, modality: Modality) -> bool:
    return isinstance(one, Path) or (isinstance(one, str) and modality.name != "text")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte: no path
        return False


def _advice(modality: Modality) -> str:
    if modality.name != "text":
        return ""
    return ' For words themselves: --text "WORDS"; in Python a str is a text, a Path a file.'


def _in_memory(one: Any, modality: Modality) -> Source | UnreadableError:
    """A sample that a program holds, or why it cannot be used."""
    if isinstance(one, str):
        return one.encode("utf-8", "surrogatepass")  # as the content of a file, with all that is asked of one
    said = tried(modality, one, lambda sample: None)
    return said if isinstance(said, UnreadableError) else one


def _files(path: Path, modality: Modality, watch: Watch) -> Iterator[Path]:
    """A file itself; of a folder its samples, and each folder that cannot be read, to be told as unreadable."""
    if not path.is_dir():
        yield path
        return
    walk = Walk()
    suffixes = modality.suffixes
    yield from (one for one in walk.files(path) if one.suffix.lower() in suffixes and not one.name.startswith("."))
    yield from walk.closed
    if walk.made:
        names = listing([one.relative_to(path).as_posix() for one in walk.made])
        watch.say(f"{plural(len(walk.made), 'folder')} made by graft passed over in {path}: {names}.")

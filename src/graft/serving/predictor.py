"""From whatever a person points at to the most probable classes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graft.adaptation.model import Model, Source
from graft.data.walk import Walk
from graft.errors import RequestError, plural
from graft.image import IMAGE
from graft.modality import UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.run_folder import RunFolder


class Predictor:
    """Answers for one model; opening it reads the run folder and nothing of the training data."""

    def __init__(self, run: str | Path) -> None:
        self.model = Model.load(RunFolder.open(Path(run)).model)

    def predict(self, inputs: Any, top: int = 3, watch: Watch = SILENT) -> Iterator[Prediction]:
        """Yield a prediction for each input: a path, a folder of pictures, a PIL picture, an array, or a list of them.

        A picture that cannot be read yields a prediction with `error` and no classes.
        Raises `RequestError` for a path that does not exist and for an array that is no picture.
        """
        if top < 1:
            raise RequestError(f"top must be at least 1, not {top}.")
        named = list(expand(inputs))
        if not named:
            raise RequestError("Nothing to predict: name picture files, or folders that hold some.")
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
        )


def expand(inputs: Any) -> Iterator[tuple[str, Source]]:
    """Name every single input; folders become the pictures below them, in order of their names."""
    many: Sequence[Any] = inputs if isinstance(inputs, list | tuple) else [inputs]
    missing = [str(one) for one in many if isinstance(one, str | Path) and not Path(one).exists()]
    if missing:
        raise RequestError(f"{plural(len(missing), 'path')} not found: {', '.join(missing[:5])}.")
    for number, one in enumerate(many):
        if isinstance(one, str | Path):
            yield from ((str(file), file) for file in _files(Path(one)))
        elif isinstance(one, Image.Image | np.ndarray):
            yield f"input {number}", one
        else:
            raise RequestError(
                f"Input {number} is a {type(one).__name__}. Expected a path, a PIL picture or a numpy array."
            )


def _files(path: Path) -> Iterator[Path]:
    """A file itself; of a folder its pictures, and each folder that cannot be read, to be told as unreadable."""
    if not path.is_dir():
        yield path
        return
    walk = Walk()
    yield from (file for file in walk.files(path) if _is_picture(file))
    yield from walk.closed


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in IMAGE.suffixes and not file.name.startswith(".")

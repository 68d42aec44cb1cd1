"""From whatever a person points at to what is said in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graft.adaptation.speech_model import SpeechModel
from graft.data import LoadOptions
from graft.errors import RequestError
from graft.modalities.modality import UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Transcription
from graft.run_folder import RunFolder
from graft.serving.predictor import expand, in_order, named_by, table_options


class Transcriber:
    """Writes down recordings with one model; opening it reads its folder and nothing of the training data."""

    def __init__(self, run: str | Path) -> None:
        self.model = RunFolder.open(run).read_model(SpeechModel.load)
        self.load = named_by(RunFolder.open(run))

    def transcribe(
        self,
        inputs: Any,
        top: int = 1,
        known_words: bool = False,
        watch: Watch = SILENT,
        load: LoadOptions | None = None,
    ) -> Iterator[Transcription]:
        """Yield what is said in each input: a path (`Path` or str), a folder, (samples, rate), or a list of them.

        `top` texts are named at most. With `known_words` only words of the transcripts that it learnt from are written.
        What cannot be heard yields a transcription with `error`. Raises `RequestError` for a path that is not there.
        """
        if top < 1:
            raise RequestError(f"top must be at least 1, not {top}.")
        named = list(expand(inputs, self.model.modality, watch, table_options(self.load, load)))
        if not named:
            raise RequestError("Nothing to write down: name recordings, or folders that hold some.")
        for name, answer in in_order(named, lambda sources: self.model.listen(sources, watch)):
            if isinstance(answer, UnreadableError):
                yield Transcription(name, "", 0.0, error=str(answer))
                continue
            first, *others = self.model.guesses(answer, known_words)[:top]
            yield Transcription(
                name, first.text, first.probability, tuple((one.text, one.probability) for one in others)
            )

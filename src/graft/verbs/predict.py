"""graft predict: what a model says of pictures, texts and sounds, or what is said in recordings."""

from pathlib import Path
from typing import Any

from graft.adaptation.speech_model import writes_transcripts
from graft.export.artifact import is_artifact
from graft.progress import SILENT, Watch
from graft.records import Prediction, Transcription
from graft.run_folder import RunFolder
from graft.serving import Predictor, Transcriber
from graft.storage import named_path


def predict(
    run: str | Path, inputs: Any, top: int = 3, watch: Watch = SILENT
) -> list[Prediction] | list[Transcription]:
    """The `top` most probable classes, or texts, of each input. For a model of texts a str is a text, a `Path` a file.

    See `Predictor.predict` and `Transcriber.transcribe`, which keep the model open.
    """
    if is_for_transcripts(run):
        return list(Transcriber(run).transcribe(inputs, top, watch=watch))
    return list(Predictor(run).predict(inputs, top, watch))


def is_for_transcripts(run: str | Path) -> bool:
    """Whether a run writes down what is said; raises `RequestError` for a folder that is no run and no artifact."""
    place = named_path(run)
    return not is_artifact(place) and writes_transcripts(RunFolder.open(place).model)

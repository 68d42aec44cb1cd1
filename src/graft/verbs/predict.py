"""graft predict: what a model says of pictures."""

from pathlib import Path
from typing import Any

from graft.progress import SILENT, Watch
from graft.records import Prediction
from graft.serving import Predictor


def predict(run: str | Path, inputs: Any, top: int = 3, watch: Watch = SILENT) -> list[Prediction]:
    """The `top` most probable classes of each input; see `Predictor.predict`, which keeps the model open."""
    return list(Predictor(run).predict(inputs, top, watch))

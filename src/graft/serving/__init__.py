"""Run -> answers: what the model says of files, folders, pictures and arrays."""

from graft.serving.predictor import Predictor
from graft.serving.transcriber import Transcriber

__all__ = ["Predictor", "Transcriber"]

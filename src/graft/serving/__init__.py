"""Run -> answers: what the model says of files, folders, pictures and arrays."""

from graft.serving.predictor import Predictor

__all__ = ["Predictor"]

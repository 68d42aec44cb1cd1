"""Path -> Dataset: reading, checking and splitting labelled samples."""

from graft.data.dataset import Dataset
from graft.data.intake import load, load_labelled
from graft.data.options import LoadOptions

__all__ = ["Dataset", "LoadOptions", "load", "load_labelled"]

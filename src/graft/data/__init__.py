"""Path -> Dataset: reading, checking and splitting labelled samples."""

from graft.data.dataset import Dataset
from graft.data.intake import LoadOptions, load, load_labelled

__all__ = ["Dataset", "LoadOptions", "load", "load_labelled"]

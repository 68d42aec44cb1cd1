"""Path -> Dataset: reading, checking and splitting labelled samples."""

from graft.data.intake import load, load_labelled, load_samples
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions

__all__ = ["Dataset", "LoadOptions", "load", "load_labelled", "load_samples"]

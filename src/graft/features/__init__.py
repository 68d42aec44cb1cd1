"""Dataset x Backbone -> Features: one pass of the frozen network, kept on disk."""

from graft.features.engine import Engine
from graft.features.extraction import extract
from graft.features.trunk_cache import open_engine, trunk_weights

__all__ = ["Engine", "extract", "open_engine", "trunk_weights"]

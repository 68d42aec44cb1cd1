"""Dataset x Backbone -> Features: one pass of the frozen network, kept on disk."""

from graft.features.engine import Engine
from graft.features.extraction import (
    CLEAN,
    augmented_views,
    extract,
    extract_all,
    extract_views,
    refuse_gone,
    sample_of,
)
from graft.features.suited import excess, suit, suited
from graft.features.trunk_cache import open_engine, trunk_weights

__all__ = [
    "CLEAN",
    "Engine",
    "augmented_views",
    "excess",
    "extract_all",
    "refuse_gone",
    "extract",
    "extract_views",
    "open_engine",
    "sample_of",
    "suit",
    "suited",
    "trunk_weights",
]

"""How long one sample takes a network on this machine."""

import time
from collections.abc import Sequence

import numpy as np

from graft.backbones import Backbone
from graft.features.trunk_cache import open_engine
from graft.modalities.modality import Prepared
from graft.progress import SILENT, Watch

WARM_UP = 3
MEASURED = 11


def milliseconds_a_sample(backbone: Backbone, samples: Sequence[Prepared], watch: Watch = SILENT) -> float:
    """The median of single samples through the fast engine, one after another; decoding is left out.

    `samples` are prepared; those that name the engine in `extract` find the same one here.
    """
    engine = open_engine(backbone, "fast", samples, watch)
    sample = samples[0][None]
    for _ in range(WARM_UP):
        engine.run(sample)
    taken = []
    for _ in range(MEASURED):
        began = time.perf_counter()
        engine.run(sample)
        taken.append(time.perf_counter() - began)
    return 1000 * float(np.median(taken))

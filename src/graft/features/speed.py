"""How long one picture takes a network on this machine."""

import time

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.features.trunk_cache import open_engine
from graft.progress import SILENT, Watch

WARM_UP = 3
MEASURED = 11


def milliseconds_a_picture(backbone: Backbone, pictures: NDArray[np.uint8], watch: Watch = SILENT) -> float:
    """The median of single pictures through the fast engine, one after another; decoding is left out.

    `pictures` are (samples, crop, crop, 3); those that name the engine in `extract` find the same one here.
    """
    engine = open_engine(backbone, "fast", pictures, watch)
    picture = pictures[:1]
    for _ in range(WARM_UP):
        engine.run(picture)
    taken = []
    for _ in range(MEASURED):
        began = time.perf_counter()
        engine.run(picture)
        taken.append(time.perf_counter() - began)
    return 1000 * float(np.median(taken))

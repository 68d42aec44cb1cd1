"""The engine of two networks side by side: what each sees, at length 1, one behind the other."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.features.engine import Engine, in_batches
from graft.modalities.modality import Prepared


class FusedEngine:
    """Runs an engine for each network. Features of length 1 weigh both alike, whatever their scales are."""

    def __init__(
        self,
        parts: Sequence[Backbone],
        samples: Sequence[Prepared],
        opened: Callable[[Backbone, Sequence[Prepared]], Engine],
    ) -> None:
        self.parts = [opened(part, [sample[place] for sample in samples]) for place, part in enumerate(parts)]
        self.widths = [part.card.width for part in parts]
        self.name = "+".join(part.name for part in self.parts)
        self.batch_size = max(part.batch_size for part in self.parts)
        self.workers = max(part.workers for part in self.parts)

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        """Features of pairs: (batch, 2) objects -> (batch, width of both)."""
        seen = []
        for place, (engine, width) in enumerate(zip(self.parts, self.widths, strict=True)):
            features = np.zeros((len(batch), width), np.float32)
            for numbers, samples in in_batches([*batch[:, place]], engine.batch_size):
                features[numbers] = engine.run(samples)
            seen.append(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12))
        return np.concatenate(seen, axis=1)

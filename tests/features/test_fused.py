"""Two engines side by side: each sees its own part, and both count alike."""

from types import SimpleNamespace

import numpy as np

from graft.features.fused import FusedEngine


class Sums:
    """Says how large its samples are; refuses a batch that is too large."""

    batch_size, workers = 2, 3

    def __init__(self, name: str, scale: float) -> None:
        self.name, self.scale = name, scale

    def run(self, batch):
        assert len(batch) <= self.batch_size
        return self.scale * np.stack([batch.reshape(len(batch), -1).sum(1), np.ones(len(batch))], axis=1)


def test_features_of_both_stand_one_behind_the_other_at_length_one():
    engines = {"image": Sums("a", 1000.0), "text": Sums("b", 0.1)}
    parts = [SimpleNamespace(name=name, card=SimpleNamespace(width=2)) for name in engines]
    fused = FusedEngine(parts, [], lambda part, own: engines[part.name])
    batch = np.empty((3, 2), object)
    for row, (size, tokens) in enumerate([(1, 2), (2, 5), (3, 2)]):  # texts of different lengths
        batch[row, 0], batch[row, 1] = np.full((2, 2), size), np.ones(tokens)
    found = fused.run(batch)
    unit = lambda value: np.array([value, 1]) / np.hypot(value, 1)  # noqa: E731
    expected = [np.concatenate([unit(4 * size), unit(tokens)]) for size, tokens in [(1, 2), (2, 5), (3, 2)]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (fused.name, fused.workers) == ("a+b", 3)

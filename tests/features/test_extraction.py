import errno
import os

import numpy as np
import pytest

from conftest import draw
from graft.backbones import open_backbone
from graft.data import load
from graft.errors import WorkError
from graft.features import cache, extract, extract_all, extraction
from graft.features.engine import torch_features
from graft.modalities.image import IMAGE


@pytest.fixture(scope="module")
def backbone():
    return open_backbone("wheel:efficientnet_lite0")


class Listener:
    def __init__(self):
        self.said: list[str] = []

    def say(self, message):
        self.said.append(message)

    def task(self, title, total, unit):
        from contextlib import nullcontext

        return nullcontext(lambda count: None)


@pytest.fixture
def store(monkeypatch, tmp_path, cache):
    """A feature store of this test's own, while trunks stay in the session's cache."""
    from graft.features import cache as module

    monkeypatch.setattr(module, "_root", lambda: tmp_path / "features")
    return tmp_path / "features"


def everything(dataset):
    return dataset.rows("train", "val")


def test_rows_are_what_torch_computes_in_the_order_asked_for(folder, backbone, store):
    dataset = load(folder(lemon=8, plum=8))
    rows = everything(dataset)[::-1]
    features = extract(dataset, rows, backbone)
    pictures = np.stack([IMAGE.prepare(IMAGE.decode(dataset.path(row)), backbone.card.preprocess) for row in rows])
    reference = torch_features(backbone, pictures)
    cosine = (features.matrix * reference).sum(1) / np.linalg.norm(features.matrix.astype(float), axis=1)
    assert (cosine / np.linalg.norm(reference, axis=1)).min() > 0.997
    assert features.matrix.shape == (len(rows), backbone.card.width)


def test_the_second_time_nothing_is_computed_and_the_rows_are_mapped(folder, backbone, store, monkeypatch):
    dataset = load(folder(lemon=8, plum=8))
    first = extract(dataset, everything(dataset), backbone)
    monkeypatch.setattr("graft.features.extraction._Work._batch", lambda *a: pytest.fail("computed again"))
    second = extract(dataset, everything(dataset), backbone)
    assert (first.computed, second.computed) == (len(everything(dataset)), 0)
    assert isinstance(second.matrix, np.memmap)
    assert np.array_equal(first.matrix, second.matrix)


def test_what_another_preparation_made_is_not_found(folder, backbone, store, monkeypatch):
    """Pictures that are resized in another way are other pictures to the network."""
    dataset = load(folder(lemon=8, plum=8))
    rows = everything(dataset)
    assert extract(dataset, rows, backbone).computed == len(rows)
    monkeypatch.setattr(type(IMAGE), "preparation", IMAGE.preparation + 1)
    assert extract(dataset, rows, backbone).computed == len(rows)
    assert extract(dataset, rows, backbone).computed == 0


def test_one_changed_file_computes_one_row(folder, backbone, store):
    root = folder(lemon=8, plum=8)
    for part in ("train", "test"):
        (root / part).mkdir()
    for name in ("lemon", "plum"):
        (root / name).rename(root / "train" / name)
    dataset = load(root)
    before = extract(dataset, everything(dataset), backbone)
    draw(root / "train" / "lemon" / "3.png", (0, 0, 255), 1)
    changed = load(root)
    after = extract(changed, everything(changed), backbone)
    assert after.computed == 1
    different = [row for row in range(16) if not np.array_equal(before.matrix[row], after.matrix[row])]
    assert [changed.sources[row] for row in different] == ["train/lemon/3.png"]


def test_a_moved_folder_computes_nothing(folder, backbone, store, tmp_path):
    root = folder(lemon=8, plum=8)
    dataset = load(root)
    extract(dataset, everything(dataset), backbone)
    moved = load(root.rename(tmp_path / "moved"))
    assert extract(moved, everything(moved), backbone).computed == 0


def test_a_file_that_became_unreadable_is_set_aside_with_its_reason(folder, backbone, store):
    root = folder(lemon=8, plum=8)
    dataset = load(root)
    rows = everything(dataset)
    broken = int(rows[3])
    dataset.path(broken).write_bytes(b"")
    features = extract(dataset, rows, backbone)
    assert features.unreadable == {broken: "the file is empty (0 bytes)"}
    assert len(features.matrix) == len(rows) - 1
    smaller = dataset.without(features.unreadable)
    assert len(smaller) == len(dataset) - 1
    assert smaller.findings[-1].kind == "unreadable"


def test_a_folder_that_is_gone(folder, backbone, store, tmp_path):
    root = folder(lemon=8, plum=8)
    dataset = load(root)
    root.rename(tmp_path / "gone")
    with pytest.raises(WorkError, match="Was the folder moved"):
        extract(dataset, everything(dataset), backbone)


def test_a_full_disk_costs_only_the_cache(folder, backbone, store, monkeypatch):
    dataset = load(folder(lemon=8, plum=8))
    expected = extract(dataset, everything(dataset), backbone).matrix.copy()
    for file in store.rglob("*.npy"):
        file.unlink()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    listener = Listener()
    features = extract(dataset, everything(dataset), backbone, listener)
    assert np.array_equal(features.matrix, expected)
    assert sum("the disk is full" in message for message in listener.said) == 1
    assert not list(store.rglob("*.npy"))
    assert not list(store.rglob(".*.npy.*"))  # no half-written file stays behind


def test_features_that_are_not_finite_are_refused(folder, backbone, store, monkeypatch):
    class Broken:
        name, batch_size, workers = "broken-cpu-fp32", 1, 1

        def run(self, batch):
            return np.full((len(batch), 1280), np.nan, np.float32)

    monkeypatch.setattr("graft.features.extraction.open_engine", lambda *a: Broken())
    dataset = load(folder(lemon=8, plum=8))
    with pytest.raises(WorkError, match="not finite"):
        extract(dataset, everything(dataset), backbone)


def test_a_cache_that_is_emptied_while_it_is_read_is_filled_again(folder, backbone, store, monkeypatch):
    dataset = load(folder(lemon=8, plum=8))
    expected = extract(dataset, everything(dataset), backbone).matrix.copy()
    gather, left = cache.FeatureStore.gather, [2]

    def emptied(self, keys, extra):
        if left[0]:
            left[0] -= 1
            for segment in self.segments():
                self.remove(segment)
        return gather(self, keys, extra)

    monkeypatch.setattr(cache.FeatureStore, "gather", emptied)
    assert np.array_equal(extract(dataset, everything(dataset), backbone).matrix, expected)


def test_an_interruption_keeps_what_was_computed(folder, backbone, store, monkeypatch):
    dataset = load(folder(lemon=8, plum=8))
    calls = []

    def watch_and_stop(self, numbers, real=extraction._Work._batch):
        calls.append(numbers)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return real(self, numbers)

    with monkeypatch.context() as stopped:
        stopped.setattr(extraction._Work, "_batch", watch_and_stop)
        with pytest.raises(KeyboardInterrupt):
            extract(dataset, everything(dataset), backbone)
    assert 0 < extract(dataset, everything(dataset), backbone).computed < len(everything(dataset))


def test_a_file_that_changed_after_it_was_checked_poisons_nothing(folder, backbone, store):
    root = folder(lemon=8, plum=8)
    dataset = load(root)
    row = int(everything(dataset)[0])
    whole = dataset.path(row).read_bytes()
    draw(dataset.path(row), (0, 0, 255), 5)
    features = extract(dataset, everything(dataset), backbone)
    assert features.unreadable == {row: "the file changed while graft was working"}
    dataset.path(row).write_bytes(whole)
    assert extract(dataset, everything(dataset), backbone).computed == 1


class TestStore:
    def rows(self, first: int, count: int):
        keys = np.zeros((count, 32), np.uint8)
        keys[:, 0] = np.arange(first, first + count)
        return keys, np.arange(first, first + count, dtype=np.float16)[:, None] * np.ones(4, np.float16)

    def names(self, *numbers: int) -> list[bytes]:
        return [bytes([number]) + bytes(31) for number in numbers]

    def test_gathers_in_any_order_over_segments(self, store):
        kept = cache.FeatureStore(store / "x")
        for first in (0, 10, 20):
            kept.append(*self.rows(first, 5))
        assert kept.gather(self.names(21, 3, 12), {})[:, 0].tolist() == [21, 3, 12]

    def test_rows_that_could_not_be_written_are_put_in_their_place(self, store):
        kept = cache.FeatureStore(store / "x")
        kept.append(*self.rows(0, 5))
        extra = {self.names(99)[0]: np.full(4, 99, np.float16)}
        assert kept.gather(self.names(1, 99, 2), extra)[:, 0].tolist() == [1, 99, 2]

    def test_segments_that_a_request_covers_become_one(self, store):
        kept = cache.FeatureStore(store / "x")
        for first in (0, 5, 10):
            kept.append(*self.rows(first, 5))
        everything = self.names(*range(15))
        kept.gather(everything, {})
        assert len(kept.segments()) == 1
        assert isinstance(kept.gather(everything, {}), np.memmap)

    def test_a_damaged_segment_is_as_if_it_were_not_there(self, store):
        kept = cache.FeatureStore(store / "x")
        segment = kept.append(*self.rows(0, 5))
        segment.rows.write_bytes(segment.rows.read_bytes()[:40])
        assert kept.segments() == []

    def test_what_was_used_longest_ago_goes_first(self, store, own_cache):
        kept = cache.FeatureStore(store / "x")
        old, new = kept.append(*self.rows(0, 100)), kept.append(*self.rows(100, 100))
        os.utime(old.rows, (1, 1))
        size = new.rows.stat().st_size
        assert cache.bound(1.5 * size / 1e9) == size
        assert [segment.rows for segment in kept.segments()] == [new.rows]

    def test_it_can_be_listed(self, store):
        cache.open_store("wheel:x", "f" * 64, "openvino-bf16-1").append(*self.rows(0, 5))
        [line] = [one for one in cache.kept() if one.backbone == "wheel:x"]
        assert (line.backbone, line.engine, line.rows) == ("wheel:x", "openvino-bf16-1", 5)


def test_clearing_empties_everything_of_grafts_and_nothing_else(own_cache, folder):
    mine = own_cache.parent / "features" / "thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    load(folder(lemon=5, plum=5))
    cache.open_store("wheel:x", "f" * 64, "e").append(np.zeros((1, 32), np.uint8), np.zeros((1, 4), np.float16))
    assert cache.clear() > 0
    assert cache.kept() == []
    assert not (own_cache / "index.sqlite").exists()
    assert mine.read_text() == "mine"


def zeroed(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def one_bit(content: bytes) -> bytes:
    return content[:-7] + bytes([content[-7] ^ 1]) + content[-6:]


def nothing_finite(content: bytes) -> bytes:
    return content[:-2] + np.float16(np.nan).tobytes()


def cut_short(content: bytes) -> bytes:
    return content[:-100]


@pytest.mark.parametrize("damage", [zeroed, one_bit, nothing_finite, cut_short])
def test_kept_features_that_are_damaged_are_told_and_computed_again(folder, backbone, store, damage):
    dataset = load(folder(lemon=8, plum=8))
    expected = extract(dataset, everything(dataset), backbone).matrix.copy()
    rows, *_ = store.rglob("*.rows.npy")
    rows.write_bytes(damage(rows.read_bytes()))
    listener = Listener()
    features = extract(dataset, everything(dataset), backbone, listener)
    assert np.array_equal(features.matrix, expected)
    assert features.computed == len(expected)
    told = [message for message in listener.said if "kept features damaged" in message]
    assert len(told) == 1
    assert extract(dataset, everything(dataset), backbone, listener).computed == 0


def test_rows_that_are_not_finite_are_not_read_even_where_they_were_written_so(store):
    kept = cache.FeatureStore(store / "x")
    keys, rows = TestStore().rows(0, 5)
    rows[2, 1] = np.inf
    kept.append(keys, rows)
    assert kept.find([keys[0].tobytes()], kept.segments()) == {}
    assert kept.damaged == 1
    assert kept.segments() == []


def test_keys_that_were_changed_name_no_rows(store):
    kept = cache.FeatureStore(store / "x")
    keys, rows = TestStore().rows(0, 5)
    kept.append(keys, rows)
    [file] = (store / "x").glob("*.keys.npy")
    changed = np.load(file)
    changed[[0, 1]] = changed[[1, 0]]
    np.save(file, changed)
    assert kept.find([keys[0].tobytes()], kept.segments()) == {}


def test_a_segment_of_before_there_were_checksums_is_as_if_it_were_not_there(store):
    kept = cache.FeatureStore(store / "x")
    keys, rows = TestStore().rows(0, 5)
    kept.append(keys, rows)
    [file] = (store / "x").glob("*.keys.npy")
    np.save(file, keys)
    assert kept.segments() == []


def test_a_segment_is_looked_at_once(store, monkeypatch):
    kept = cache.FeatureStore(store / "x")
    keys, rows = TestStore().rows(0, 5)
    kept.append(keys, rows)
    assert len(kept.find([keys[0].tobytes()], kept.segments())) == 1
    monkeypatch.setattr(cache.hashlib, "file_digest", lambda *a: pytest.fail("hashed again"))
    assert len(kept.find([keys[0].tobytes()], kept.segments())) == 1


def test_a_matrix_never_lacks_rows_that_others_count_on(folder, backbone, store):
    dataset = load(folder(lemon=8, plum=8))
    row = int(everything(dataset)[3])
    dataset.path(row).unlink()
    with pytest.raises(WorkError, match="1 picture vanished or changed while graft was working .*--resume"):
        extract_all(dataset, everything(dataset), backbone)

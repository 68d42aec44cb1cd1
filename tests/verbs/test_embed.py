"""What `graft embed` writes, held against the features of the cache, and how it reads samples without labels."""

import shutil

import numpy as np
import pytest

import graft
from conftest import COLOURS, NETWORKS, draw
from graft.backbones import open_backbone
from graft.data import LoadOptions, load_labelled
from graft.errors import DataError, MissingExtraError, RequestError
from graft.features import extract
from graft.verbs.embed import embed

TINY = NETWORKS["image"]


@pytest.fixture
def flat(tmp_path):
    """Three pictures without any label."""
    for number, name in enumerate(("lemon", "plum", "lime")):
        draw(tmp_path / "flat" / f"{name}.png", COLOURS[name], number)
    return tmp_path / "flat"


def test_features_are_those_of_the_cache_a_row_for_each_sample(folder):
    root = folder(lemon=3, plum=2)
    embedded = graft.embed(root, backbone=TINY)
    dataset = load_labelled(root)
    known = extract(dataset, np.arange(5), open_backbone(TINY))
    assert known.computed == 0
    assert embedded.sources == tuple(dataset.sources)
    assert embedded.labels == ("lemon",) * 3 + ("plum",) * 2
    assert embedded.sha256 == tuple(dataset.key(row).hex() for row in range(5))
    assert np.array_equal(embedded.features, known.matrix.astype(np.float32))
    assert embedded.features.dtype == np.float32
    assert (embedded.backbone, embedded.set_aside, embedded.file) == (TINY, (), None)


def test_the_second_time_nothing_is_computed(flat, own_cache):
    first, second = embed(flat, backbone=TINY), embed(flat, backbone=TINY)
    assert (first.computed, second.computed) == (3, 0)
    assert np.array_equal(first.features, second.features)


def test_a_flat_folder_has_no_labels(flat):
    assert embed(flat, backbone=TINY).labels == ("", "", "")


def test_copies_have_equal_rows(folder):
    root = folder(plum=1, lemon=1)
    shutil.copy(root / "plum" / "0.png", root / "lemon" / "other.png")
    found = embed(root, backbone=TINY)
    assert found.sources == ("lemon/0.png", "lemon/other.png", "plum/0.png")
    assert found.sha256[1] == found.sha256[2] != found.sha256[0]
    assert np.array_equal(found.features[1], found.features[2])


def test_parquet_and_npz_hold_equal_numbers_and_say_what_made_them(folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    root = folder(lemon=2, plum=1)
    draw(root / "loose.png", COLOURS["lime"], 7)
    table = embed(root, tmp_path / "out" / "features.parquet", TINY)
    arrays = embed(root, tmp_path / "features.npz", TINY)
    read = parquet.read_table(table.file)
    about = {key.decode(): value.decode() for key, value in read.schema.metadata.items()}
    with np.load(arrays.file, allow_pickle=False) as kept:
        for column, name in (("source", "sources"), ("label", "labels"), ("sha256", "sha256")):
            assert read[column].to_pylist() == kept[name].tolist()
        assert np.array_equal(np.array(read["features"].to_pylist(), np.float32), kept["features"])
        assert np.array_equal(kept["features"], table.features)
        assert kept["labels"].tolist() == ["", "lemon", "lemon", "plum"]
        assert about["backbone"] == str(kept["backbone"]) == TINY
        assert about["weights"] == str(kept["weights"]) == table.weights
    assert about["width"] == str(read.schema.field("features").type.list_size) == str(table.features.shape[1])
    assert about["graft"] == graft.__version__


def test_a_parquet_file_of_many_groups_is_one_table(folder, tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("graft.verbs.embed.ROWS_AT_ONCE", 2)
    found = embed(folder(lemon=5), tmp_path / "features.parquet", TINY)
    read = parquet.read_table(found.file)
    assert parquet.ParquetFile(found.file).num_row_groups == 3
    assert read["source"].to_pylist() == list(found.sources)
    assert np.array_equal(np.array(read["features"].to_pylist(), np.float32), found.features)


def test_one_unreadable_file_does_not_stop_the_others(flat):
    (flat / "broken.png").write_bytes(b"no picture")
    found = embed(flat, backbone=TINY)
    assert found.sources == ("lemon.png", "lime.png", "plum.png")
    assert found.unreadable == 1
    [told] = found.set_aside
    assert told.sources[0].startswith("broken.png: ")


def test_nothing_readable_is_an_error_with_the_reason(tmp_path):
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "broken.png").write_bytes(b"")
    with pytest.raises(DataError, match="none of its 1 picture can be read: the file is empty"):
        embed(tmp_path / "flat", backbone=TINY)


def table(root, text):
    (root / "samples.csv").write_text(text)
    return root / "samples.csv"


def test_columns_are_named_as_for_other_verbs(flat):
    found = embed(table(flat, "where,what\nlemon.png,yellow\n"), None, TINY, LoadOptions(file="where", label="what"))
    assert (found.sources, found.labels) == (("lemon.png",), ("yellow",))


def test_several_labels_are_written_as_graft_writes_them(flat):
    rows = table(flat, "file,label\nlemon.png,yellow|sour\nplum.png,sweet\nlime.png,sour\n")
    found = embed(rows, None, TINY, LoadOptions(task="multilabel"))
    labels = dict(zip(found.sources, found.labels, strict=True))
    assert labels == {"lemon.png": "sour|yellow", "plum.png": "sweet", "lime.png": "sour"}


def test_texts_without_labels(tmp_path):
    found = embed(table(tmp_path, "text\nthe cat is here\nwhere is the drill\n"))
    assert (found.sources, found.labels, found.noun) == (("samples.csv:2", "samples.csv:3"), ("", ""), "text")
    assert found.backbone == "wheel:minilm_l6"


def test_the_network_of_a_run_is_a_backbone(fitted, flat):
    found = embed(flat, backbone=f"run:{fitted.run}")
    assert found.backbone == f"run:{fitted.run}"
    assert found.features.shape == (3, 1280)


def test_a_file_that_is_there_is_kept_unless_it_may_be_replaced(flat, tmp_path):
    place = tmp_path / "features.npz"
    place.write_bytes(b"mine")
    with pytest.raises(RequestError, match="already there.*--replace"):
        embed(flat, place, TINY)
    assert place.read_bytes() == b"mine"
    embed(flat, place, TINY, replace=True)
    with np.load(place) as kept:
        assert len(kept["sources"]) == 3


@pytest.mark.parametrize(("name", "told"), [("features.csv", "ends in .parquet or .npz"), ("", "A path is empty")])
def test_a_file_that_cannot_be_written_so_is_told_before_any_work(name, told, tmp_path):
    with pytest.raises(RequestError, match=told):
        embed(tmp_path / "nowhere", name)


def test_a_folder_is_no_file_to_write(flat, tmp_path):
    (tmp_path / "out.npz").mkdir()
    with pytest.raises(RequestError, match="is a folder"):
        embed(flat, tmp_path / "out.npz", TINY, replace=True)


def test_parquet_without_its_library_names_the_extra(flat, tmp_path, monkeypatch):
    monkeypatch.setattr("graft.verbs.embed.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"graft-ml\[parquet\]"):
        embed(flat, tmp_path / "features.parquet", TINY)


def test_a_run_is_no_data(fitted):
    with pytest.raises(RequestError, match="a run or an artifact of graft, not data"):
        embed(fitted.run)

import errno
import os

import pytest

from graft.errors import WorkError
from graft.storage import atomic_file, cache_folder, explain, sha256_of, write_json


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.json"
    path.write_text("old")

    def interrupted():
        with atomic_file(path) as file:
            file.write(b"half of the new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free some space"), (errno.EACCES, "Choose another place")]
)
def test_a_failing_disk_says_what_to_do(tmp_path, monkeypatch, number, advice):
    def fail(descriptor):
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorkError, match=advice):
        write_json(tmp_path / "x.json", {})
    assert list(tmp_path.iterdir()) == []


def test_new_files_can_be_read_by_others_as_the_umask_says(tmp_path):
    write_json(tmp_path / "x.json", {})
    before = os.umask(0)
    os.umask(before)
    assert (tmp_path / "x.json").stat().st_mode & 0o777 == 0o666 & ~before


def test_json_never_holds_what_json_cannot(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x.json", {"loss": float("nan")})


def test_the_cache_lies_where_it_was_told_to(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAFT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "graft-cache"
    monkeypatch.delenv("GRAFT_CACHE")
    assert cache_folder().name == "graft"


def test_other_errors_keep_the_words_of_the_system():
    assert explain(OSError(errno.EIO, "Input/output error")) == "Input/output error"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.timeout(10)
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        sha256_of(tmp_path / "pipe")

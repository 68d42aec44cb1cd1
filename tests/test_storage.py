import errno
import os
import subprocess
import sys

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


@pytest.mark.parametrize(
    ("folder", "variable"),
    [("cache_folder", "Set GRAFT_CACHE=FOLDER"), ("data_folder", "Set GRAFT_HISTORY=FILE")],
)
@pytest.mark.parametrize("home", [None, "", "/dev/null"])
def test_a_user_without_a_home_is_told_what_to_set(folder, variable, home):
    """In a process of its own: no HOME, and a number of a user that no table of users has."""
    code = (
        "import os, pwd\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid, os.getuid = nobody, lambda: 12345\n"
        "from graft import storage\nfrom graft.errors import RequestError\n"
        f"try: print(storage.{folder}())\nexcept RequestError as error: print(error)"
    )
    hidden = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "GRAFT_CACHE", "GRAFT_HISTORY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if home is not None:
        environment["HOME"] = home
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert variable in result.stdout

"""The host gives out the files of the app and nothing else."""

import gzip
import http.client
import json
import os
import shutil
import ssl
import urllib.request
from pathlib import Path

import pytest

from graft.errors import RequestError, WorkError
from graft.serving.host import _sign, host
from graft.storage import sha256_of


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    (folder / "model").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>fruit</title>" + " " * 500)
    (folder / "model" / "model.onnx").write_bytes(bytes(1000))
    (tmp_path / "outside.txt").write_text("outside")
    names = ["index.html", "model/model.onnx"]
    files = {name: {"bytes": 1, "sha256": sha256_of(folder / name)} for name in names}
    (folder / "files.json").write_text(json.dumps({"version": "1", "files": files}))
    return folder


@pytest.fixture
def address(app):
    hosted = host(app, 0, network=False)
    (app / "secret.txt").write_text("not in the list")
    yield hosted.here
    hosted.close()


def get(address, path, **headers):
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_files_come_packed_and_with_the_headers_of_an_isolated_page(address):
    answer, body = get(address, "/", **{"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body).startswith(b"<!doctype html>")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    answer, body = get(address, "/model/model.onnx?version=3")
    assert (answer.status, body, answer.headers["Content-Encoding"]) == (200, bytes(1000), None)


@pytest.mark.parametrize(
    "path", ["/secret.txt", "/../outside.txt", "/model/../../outside.txt", "/%2e%2e/outside.txt", "//etc/passwd", "/x"]
)
def test_nothing_else_is_given_out(address, path):
    assert get(address, path)[0].status == 404


def test_a_link_that_leads_out_of_the_folder_is_not_followed(app, address, tmp_path):
    """Put there while the app is hosted: before, the folder would not be hosted at all."""
    (app / "model" / "model.onnx").unlink()
    os.symlink(tmp_path / "outside.txt", app / "model" / "model.onnx")
    assert get(address, "/model/model.onnx")[0].status == 404
    shutil.rmtree(app / "model")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_text("outside")
    os.symlink(tmp_path / "model", app / "model")
    assert get(address, "/model/model.onnx")[0].status == 404


@pytest.mark.parametrize("what", ["link", "unlisted", "changed", "above", "list"])
def test_a_folder_that_is_not_what_was_written_is_not_hosted(app, tmp_path, what):
    listed = json.loads((app / "files.json").read_text())
    if what == "link":
        (app / "index.html").rename(tmp_path / "index.html")
        os.symlink(tmp_path / "index.html", app / "index.html")
    elif what == "unlisted":
        (app / "secret.txt").write_text("")
    elif what == "changed":
        (app / "index.html").write_text("another page")
    elif what == "above":
        listed["files"]["../outside.txt"] = {"bytes": 7, "sha256": sha256_of(tmp_path / "outside.txt")}
    else:
        listed = {"version": "1", "files": ["index.html"]}
    (app / "files.json").write_text(json.dumps(listed))
    with pytest.raises(WorkError, match="not those that graft wrote|changed or damaged"):
        host(app, 0, network=False)


def test_the_key_is_its_owner_s_alone_from_the_first_moment(own_cache, monkeypatch):
    """Seen at each moment at which a file gets its name, with a umask that forbids nothing."""
    seen = []
    replaced = Path.replace

    def watched(path, target):
        seen.append((target.suffix, path.stat().st_mode & 0o777))
        return replaced(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    mask = os.umask(0)
    try:
        _sign(own_cache / "a.pem", own_cache / "a.key")
    finally:
        os.umask(mask)
    assert dict(seen)[".key"] == 0o600
    assert (own_cache / "a.key").stat().st_mode & 0o777 == 0o600


def test_only_reading_is_understood(address):
    connection = http.client.HTTPConnection(address.split("/")[2], timeout=10)
    connection.request("POST", "/", body=b"x")
    assert connection.getresponse().status == 501
    connection.close()


def test_phones_get_a_certificate(app, own_cache):
    hosted = host(app, 0, network=True)
    try:
        assert hosted.secure.startswith("https://")
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        local = "https://127.0.0.1:" + hosted.secure.rstrip("/").rpartition(":")[2]
        with urllib.request.urlopen(local, context=trusting, timeout=10) as answer:
            assert answer.read().startswith(b"<!doctype html>")
        (key,) = (own_cache / "certificate").glob("*.key")
        assert key.stat().st_mode & 0o077 == 0
    finally:
        hosted.close()


@pytest.mark.parametrize(("port", "network"), [(-1, False), (65536, False), (65535, True), (10**9, True)])
def test_what_is_no_port_is_told_before_anything_is_opened(app, port, network):
    with pytest.raises(RequestError, match=f"Port {port} cannot be used. Expected 0 .* to 6553[45]"):
        host(app, port, network)


def test_what_is_no_app_and_a_taken_port_are_told(app, address, tmp_path):
    (app / "secret.txt").unlink()
    with pytest.raises(RequestError, match="no app of graft"):
        host(tmp_path, 0, network=False)
    with pytest.raises(WorkError, match="--port"):
        host(app, int(address.rstrip("/").rpartition(":")[2]), network=False)

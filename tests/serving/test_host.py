"""The host gives out the files of the app and nothing else."""

import gzip
import http.client
import json
import ssl
import urllib.request

import pytest

from graft.errors import RequestError, WorkError
from graft.serving.host import host


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    (folder / "model").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>fruit</title>" + " " * 500)
    (folder / "model" / "model.onnx").write_bytes(bytes(1000))
    (folder / "secret.txt").write_text("not in the list")
    (tmp_path / "outside.txt").write_text("outside")
    names = ["index.html", "model/model.onnx"]
    (folder / "files.json").write_text(json.dumps({"version": "1", "files": dict.fromkeys(names, {})}))
    return folder


@pytest.fixture
def address(app):
    hosted = host(app, 0, network=False)
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
    with pytest.raises(RequestError, match="no app of graft"):
        host(tmp_path, 0, network=False)
    with pytest.raises(WorkError, match="--port"):
        host(app, int(address.rstrip("/").rpartition(":")[2]), network=False)

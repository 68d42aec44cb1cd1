"""Hosting an app on the local network: its files and nothing else, packed, with the headers that a browser asks for."""

import functools
import gzip
import http.server
import ipaddress
import socket
import ssl
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from graft.errors import MissingExtraError, RequestError, WorkError
from graft.export.to_app import FILES, AppFiles, check_app
from graft.storage import atomic_file, cache_folder, explain, read_record

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",  # with the next one: a page that may use several threads
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".onnx": "application/octet-stream",
}
PACKED = {".js", ".mjs", ".wasm", ".json", ".webmanifest", ".css", ".html", ".txt", ".onnx", ".md"}
DAYS = 365
MOST_PORT = 65535


@dataclass(frozen=True)
class Hosted:
    """Two running servers; `close` ends them. `secure` is None where no certificate could be made."""

    here: str  # the address on this machine, where a browser lends its camera without a certificate
    secure: str | None  # the address for other devices
    close: Callable[[], None]


def host(app: Path, port: int = 8080, network: bool = True) -> Hosted:
    """Begin to host an app: at http on this machine, and with `network` at https for phones, one port higher.

    Port 0 is any that is free, for both. Browsers lend camera and microphone to secure pages alone, so phones get a
    certificate that this machine signs itself; they warn of it once. Raises `RequestError` for what is no app and for
    a number that is no port, `WorkError` where a port is taken or the folder does not hold exactly the files of its
    list.
    """
    if not (app / FILES).is_file():
        raise RequestError(f"{app} is no app of graft (it has no {FILES}). Make one with: graft export RUN --to app")
    most = MOST_PORT - 1 if network else MOST_PORT
    if not 0 <= port <= most:
        also = " (phones get the one above it)" if network else ""
        raise RequestError(f"Port {port} cannot be used. Expected 0 (any that is free) to {most}{also}.")
    check_app(app.resolve())
    secure = _secure_context() if network else None  # before a port is opened: it may lack its extra
    local = _server(app, "127.0.0.1", port)
    servers, address = [local], None
    if secure is not None:
        try:
            outer = _server(app, "0.0.0.0", port and port + 1)
        except WorkError:
            local.server_close()
            raise
        outer.socket = secure.wrap_socket(outer.socket, server_side=True, do_handshake_on_connect=False)
        servers.append(outer)
        address = f"https://{network_address()}:{outer.server_address[1]}/"
    threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in servers]
    for thread in threads:
        thread.start()

    def close() -> None:
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()

    return Hosted(f"http://localhost:{local.server_address[1]}/", address, close)


def _server(app: Path, interface: str, port: int) -> http.server.ThreadingHTTPServer:
    try:
        return http.server.ThreadingHTTPServer((interface, port), functools.partial(_Handler, app=app.resolve()))
    except OSError as error:
        raise WorkError(f"Port {port}: {explain(error)}. Choose another with --port.") from error


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files that the app's own list names."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, *arguments: Any, app: Path) -> None:
        self.app = app
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        name = self.path.partition("?")[0].partition("#")[0].lstrip("/") or "index.html"
        packs = "gzip" in self.headers.get("Accept-Encoding", "")
        try:
            content, packed = _content(self.app, name, packs)
        except (OSError, KeyError, WorkError):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", TYPES.get(Path(name).suffix, self._guess(name)))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Vary", "Accept-Encoding")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        for header, value in HEADERS.items():
            self.send_header(header, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _guess(self, name: str) -> str:
        import mimetypes

        return mimetypes.guess_type(name)[0] or "application/octet-stream"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: who looks at the page is nobody's business."""


def _content(app: Path, name: str, packs: bool) -> tuple[bytes, bool]:
    """A file of the app; raises `KeyError` for what its list does not name, and for what is no file inside of it."""
    if name != FILES and name not in _listed(app, (app / FILES).stat().st_mtime_ns):
        raise KeyError(name)
    file = app / name
    if file.resolve() != file or not stat.S_ISREG(file.lstat().st_mode):  # a link that somebody put there since
        raise KeyError(name)
    packed = packs and file.suffix in PACKED
    return (_packed(file, file.stat().st_mtime_ns) if packed else file.read_bytes()), packed


@functools.lru_cache(maxsize=4)
def _listed(app: Path, changed: int) -> frozenset[str]:
    return frozenset(read_record(app / FILES, AppFiles).files)


@functools.lru_cache(maxsize=64)
def _packed(file: Path, changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), 6, mtime=0)


def network_address() -> str:
    """The address of this machine as other devices of its network see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address: nothing is sent, the system picks an interface
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _secure_context() -> ssl.SSLContext:
    folder = cache_folder() / "certificate"
    certificate, key = folder / f"{network_address()}.pem", folder / f"{network_address()}.key"
    if not _holds(certificate) or not key.is_file():
        _sign(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def _holds(certificate: Path) -> bool:
    """Whether a certificate is there and holds for another day."""
    from_here = datetime.now(UTC) + timedelta(days=1)
    try:
        return _x509().load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc > from_here
    except (OSError, ValueError):
        return False


def _sign(certificate: Path, key: Path) -> None:
    """A certificate for this machine's address and localhost, signed by itself; the key is readable by its owner."""
    x509 = _x509()
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "graft on this network")])
    addresses = {ipaddress.ip_address(one) for one in (network_address(), "127.0.0.1")}
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *map(x509.IPAddress, addresses)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(names, critical=False)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=DAYS))
    signed = builder.sign(private, hashes.SHA256())
    plain = serialization.NoEncryption()
    with atomic_file(key, private=True) as file:
        file.write(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    with atomic_file(certificate) as file:
        file.write(signed.public_bytes(serialization.Encoding.PEM))


def _x509() -> Any:
    try:
        from cryptography import x509
    except ImportError as error:
        raise MissingExtraError("cryptography", "serve") from error
    return x509

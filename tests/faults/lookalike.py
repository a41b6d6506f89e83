"""Servers that stand where a cluster's API server or a registry should: with certificates, clocks and clients of their own."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from jeroboam import pki
from jeroboam.contracts import CertificateAuthority
from jeroboam.pki.authority import load


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def tls_server(
    port: int,
    ca: CertificateAuthority,
    begins: datetime,
    *,
    host: str = "127.0.0.1",
    ahead: timedelta = timedelta(0),
    clients_of: CertificateAuthority | None = None,
) -> Iterator[None]:
    """Says that it is ready. Its certificate is of `ca` and valid from `begins`, its clock `ahead`; it lets in clients of one CA, or
    anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(_leaf(ca, host, begins))
        file.flush()
        context.load_cert_chain(file.name)
    if clients_of is not None:
        context.load_verify_locations(cadata=clients_of.cert_pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # of 1.3 a client that is refused may see but a cut connection

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"ok" if self.path == "/readyz" else b'{"items": [], "gitVersion": "v1.34.4"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            now = timestamp if timestamp is not None else datetime.now().timestamp()
            return super().date_time_string(now + ahead.total_seconds())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Strangers are what it is for."""

    server = Server((host, port), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _leaf(ca: CertificateAuthority, host: str, begins: datetime) -> bytes:
    """A server's certificate for an address, and its key."""
    issuer, signer = load(ca)
    key, pem = pki.new_key()
    cert = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return cert.public_bytes(serialization.Encoding.PEM) + pem.reveal()

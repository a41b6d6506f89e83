"""As much of a compute service as the tests' set-up asks for: key pairs, which it deletes and makes before each class."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Keypairs(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["keypair"]
        made = {**asked, "public_key": "ssh-rsa AAAA", "private_key": "none", "fingerprint": "00", "user_id": "u"}
        self._answer(200, json.dumps({"keypair": made}).encode())

    def do_DELETE(self) -> None:
        """Never there before: so the tests make one."""
        self._answer(404, b'{"itemNotFound": {"code": 404, "message": "Keypair not found."}}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not on standard error."""


@contextmanager
def serving() -> Iterator[str]:
    """URL of the service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Keypairs) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v2.1"
        finally:
            server.shutdown()
            thread.join(10)

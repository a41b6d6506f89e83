"""A proxy before Docker's socket, which answers in the daemon's place where the test says so."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer


@dataclass(frozen=True)
class Instead:
    """What is answered to calls that `method` and `path` (a pattern, without the version) fit, after `after_s`."""

    method: str
    path: str
    status: int
    body: bytes
    kind: str = "application/json"
    after_s: float = 0.0

    @classmethod
    def error(cls, method: str, path: str, status: int, message: str) -> Instead:
        """As Docker words its errors."""
        return cls(method, path, status, json.dumps({"message": message}).encode())


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@dataclass
class DockerProxy:
    """Runs between `start` and `stop`, any number of times. `behind` is the daemon's socket."""

    socket: Path
    behind: Path
    rules: list[Instead] = field(default_factory=list)
    met: int = 0
    _server: _Server | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self._server = _Server(str(self.socket), _handler(self.answer))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """As when the daemon ends: nobody listens."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is None or thread is None:
            return
        server.shutdown()
        server.server_close()
        thread.join(10)
        self.socket.unlink()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, kind and body of the answer."""
        bare = re.sub(r"^/v[\d.]+", "", path)
        for rule in self.rules:
            if rule.method == method and re.match(rule.path, bare):
                self.met += 1
                time.sleep(rule.after_s)
                return rule.status, rule.kind, rule.body
        return self._asked(method, path, body, headers)

    def _asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("docker", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.behind))
        try:
            connection.request(method, path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type") or "", answer.read()
        finally:
            connection.close()


def _handler(
    answer: Callable[[str, str, bytes, dict[str, str]], tuple[int, str, bytes]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request a connection, so that a proxy that stopped serves nobody."""

        def handle_call(self) -> None:
            body = self._body()
            kept = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            try:
                status, kind, said = answer(self.command, self.path, body, kept)
            except OSError:
                return  # cut off, as by a daemon that ends
            self.send_response(status)
            if kind:
                self.send_header("Content-Type", kind)
            if status != 204:
                self.send_header("Content-Length", str(len(said)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_call

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def address_string(self) -> str:
            return "unix"

    return Handler

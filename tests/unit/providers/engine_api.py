"""A stand-in of Docker's Engine API on a socket: how it answers. What it answers is each test's own."""

import json
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer


class EngineServer(ThreadingMixIn, UnixStreamServer):
    """On a socket of the test."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A caller that gave up waiting."""


class EngineCall(BaseHTTPRequestHandler):
    """One call; answered by `answer`."""

    def answer(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def address_string(self) -> str:
        return "unix"


def about(version: str, api: str = "1.41", system: str = "linux") -> dict[str, object]:
    """What an engine says of itself, to both of the calls that ask for it."""
    return {"Version": version, "ApiVersion": api, "ServerVersion": version, "OSType": system, "NCPU": 2}

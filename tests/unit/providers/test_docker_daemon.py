"""Daemons that will not do are told apart, each with its cure. A stand-in answers two calls of the Engine API on a socket."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from jeroboam.domain.errors import HostUnsupported
from jeroboam.providers.docker import DockerProvider, DockerSettings

pytestmark = pytest.mark.sockets


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A daemon of the version and system that the test names; its URL."""
    version, api, system = request.param

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"Version": version, "ApiVersion": api, "ServerVersion": version, "OSType": system, "NCPU": 2}
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def address_string(self) -> str:
            return "unix"

    server = _Server(str(tmp_path / "docker.sock"), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"unix://{tmp_path}/docker.sock"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("daemon", "message", "hint"),
    [
        (("19.03.15", "1.40", "linux"), "Docker 19.03.15 is too old (API 1.40).", "Install Docker 20.10 or newer."),
        (
            ("27.0.1", "1.46", "windows"),
            "This Docker daemon runs Windows containers.",
            "Switch it to Linux containers.",
        ),
    ],
    indirect=["daemon"],
)
async def test_a_daemon_that_will_not_do_is_refused_with_the_cure(daemon: str, message: str, hint: str) -> None:
    provider = DockerProvider(DockerSettings(host=daemon, raise_limits=False))
    with pytest.raises(HostUnsupported) as caught:
        await provider.start()
    await provider.stop()
    assert (caught.value.message, caught.value.hint) == (message, hint)

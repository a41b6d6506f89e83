"""Daemons that will not do are told apart, each with its cure. A stand-in answers two calls of the Engine API on a socket."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.providers.engine_api import EngineCall, EngineServer, about

from jeroboam.domain.errors import HostUnsupported
from jeroboam.providers.docker import DockerProvider, DockerSettings

pytestmark = pytest.mark.sockets


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A daemon of the version and system that the test names; its URL."""

    class Answers(EngineCall):
        def do_GET(self) -> None:
            self.answer(200, about(*request.param))

    server = EngineServer(str(tmp_path / "docker.sock"), Answers)
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

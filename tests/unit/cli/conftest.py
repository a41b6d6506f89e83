from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jeroboam.cli import build_app

from .scripted import OPERATION, STEPS, UUID, Service, cluster, operation, start, step

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches them."""
    for name in (
        "OS_CLOUD",
        "OS_CLIENT_CONFIG_FILE",
        "OS_CLIENT_SECURE_FILE",
        "JEROBOAM_URL",
        "KUBECONFIG",
        "DOCKER_CONFIG",
        "XDG_CONFIG_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A scripted service that JEROBOAM_URL names."""
    scripted = Service()
    server = start(scripted)
    monkeypatch.setenv("JEROBOAM_URL", scripted.url)
    yield scripted
    server.shutdown()
    server.server_close()


@pytest.fixture
def run() -> Run:
    """The command line, in this process; returns the exit code."""

    def call(*argv: str) -> int:
        with pytest.raises(SystemExit) as ended:
            build_app()(list(argv))
        return int(ended.value.code or 0)

    return call


@pytest.fixture
def demo(service: Service) -> Service:
    """One healthy cluster with its finished creation."""
    for ident in ("demo", UUID):
        service.on("GET", f"/v1/clusters/{ident}", 200, cluster())
        service.on("GET", f"/ext/v1/clusters/{ident}/operations", 200, {"operations": [operation()]})
    service.on("GET", f"/ext/v1/operations/{OPERATION}", 200, operation())
    service.on("GET", STEPS, 200, {"steps": [step(1, "network", "", 0.0, 0.9)]})
    return service

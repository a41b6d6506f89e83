"""What certificate each command asks for, and that it opens a cluster which wants one."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cyclopts import App

from jeroboam import pki
from jeroboam.cli.image_commands import load
from jeroboam.domain import Secret

from .conftest import Run
from .scripted import TEMPLATE, UUID, Asked, Service, cluster, refusal, start

pytestmark = pytest.mark.sockets
Capture = pytest.CaptureFixture[str]
PLACE = f"/ext/v1/clusters/{UUID}/certificates"
MAGNUMS = "/v1/certificates"
CA = pki.new_authority("demo", "cluster", datetime.now(UTC))


def signed(asked: Asked) -> tuple[int, Any]:
    lifetime = timedelta(seconds=asked.body.get("valid_s", 157_680_000))
    made = pki.sign_csr(CA, asked.body["csr"].encode(), datetime.now(UTC), lifetime)
    return 201, {"pem": made.pem.decode()}


@pytest.fixture
def swarm(tmp_path: Path) -> Iterator[Service]:
    """A Docker API that lets in nobody without a certificate of the cluster's CA; it runs nothing."""
    scripted = Service()
    for path in ("nodes", "services", "tasks"):
        scripted.on("GET", f"/v1.41/{path}", 200, [])
    cert, key = pki.derived_server_certificate(CA, Secret(b"seed"), "manager", ["127.0.0.1"])
    (tmp_path / "manager.pem").write_bytes(cert + key.reveal())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=CA.cert_pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tmp_path / "manager.pem")
    server = start(scripted, context)
    yield scripted
    server.shutdown()
    server.server_close()


@pytest.fixture
def demo(service: Service, swarm: Service) -> Service:
    """The service, whose cluster `demo` is that Swarm."""
    address = swarm.url.replace("http", "tcp", 1)
    service.on("GET", "/v1/clusters/demo", 200, cluster(api_address=address))
    service.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "coe": "swarm"})
    service.on("GET", f"/v1/certificates/{UUID}", 200, {"cluster_uuid": UUID, "pem": CA.cert_pem.decode()})
    service.on_call("POST", PLACE, signed)
    return service


def wishes(service: Service) -> list[tuple[str, Any]]:
    """What was asked for, without the requests themselves."""
    return [(path, {name: body[name] for name in body if name != "csr"}) for path, body in service.bodies("POST")]


def test_a_command_enters_with_a_certificate_of_its_own_that_soon_ends(
    demo: Service, swarm: Service, run: Run, capsys: Capture
) -> None:
    assert run("ps", "demo") == 0, capsys.readouterr().err
    assert wishes(demo) == [(PLACE, {"purpose": "jeroboam ps", "valid_s": 720})]
    [(_, wish)] = demo.bodies("POST")
    request = x509.load_pem_x509_csr(wish["csr"].encode())
    assert request.subject.rfc4514_string() == "CN=admin,O=system:masters"
    assert {asked.path for asked in swarm.asked} >= {"/v1.41/services"}


@pytest.mark.parametrize(
    ("words", "purpose", "valid_s"),
    [
        ("run demo --image hello:1", "run", 840),
        ("run demo --image hello:1 --timeout-s 1000", "run", 2600),
        ("ps demo web", "ps", 720),
        ("logs demo web", "logs", 720),
        ("exec demo web -- ls", "exec", 720),
        ("exec demo web --timeout-s 0.5 -- ls", "exec", 600),
        ("stop demo web --timeout-s 60", "stop", 660),
        ("stop demo web --timeout-s 1e12", "stop", 86_400),
        ("stop demo web --timeout-s inf", "stop", 86_400),
    ],
)
def test_it_lasts_a_little_longer_than_its_command(
    demo: Service, run: Run, words: str, purpose: str, valid_s: int
) -> None:
    run(*words.split())
    assert wishes(demo) == [(PLACE, {"purpose": f"jeroboam {purpose}", "valid_s": valid_s})]


def test_a_load_of_an_image_has_longer(demo: Service) -> None:
    app = App()
    app.command(load)
    with pytest.raises(SystemExit) as ended:
        app(["load", "demo", "absent.tar"])
    assert ended.value.code == 2
    assert wishes(demo) == [(PLACE, {"purpose": "jeroboam image load", "valid_s": 1500})]


def test_config_asks_for_one_that_lasts(
    demo: Service, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    assert run("cluster", "config", "demo") == 0
    assert wishes(demo) == [(PLACE, {"purpose": "jeroboam cluster config"})]
    [path] = (tmp_path / "docker").rglob("cert.pem")
    ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    assert ends - datetime.now(UTC) > timedelta(days=1824)


@pytest.mark.parametrize("status", [404, 405])
def test_a_service_that_signs_for_no_use_is_asked_as_magnum_is(
    demo: Service, run: Run, capsys: Capture, status: int
) -> None:
    """404: Magnum's own. 405: an older Jeroboam, which has that path for reading."""
    demo.on("POST", PLACE, status, refusal(status, "The resource could not be found."))
    demo.on_call("POST", MAGNUMS, signed)
    assert run("ps", "demo") == 0, capsys.readouterr().err
    assert wishes(demo)[1:] == [(MAGNUMS, {"cluster_uuid": UUID})]
    assert demo.bodies("POST")[0][1]["csr"] == demo.bodies("POST")[1][1]["csr"]


def test_what_the_service_refuses_is_not_asked_for_elsewhere(demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("POST", PLACE, 403, refusal(403, "Policy doesn't allow certificate:create to be performed."))
    demo.on_call("POST", MAGNUMS, signed)
    assert run("ps", "demo") == 1
    assert capsys.readouterr().err == "Error: Policy doesn't allow certificate:create to be performed.\n"
    assert [path for path, _ in demo.bodies("POST")] == [PLACE]

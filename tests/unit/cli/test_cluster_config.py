"""`cluster config` against a scripted service: what is written where, and whose it is."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .scripted import TEMPLATE, UUID, Asked, Service, cluster

pytestmark = pytest.mark.sockets
Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


class Authority:
    """Signs what the scripted service is sent, as the real one does."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.requests: list[x509.CertificateSigningRequest] = []

    def sign(self, asked: Asked) -> tuple[int, Any]:
        request = x509.load_pem_x509_csr(asked.body["csr"].encode())
        self.requests.append(request)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo")])
        moment = x509.CertificateBuilder().subject_name(request.subject).issuer_name(name).serial_number(1)
        import datetime

        now = datetime.datetime.now(datetime.UTC)
        cert = (
            moment.public_key(request.public_key()).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
        )
        pem = cert.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        return 201, {"cluster_uuid": UUID, "csr": asked.body["csr"], "pem": pem}


@pytest.fixture
def authority(demo: Service) -> Authority:
    authority = Authority()
    demo.on(
        "GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "coe": "kubernetes", "tls_disabled": False}
    )
    demo.on("GET", f"/v1/certificates/{UUID}", 200, {"cluster_uuid": UUID, "pem": "CA"})
    demo.on_call("POST", "/v1/certificates", authority.sign)
    return authority


def test_config_merges_a_context(authority: Authority, run: Run, capsys: Capture, tmp_path: Path) -> None:
    assert run("cluster", "config", "demo") == 0
    path = tmp_path / "home" / ".kube" / "config"
    assert capsys.readouterr().out == (
        f"Context demo is in {path} (https://127.0.0.1:6443).\nNext: kubectl get nodes\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert authority.requests[0].subject.rfc4514_string() == "CN=admin,O=system:masters"
    assert yaml.safe_load(path.read_text())["current-context"] == "demo"
    assert run("cluster", "config", "demo", "--context", "work", "--no-current", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "context": "work", "file": str(path), "server": "https://127.0.0.1:6443", "current": False,
    }  # fmt: skip
    found = yaml.safe_load(path.read_text())
    assert (found["current-context"], [c["name"] for c in found["contexts"]]) == ("demo", ["demo", "work"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--kubeconfig {file} get nodes"),
        (("--no-current", "--context", "work"), "--kubeconfig {file} --context work get nodes"),
    ],
)
def test_config_in_a_file_that_kubectl_does_not_read_names_it_in_the_next_command(
    authority: Authority, run: Run, capsys: Capture, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "elsewhere"
    assert run("cluster", "config", "demo", "--file", str(file), *options) == 0
    assert f"Next: kubectl {said.format(file=file)}\n" in capsys.readouterr().out


def test_config_in_a_named_file_that_kubectl_reads_needs_no_option(
    authority: Authority, run: Run, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/first:{tmp_path}/second")
    assert run("cluster", "config", "demo", "--file", f"{tmp_path}/second") == 0
    assert "Next: kubectl get nodes\n" in capsys.readouterr().out


def test_config_on_stdout_touches_no_file(authority: Authority, run: Run, capsys: Capture, tmp_path: Path) -> None:
    assert run("cluster", "config", "demo", "--stdout") == 0
    printed = capsys.readouterr().out
    assert yaml.safe_load(printed)["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert run("cluster", "config", "demo", "--stdout", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "Config"
    assert not (tmp_path / "home").exists()


def test_config_does_not_show_the_key(authority: Authority, run: Run, capsys: Capture) -> None:
    assert run("cluster", "config", "demo", "-v") == 0
    shown = capsys.readouterr()
    assert "PRIVATE KEY" not in shown.out + shown.err


def test_config_refuses_a_certificate_for_another_key(
    authority: Authority, demo: Service, run: Run, capsys: Capture
) -> None:
    class Mixed(Authority):
        def sign(self, asked: Asked) -> tuple[int, Any]:
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
            request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key, hashes.SHA256())
            pem = request.public_bytes(serialization.Encoding.PEM).decode()
            return super().sign(Asked("POST", "", {}, {}, {"csr": pem}))

    demo.on_call("POST", "/v1/certificates", Mixed().sign)
    assert run("cluster", "config", "demo") == 1
    assert capsys.readouterr().err == "Error: The service signed another key than the one sent.\n"
    demo.on("POST", "/v1/certificates", 201, {"pem": "rubbish"})
    assert run("cluster", "config", "demo") == 1
    assert capsys.readouterr().err == "Error: The service signed nothing readable.\n"


def test_config_before_there_is_an_address(authority: Authority, demo: Service, run: Run, capsys: Capture) -> None:
    demo.on("GET", "/v1/clusters/demo", 200, cluster(status="CREATE_IN_PROGRESS", api_address=None))
    assert run("cluster", "config", "demo") == 1
    assert capsys.readouterr().err == (
        "Error: Cluster demo has no API address; its status is CREATE_IN_PROGRESS.\n"
        "       Wait for it with `jeroboam cluster watch demo`.\n"
    )


def test_config_of_a_finished_cluster_without_a_floating_address(
    authority: Authority, demo: Service, run: Run, capsys: Capture
) -> None:
    demo.on("GET", "/v1/clusters/demo", 200, cluster(status="CREATE_COMPLETE", api_address=None))
    assert run("cluster", "config", "demo") == 1
    assert capsys.readouterr().err == (
        "Error: Cluster demo has no API address; its status is CREATE_COMPLETE.\n"
        "       It was made without a floating address: its API answers in its own network only.\n"
    )


def test_config_of_a_cluster_that_is_being_made_says_so(
    authority: Authority, demo: Service, run: Run, capsys: Capture
) -> None:
    demo.on("GET", "/v1/clusters/demo", 200, cluster(status="CREATE_IN_PROGRESS", api_address="https://127.0.0.1:6443"))
    assert run("cluster", "config", "demo") == 0
    shown = capsys.readouterr()
    assert shown.err == (
        "Warning: the cluster is still being made. `jeroboam cluster watch demo` tells when it can be used.\n"
    )
    assert shown.out.endswith("Next: kubectl get nodes\n")


def test_config_of_a_swarm_is_a_docker_context(
    authority: Authority, demo: Service, run: Run, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    demo.on("GET", "/v1/clusters/demo", 200, cluster(api_address="tcp://127.0.0.1:2376"))
    demo.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "coe": "swarm"})
    assert run("cluster", "config", "demo") == 0
    assert capsys.readouterr().out == (
        "Docker context demo is there (tcp://127.0.0.1:2376).\nNext: docker --context demo node ls\n"
    )
    [meta] = tmp_path.glob("contexts/meta/*/meta.json")
    assert json.loads(meta.read_text())["Endpoints"]["docker"]["Host"] == "tcp://127.0.0.1:2376"


def test_config_of_another_tool_and_contradicting_options(
    authority: Authority, demo: Service, run: Run, capsys: Capture
) -> None:
    demo.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "coe": "mesos"})
    assert run("cluster", "config", "demo") == 2
    assert capsys.readouterr().err == "Error: Cluster demo runs mesos, whose client this command does not know.\n"
    demo.on("GET", f"/v1/clustertemplates/{TEMPLATE}", 200, {"uuid": TEMPLATE, "coe": "swarm"})
    assert run("cluster", "config", "demo", "--file", "x") == 2
    assert capsys.readouterr().err == (
        "Error: Cluster demo runs swarm, which has no kubeconfig.\n       Drop --file.\n"
    )
    assert run("cluster", "config", "demo", "--stdout", "--file", "x") == 2
    assert capsys.readouterr().err == "Error: --stdout and --file exclude each other.\n       Drop one of them.\n"

"""`openstack coe cluster config` with every flag, and `coe ca`."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .coe import Coe
from .conftest import settled
from .test_cluster_commands import create

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(400)]  # the first waits for service and client to start

FLAVORS = ("--flavor", "small", "--master-flavor", "small")
CONFIG = frozenset({"--dir", "--force", "--output-certs", "--use-certificate", "--use-keystone"})


@pytest.fixture(scope="module")
def cluster(ada: Coe, template: str) -> Iterator[Any]:
    yield create(ada, "keys", template)
    ada("cluster", "delete", "keys")


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=20, check=True).stdout


def test_a_kubeconfig(ada: Coe, cluster: Any, tmp_path: Path) -> None:
    assert ada("cluster", "config", "keys", "--dir", str(tmp_path)) == f"export KUBECONFIG={tmp_path}/config\n\n"
    config = yaml.safe_load((tmp_path / "config").read_text())
    [named] = config["clusters"]
    assert (named["name"], named["cluster"]["server"]) == ("keys", cluster["api_address"])
    assert config["current-context"] == "default"
    [user] = config["users"]
    assert user["name"] == "admin"
    for name, data in (("ca", named["cluster"]["certificate-authority-data"]), *user["user"].items()):
        (tmp_path / name).write_bytes(base64.b64decode(data))
    openssl("verify", "-CAfile", str(tmp_path / "ca"), str(tmp_path / "client-certificate-data"))
    said = openssl("x509", "-in", str(tmp_path / "client-certificate-data"), "-noout", "-subject")
    assert said == "subject=CN = admin, O = system:masters\n"
    assert [path.name for path in tmp_path.glob("*.pem")] == []


def test_a_file_that_is_there_is_kept_unless_forced(ada: Coe, cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("mine")
    flags = ["--dir", str(tmp_path), "--use-certificate"]
    assert ada.fails("cluster", "config", "keys", *flags) == f"File {tmp_path}/config exists, aborting."
    assert (tmp_path / "config").read_text() == "mine"
    ada("cluster", "config", "keys", *flags, "--force")
    assert yaml.safe_load((tmp_path / "config").read_text())["kind"] == "Config"


def test_certificates_in_files_of_their_own(ada: Coe, cluster: Any, tmp_path: Path) -> None:
    flags = ["--dir", str(tmp_path), "--output-certs"]
    ada("cluster", "config", "keys", *flags)
    ca, cert, key = (str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key"))
    openssl("verify", "-CAfile", ca, cert)
    assert openssl("x509", "-in", cert, "-noout", "-pubkey") == openssl("rsa", "-in", key, "-pubout")
    assert ada.fails("cluster", "config", "keys", *flags) == f"File {key} exists, aborting."
    ada("cluster", "config", "keys", *flags, "--force")


def test_a_keystone_token_in_place_of_a_certificate(ada: Coe, cluster: Any, tmp_path: Path) -> None:
    ada("cluster", "config", "keys", "--dir", str(tmp_path), "--use-keystone", "--output-certs")
    config = yaml.safe_load((tmp_path / "config").read_text())
    assert config["current-context"] == "openstackuser@kubernetes"
    assert config["users"][0]["user"]["exec"]["command"] == "/bin/bash"
    assert [path.name for path in tmp_path.glob("*.pem")] == ["ca.pem"]


def test_a_template_without_tls(ada: Coe, tmp_path: Path) -> None:
    flags = ["--coe", "kubernetes", "--image", "fake-image", "--external-network", "public", *FLAVORS]
    ada("cluster", "template", "create", "open", *flags, "--tls-disabled")
    create(ada, "open", "open")
    ada("cluster", "config", "open", "--dir", str(tmp_path))
    config = yaml.safe_load((tmp_path / "config").read_text())
    assert set(config["clusters"][0]["cluster"]) == {"server"}
    ada("cluster", "delete", "open")


@pytest.mark.parametrize("coe", ["swarm", "swarm-mode"])
def test_a_swarm(ada: Coe, tmp_path: Path, coe: str) -> None:
    flags = ["--coe", coe, "--image", "fake-image", "--external-network", "public", *FLAVORS]
    ada("cluster", "template", "create", f"t-{coe}", *flags, "--driver", "fake_swarm", "--network-driver", "docker")
    address = create(ada, coe, f"t-{coe}")["api_address"]
    assert str(address).startswith("tcp://")
    assert ada("cluster", "config", coe, "--dir", str(tmp_path), "--output-certs").splitlines()[:3] == [
        f"export DOCKER_HOST={address}",
        f"export DOCKER_CERT_PATH={tmp_path}",
        "export DOCKER_TLS_VERIFY=True",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    openssl("verify", "-CAfile", str(tmp_path / "ca.pem"), str(tmp_path / "cert.pem"))
    ada("cluster", "delete", coe)


def test_only_who_made_the_cluster_gets_certificates(bob: Coe, root: Coe, cluster: Any, tmp_path: Path) -> None:
    assert (
        bob.fails("cluster", "config", "keys", "--dir", str(tmp_path)) == "Cluster keys could not be found (HTTP 404)"
    )
    root("cluster", "show", "keys")  # an administrator sees it, and still gets none
    said = root.fails("cluster", "config", cluster["uuid"], "--dir", str(tmp_path))
    assert said == f"Cluster {cluster['uuid']} could not be found (HTTP 404)"


def test_ca_rotate(ada: Coe, template: str, tmp_path: Path) -> None:
    made = create(ada, "turned", template)
    before = ada("ca", "show", "turned")
    said = ada("ca", "rotate", "turned")
    assert said == f"Request to rotate the CA certificate for cluster {made['uuid']} has been accepted.\n"
    settled(ada, "turned", "UPDATE_COMPLETE")
    after = ada("ca", "show", "turned")
    assert after.startswith("-----BEGIN CERTIFICATE-----")
    assert after != before
    ada("cluster", "config", "turned", "--dir", str(tmp_path), "--output-certs")
    assert (tmp_path / "ca.pem").read_text().strip() == after.strip()
    openssl("verify", "-CAfile", str(tmp_path / "ca.pem"), str(tmp_path / "cert.pem"))
    ada("cluster", "delete", "turned")


def test_ca_show_and_sign(ada: Coe, cluster: Any, tmp_path: Path) -> None:
    ca, key, csr, cert = (tmp_path / name for name in ("ca", "key", "csr", "cert"))
    ca.write_text(ada("ca", "show", "keys"))
    assert openssl("x509", "-in", str(ca), "-noout", "-subject") == "subject=CN = keys, OU = cluster\n"
    subject = ["-subj", "/O=system:masters/CN=eve"]
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(csr), *subject)
    cert.write_text(ada("ca", "sign", "keys", str(csr)))
    openssl("verify", "-CAfile", str(ca), str(cert))
    assert "CN = eve" in openssl("x509", "-in", str(cert), "-noout", "-subject")
    csr.write_text("junk")
    assert ada.fails("ca", "sign", "keys", str(csr)).startswith("Received invalid csr")
    assert ada("ca", "sign", "keys", str(tmp_path / "nope")) == "A CSR must be provided.\n"
    assert ada.fails("ca", "rotate", "nope") == "Cluster nope could not be found (HTTP 404)"
    assert ada.fails("ca", "show", "nope") == "Cluster nope could not be found (HTTP 404)"
    settled(ada, "keys", "CREATE_COMPLETE")

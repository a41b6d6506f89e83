"""The unchanged `openstack coe` commands, as a tenant types them."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import yaml

from .world import SOON_S, Service, run, traces, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]
OPENSTACK = str(Path(sys.executable).with_name("openstack"))


class Client:
    """`openstack` with a clouds.yaml."""

    def __init__(self, clouds: Path, cloud: str = "jeroboam") -> None:
        # `cluster config` of python-magnumclient fails where SHELL is not set, as it is not under every init and CI.
        self.env = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": cloud, "SHELL": "/bin/bash"}

    def __call__(self, *words: str) -> str:
        return run(OPENSTACK, "coe", *words, env=self.env)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-f", "json"))

    def says(self, *words: str) -> str:
        """All that it says, however it ends: python-magnumclient prints some failures and exits with 0."""
        done = subprocess.run(
            [OPENSTACK, "coe", *words],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr


def test_a_kubernetes_cluster_from_template_to_delete(
    service: Service, node_image: str, kubectl_program: str, tmp_path: Path
) -> None:
    coe = Client(service.folder / "clouds.yaml")
    flags = ["--coe", "kubernetes", "--image", node_image, "--external-network", "public"]
    flags += ["--flavor", "m1.medium", "--master-flavor", "m1.medium", "--network-driver", "flannel"]
    assert "Request to create cluster template k8s-osc accepted" in coe(
        "cluster", "template", "create", "k8s-osc", *flags
    )
    template = coe.json("cluster", "template", "show", "k8s-osc")
    assert (template["coe"], template["image_id"], template["cluster_distro"]) == ("kubernetes", node_image, "debian")
    assert "k8s-osc" in {row["name"] for row in coe.json("cluster", "template", "list")}

    said = coe("cluster", "create", "osc", "--cluster-template", "k8s-osc", "--node-count", "1", "--timeout", "10")
    assert "Request to create cluster" in said
    uuid = said.split()[4]
    try:
        shown = until(lambda: _complete(coe), 240, "CREATE_COMPLETE", every_s=1)
        assert (shown["node_count"], shown["master_count"], shown["coe_version"]) == (1, 1, node_image.split(":")[1])
        assert shown["api_address"].startswith("https://127.0.0.1:")
        assert "osc" in {row["name"] for row in coe.json("cluster", "list")}

        coe("cluster", "config", "osc", "--dir", str(tmp_path))
        nodes = json.loads(run(kubectl_program, f"--kubeconfig={tmp_path}/config", "get", "nodes", "-o", "json"))
        assert len(nodes["items"]) == 2

        groups = {row["name"]: row for row in coe.json("nodegroup", "list", "osc")}
        assert {name: row["node_count"] for name, row in groups.items()} == {"default-master": 1, "default-worker": 1}
        assert coe.json("nodegroup", "show", "osc", "default-worker")["is_default"] is True
        assert "BEGIN CERTIFICATE" in coe("ca", "show", "osc")
        _sign(coe, tmp_path, shown["api_address"])
        assert "clusters" in coe("stats", "list", "admin")
        [conductor] = coe.json("service", "list")
        assert (conductor["binary"], conductor["state"]) == ("magnum-conductor", "up")
        assert "is referenced by one or multiple clusters" in coe.says("cluster", "template", "delete", "k8s-osc")
    finally:
        coe("cluster", "delete", "osc")
        until(lambda: service.status(uuid) == "GONE", 120, "the cluster is gone")
    assert traces(uuid) == []
    coe("cluster", "template", "delete", "k8s-osc")
    assert "k8s-osc" not in coe("cluster", "template", "list")


def _complete(coe: Client) -> Any:
    shown = coe.json("cluster", "show", "osc")
    assert shown["status"] in ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"), shown
    return shown if shown["status"] == "CREATE_COMPLETE" else None


def _sign(coe: Client, folder: Path, address: str) -> None:
    """A certificate request made by openssl, signed by `coe ca sign`, lets its holder in."""
    key, csr, cert, ca = (str(folder / name) for name in ("k.pem", "c.csr", "c.pem", "ca.pem"))
    subject = ["-subj", "/O=system:masters/CN=eve"]
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", csr, *subject)
    Path(cert).write_text(coe("ca", "sign", "osc", csr))
    Path(ca).write_text(coe("ca", "show", "osc"))
    assert "CN = eve" in run("openssl", "x509", "-in", cert, "-noout", "-subject")
    run("openssl", "verify", "-CAfile", ca, cert)
    trust = ssl.create_default_context(cafile=ca)
    trust.load_cert_chain(cert, key)
    answer = httpx.get(f"{address}/readyz", verify=trust, timeout=10, trust_env=False)
    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Service]:
    """`jeroboam serve` with identity basic and fake machines; users ada (member) and bob (another project)."""
    service = Service(tmp_path / "data")
    users = tmp_path / "users"
    lines = [
        f"{user}:{bcrypt.hashpw(user.encode() * 3, bcrypt.gensalt(4)).decode()}:{project}:member,reader"
        for user, project in (("ada", "blue"), ("bob", "green"))
    ]
    users.write_text("\n".join(lines) + "\n")
    users.chmod(0o600)
    config = tmp_path / "jeroboam.conf"
    config.write_text(
        f"[api]\nhost = 127.0.0.1\nport = {service.port}\n"
        f"[database]\nconnection = sqlite:///{service.folder}/jeroboam.sqlite\n"
        f"[identity]\nmode = basic\nfile = {users}\n[provider]\ndefault = fake\n"
    )
    service.argv = ["serve", "--config", str(config)]
    service.start()
    yield service
    service.stop()


def test_passwords_tell_projects_apart(guarded: Service, tmp_path: Path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {who: _cloud(guarded, who, who * 3) for who in ("ada", "bob")}}))
    ada, bob = Client(clouds, "ada"), Client(clouds, "bob")
    flags = ["--coe", "kubernetes", "--image", "fake-image", "--external-network", "public", "--flavor", "small"]
    ada("cluster", "template", "create", "mine", *flags, "--master-flavor", "small")
    ada("cluster", "create", "demo", "--cluster-template", "mine", "--node-count", "2")
    until(lambda: ada.json("cluster", "show", "demo")["status"] == "CREATE_COMPLETE", SOON_S, "CREATE_COMPLETE")
    assert bob.json("cluster", "list") == []
    assert "Cluster demo could not be found" in bob.says("cluster", "show", "demo")
    ada("cluster", "delete", "demo")
    until(lambda: ada.json("cluster", "list") == [], SOON_S, "the cluster is gone")

    clouds.write_text(yaml.safe_dump({"clouds": {"ada": _cloud(guarded, "ada", "wrong")}}))
    assert "Unauthorized (HTTP 401)" in ada.says("cluster", "list")
    assert "wrong" not in guarded.log


def _cloud(service: Service, user: str, password: str) -> dict[str, Any]:
    return {
        "auth_type": "http_basic",
        "auth": {"endpoint": f"{service.url}/v1", "username": user, "password": password},
        "container_infra_endpoint_override": f"{service.url}/v1",
    }

"""`jeroboam serve` in identity mode keystone, as clients meet it: the unchanged openstack command, and the bare answers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.keystone import Keystone

pytestmark = [pytest.mark.sockets, pytest.mark.timeout(300)]


@dataclass
class Cloud:
    """A service, the Keystone beside it, and a home without any other cloud."""

    url: str
    keystone: Keystone
    home: Path
    log: Path

    def openstack(self, env: dict[str, str], *words: str) -> str:
        program = str(Path(sys.executable).with_name("openstack"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        done = subprocess.run(
            [program, *words],
            env={**clean, "HOME": str(self.home), "OS_AUTH_URL": self.keystone.url, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, method: str, path: str, token: str = "", json: object = None) -> httpx.Response:
        headers = {"X-Auth-Token": token} if token else {}
        return httpx.request(method, self.url + path, headers=headers, json=json, timeout=20, trust_env=False)


@pytest.fixture
def cloud(keystone: Keystone, tmp_path: Path) -> Iterator[Cloud]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    keystone.offer("container-infra", dict.fromkeys(("public", "internal", "admin"), url + "/v1"))
    keystone.realm.add_user("jeroboam", "pass-jeroboam", "service", "admin")
    config = tmp_path / "jeroboam.conf"
    config.write_text(
        f"[api]\nport = {port}\n[database]\nconnection = sqlite:///{tmp_path}/data/j.sqlite\n[provider]\ndefault = fake\n"
        f"[identity]\nmode = keystone\n[keystone_authtoken]\nauth_url = {keystone.url}\nusername = jeroboam\n"
        "password = pass-jeroboam\nproject_name = service\nuser_domain_name = Default\nproject_domain_name = Default\n"
        "www_authenticate_uri = https://keystone.example:5000\nhttp_connect_timeout = 2\n"
    )
    log = tmp_path / "log"
    argv = [sys.executable, "-m", "jeroboam", "serve", "--config", str(config)]
    with log.open("wb") as out, subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT) as served:
        try:
            _wait(url, served, log)
            yield Cloud(url, keystone, tmp_path, log)
        finally:
            served.send_signal(signal.SIGTERM)
            assert served.wait(20) == 0
    said = log.read_text()
    assert "pass-jeroboam" not in said
    assert "gAAAA" not in said


def _wait(url: str, served: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + 60
    while True:
        assert served.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        try:
            if httpx.get(url + "/healthcheck", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)


def test_the_openstack_command_with_a_password_and_with_an_application_credential(cloud: Cloud) -> None:
    password = {
        "OS_USERNAME": "ada",
        "OS_PASSWORD": "pass-ada",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_NAME": "blue",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_IDENTITY_API_VERSION": "3",
    }
    flags = ("--coe", "kubernetes", "--image", "fake-image", "--external-network", "public")
    made = cloud.openstack(password, "coe", "cluster", "template", "create", "k8s", *flags)
    assert "Request to create cluster template k8s accepted" in made
    ada = cloud.keystone.realm.named("users", "ada")
    credential = cloud.keystone.realm.add_credential(ada["id"], ada["default_project_id"], "robot")
    robot = {
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": credential["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": credential["secret"],
    }
    assert "accepted" in cloud.openstack(robot, "coe", "cluster", "create", "one", "--cluster-template", "k8s")
    shown = cloud.openstack(password, "coe", "cluster", "list", "-f", "value", "-c", "name")
    assert shown == "one"
    assert (
        cloud.openstack(robot, "coe", "cluster", "delete", "one") == "Request to delete cluster one has been accepted."
    )
    assert cloud.keystone.mood.validations <= 5


def test_answers_without_a_token_and_without_keystone(cloud: Cloud) -> None:
    refused = cloud.call("GET", "/v1/clusters")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Keystone uri="https://keystone.example:5000"'
    message = "The request you have made requires authentication."
    assert refused.json() == {"error": {"code": 401, "title": "Unauthorized", "message": message}}
    known, other = (cloud.keystone.token("ada", "pass-ada", "blue") for _ in range(2))
    assert cloud.call("GET", "/v1/clusters", known).json() == {"clusters": []}
    assert cloud.call("GET", "/v1/mservices", known).status_code == 403
    assert cloud.call("GET", "/v1/clusters", cloud.keystone.token("ada", "pass-ada")).status_code == 403
    cloud.keystone.go_away()
    assert cloud.call("GET", "/v1/clusters", known).status_code == 200
    away = cloud.call("GET", "/v1/clusters", other)
    assert (away.status_code, away.text) == (503, "The Keystone service is temporarily unavailable.")
    assert away.headers["Content-Type"].startswith("text/plain")
    assert away.headers["Retry-After"] == "5"
    assert cloud.call("GET", "/healthcheck").status_code == 200


def test_a_quota_is_of_a_project_that_keystone_knows(cloud: Cloud) -> None:
    admin = cloud.keystone.token("admin", "secret", "admin")
    blue = cloud.keystone.realm.named("projects", "blue")["id"]
    body = {"resource": "Cluster", "hard_limit": 3}
    unknown = cloud.call("POST", "/v1/quotas", admin, {**body, "project_id": "purple"})
    assert unknown.status_code == 404
    assert unknown.json()["errors"][0]["detail"] == "The project_id purple could not be found."
    assert cloud.call("POST", "/v1/quotas", admin, {**body, "project_id": blue}).status_code == 201

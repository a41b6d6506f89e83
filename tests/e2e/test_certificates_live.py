"""Certificates of the API as `openssl` and a real cluster see them, and who may have one."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import yaml

from .world import PROGRAM, SOON_S, Service, run, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(900)]
USERS = {"ada": ("blue", "member,reader"), "mate": ("blue", "member,reader"), "eve": ("green", "member,reader")}
USERS["boss"] = ("hall", "admin")
ZERO_NODES = {"OpenStack-API-Version": "container-infra 1.10"}


@pytest.fixture(scope="module")
def ada(node_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with passwords, asked by ada of project blue."""
    folder = tmp_path_factory.mktemp("certificates")
    users = folder / "users"
    users.touch(0o600)
    hashed = {user: bcrypt.hashpw(user.encode() * 3, bcrypt.gensalt(4)).decode() for user in USERS}
    users.write_text("".join(f"{user}:{hashed[user]}:{':'.join(USERS[user])}\n" for user in USERS))
    env = {"JEROBOAM_IDENTITY__MODE": "basic", "JEROBOAM_IDENTITY__FILE": str(users)}
    service = Service(folder / "data", env=env, auth=("ada", "ada" * 3))
    service.start()
    yield service
    service.stop()


def as_(service: Service, user: str) -> Service:
    """The same service, asked by somebody else."""
    return replace(service, auth=(user, user * 3))


@pytest.fixture(scope="module")
def live(ada: Service, node_image: str) -> Iterator[str]:
    """A cluster of ada's: one control plane, no workers."""
    uuid = ask_cluster(ada, ada.template("k8s", node_image), "mine")
    try:
        ada.settle(uuid, "CREATE_COMPLETE", within_s=600)
        yield uuid
    finally:
        ada.remove(uuid)


def ask_cluster(service: Service, template: str, name: str) -> str:
    body = {"name": name, "cluster_template_id": template, "node_count": 0}
    answer = service.api("POST", "/v1/clusters", json=body, headers=ZERO_NODES)
    assert answer.status_code == 202, answer.text
    service.asked.append(str(answer.json()["uuid"]))
    return service.asked[-1]


@dataclass(frozen=True)
class Papers:
    """A key and a request that openssl made, and what the API gave for it."""

    key: Path
    request: Path
    cert: Path
    ca: Path

    @classmethod
    def made(cls, folder: Path, subject: str, *more: str) -> "Papers":
        papers = cls(*(folder / f"{name}.pem" for name in ("key", "request", "cert", "ca")))
        words = ["-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", str(papers.key)]
        run("openssl", "req", "-new", *words, "-out", str(papers.request), *more)
        return papers

    def signed(self, service: Service, cluster: str, kind: str = "kubernetes") -> "Papers":
        answer = self.asked(service, cluster, kind)
        assert answer.status_code == 201, answer.text
        self.cert.write_text(answer.json()["pem"])
        shown = service.api("GET", f"/v1/certificates/{cluster}?ca_cert_type={kind}")
        assert shown.status_code == 200, shown.text
        self.ca.write_text(shown.json()["pem"])
        return self

    def asked(self, service: Service, cluster: str, kind: str = "kubernetes") -> Any:
        body = {"cluster_uuid": cluster, "csr": self.request.read_text(), "ca_cert_type": kind}
        return service.api("POST", "/v1/certificates", json=body)

    def text(self, *words: str) -> str:
        return run("openssl", "x509", "-in", str(self.cert), "-noout", *words)


def kubectl(program: str, server: str, ca: Path, papers: Papers, *words: str) -> "subprocess.CompletedProcess[str]":
    """kubectl with these papers and nothing else, however it ends."""
    who = [f"--client-certificate={papers.cert}", f"--client-key={papers.key}"]
    where = ["--kubeconfig=/dev/null", f"--server={server}", f"--certificate-authority={ca}", "--request-timeout=10s"]
    argv = [program, *where, *who, *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def address(service: Service, cluster: str) -> str:
    return str(service.api("GET", f"/v1/clusters/{cluster}").json()["api_address"])


USER = ("auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}")


def test_openssl_reads_what_was_signed_and_kubectl_gets_in_with_it(
    ada: Service, live: str, kubectl_program: str, tmp_path: Path
) -> None:
    usage = ("-addext", "extendedKeyUsage=clientAuth", "-addext", "basicConstraints=CA:TRUE")
    papers = Papers.made(tmp_path, "/O=system:masters/CN=ada", *usage).signed(ada, live)
    assert run("openssl", "verify", "-CAfile", str(papers.ca), "-purpose", "sslclient", str(papers.cert)) == (
        f"{papers.cert}: OK"
    )
    assert papers.text("-subject", "-issuer") == "subject=O = system:masters, CN = ada\nissuer=CN = mine, OU = cluster"
    text = papers.text("-text")
    assert "TLS Web Client Authentication" in text
    assert ("CA:FALSE" in text, "CA:TRUE" in text) == (True, False)
    purposes = papers.text("-purpose").splitlines()
    assert {"SSL client : Yes", "SSL server : No", "SSL client CA : No", "SSL server CA : No"} <= set(purposes)
    shown = kubectl(kubectl_program, address(ada, live), papers.ca, papers, *USER)
    assert (shown.returncode, shown.stdout) == (0, 'ada ["system:masters","system:authenticated"]'), shown.stderr
    nodes = kubectl(kubectl_program, address(ada, live), papers.ca, papers, "get", "nodes", "-o", "name")
    assert (nodes.returncode, len(nodes.stdout.split())) == (0, 1), nodes.stderr


def test_a_subject_without_rights_is_known_and_may_do_nothing(
    ada: Service, live: str, kubectl_program: str, tmp_path: Path
) -> None:
    papers = Papers.made(tmp_path, "/O=guests/CN=grace").signed(ada, live)
    server = address(ada, live)
    assert (
        kubectl(kubectl_program, server, papers.ca, papers, *USER).stdout == 'grace ["guests","system:authenticated"]'
    )
    refused = kubectl(kubectl_program, server, papers.ca, papers, "get", "nodes")
    assert refused.returncode == 1
    assert 'nodes is forbidden: User "grace" cannot list resource "nodes"' in refused.stderr


def test_a_certificate_of_another_cluster_or_authority_is_refused(
    ada: Service, live: str, kubectl_program: str, tmp_path: Path
) -> None:
    template = ada.api("GET", f"/v1/clusters/{live}").json()["cluster_template_id"]
    other = ask_cluster(ada, template, "mine-too")
    try:
        until(lambda: ada.api("GET", f"/v1/certificates/{other}").status_code == 200, SOON_S, "its keys are made")
        for name, cluster, kind in (("other", other, "kubernetes"), ("etcd", live, "etcd")):
            (tmp_path / name).mkdir()
            papers = Papers.made(tmp_path / name, "/O=system:masters/CN=ada").signed(ada, cluster, kind)
            ours = tmp_path / "ca.pem"
            ours.write_text(ada.api("GET", f"/v1/certificates/{live}").json()["pem"])
            argv = ["openssl", "verify", "-CAfile", str(ours), str(papers.cert)]
            assert subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 2
            refused = kubectl(kubectl_program, address(ada, live), ours, papers, "get", "nodes")
            assert refused.returncode == 1
            assert "You must be logged in to the server" in refused.stderr
    finally:
        ada.remove(other)


def test_a_mate_and_a_stranger_get_none_and_see_none(ada: Service, live: str, tmp_path: Path) -> None:
    papers = Papers.made(tmp_path, "/O=system:masters/CN=admin")
    record = f"/ext/v1/clusters/{live}/certificates"
    before = ada.api("GET", record).json()["certificates"]
    mate, eve = as_(ada, "mate"), as_(ada, "eve")
    assert mate.api("GET", f"/v1/clusters/{live}").status_code == 200  # the project's clusters he sees
    assert (papers.asked(mate, live).status_code, mate.api("GET", record).status_code) == (403, 403)
    refused = papers.asked(eve, live)
    assert refused.status_code == 400  # Magnum's answer for a cluster that is none; it names nothing more
    assert refused.json()["errors"][0]["detail"] == f"Cluster {live} could not be found."
    assert [eve.api("GET", place).status_code for place in (record, f"/v1/certificates/{live}")] == [404, 404]
    assert papers.asked(replace(ada, auth=("ada", "guess")), live).status_code == 401
    assert ada.api("GET", record).json()["certificates"] == before


def test_owner_and_administrator_see_who_was_given_what(ada: Service, live: str, tmp_path: Path) -> None:
    papers = Papers.made(tmp_path, "/O=auditors/CN=lin").signed(ada, live)
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {user: cloud(ada, user) for user in USERS}}))
    argv = [*PROGRAM, "cluster", "certificates", live, "--os-cloud"]
    env = {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    line = run(*argv, "ada", env=env).splitlines()[-1]
    assert line.split()[:4] == ["CN=lin,O=auditors", "kubernetes", "-", "ada"]
    record = f"/ext/v1/clusters/{live}/certificates"
    listed = as_(ada, "boss").api("GET", record).json()["certificates"]
    assert listed == ada.api("GET", record).json()["certificates"]
    newest = listed[-1]
    assert f"serial={int(newest['serial']):X}" == papers.text("-serial").replace("serial=0", "serial=")
    ends = papers.text("-enddate", "-dateopt", "iso_8601").removeprefix("notAfter=")
    assert newest["not_after"][:19].replace("T", " ") + "Z" == ends
    assert (newest["subject"], newest["user_id"], newest["project_id"]) == ("CN=lin,O=auditors", "ada", "blue")


def cloud(service: Service, user: str) -> dict[str, Any]:
    auth = {"endpoint": service.url, "username": user, "password": user * 3}
    return {"auth_type": "http_basic", "auth": auth}

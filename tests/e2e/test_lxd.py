"""A real LXD cluster: seen by the lxc client, its system containers across members, its members coming and going."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jeroboam import pki
from jeroboam.contracts import Access, Driver, Machine
from jeroboam.domain import Secret
from jeroboam.drivers.lxd import LxdDriver
from jeroboam.testing.driver_suite import LiveDriverSuite

from .world import PROGRAM, SOON_S, Service, containers, machines, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
WORKERS = 3  # joining side by side


@dataclass(frozen=True)
class Lxd:
    """A live LXD cluster and the lxc client's way to it; the client is the one in the node image."""

    uuid: str
    folder: Path
    image: str

    def lxc(self, *words: str, check: bool = True) -> str:
        mount = ["--network=host", "-v", f"{self.folder}:/conf", "-e", "LXD_CONF=/conf"]
        done = subprocess.run(
            ["docker", "run", "--rm", *mount, self.image, "lxc", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def members(self) -> dict[str, str]:
        """Status by name."""
        found = json.loads(self.lxc("cluster", "list", "--format", "json"))
        return {one["server_name"]: one["status"] for one in found}

    def instances(self) -> dict[str, Any]:
        return {one["name"]: one for one in json.loads(self.lxc("list", "--format", "json"))}

    def address(self, name: str) -> str:
        """Its IPv4 address, or "" while it has none."""
        network = ((self.instances()[name]["state"] or {}).get("network") or {}).get("eth0") or {}
        return next((str(one["address"]) for one in network.get("addresses", []) if one["family"] == "inet"), "")


@contextmanager
def live_lxd(service: Service, template: str, image: str, home: Path, *, workers: int) -> Iterator[Lxd]:
    """A cluster named shared-lxd, entered; gone afterwards."""
    uuid = service.ask_cluster(template, "shared-lxd", node_count=workers)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        run(*PROGRAM, "cluster", "config", uuid, env={"JEROBOAM_URL": service.url, "XDG_CONFIG_HOME": str(home)})
        yield Lxd(uuid, home / "jeroboam" / "lxc" / "shared-lxd", image)
    finally:
        service.remove(uuid)


@pytest.fixture(scope="module")
def lxd(light_service: Service, lxd_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lxd]:
    template = light_service.template("lxd", lxd_image, coe="lxd")
    with live_lxd(light_service, template, lxd_image, tmp_path_factory.mktemp("lxc"), workers=WORKERS) as made:
        yield made


def test_the_lxc_client_sees_every_member(lxd: Lxd, light_service: Service) -> None:
    assert lxd.members() == dict.fromkeys(containers(lxd.uuid), "Online")
    assert len(lxd.members()) == 1 + WORKERS
    shown = light_service.api("GET", f"/v1/clusters/{lxd.uuid}").json()
    assert shown["coe_version"] == f"v{json.loads(lxd.lxc('query', '/1.0'))['environment']['server_version']}"
    assert {path.stat().st_mode & 0o777 for path in lxd.folder.glob("client.*")} == {0o600}


def test_unprivileged_containers_on_two_members_reach_each_other_and_move_when_a_member_goes(
    lxd: Lxd, light_service: Service
) -> None:
    workers = containers(lxd.uuid, "worker")
    for number, member in ((0, workers[0]), (1, workers[-1])):
        lxd.lxc("launch", "-q", "small", f"c{number}", "--target", member, "-c", f"environment.NODE_NAME={member}")
    try:
        there = until(lambda: lxd.address("c1"), SOON_S, "c1 has an address")
        until(lambda: lxd.address("c0"), SOON_S, "c0 has an address")
        ask = ["exec", "c0", "--", "hello", "get", f"http://{there}:8080"]
        answer = json.loads(until(lambda: lxd.lxc(*ask, check=False), SOON_S, "c1 answers c0"))
        assert (answer["host"], answer["node"]) == ("c1", workers[-1])
        assert lxd.lxc("exec", "c0", "--", "cat", "/proc/1/uid_map").split() == ["0", "1000000", "65536"]
        assert lxd.lxc("exec", "c0", "--", "id", "-u").strip() == "0"

        headers = {"OpenStack-API-Version": "container-infra latest"}
        wish = {"node_count": WORKERS - 1, "nodes_to_remove": [workers[-1]]}
        path = f"/v1/clusters/{lxd.uuid}/actions/resize"
        assert light_service.api("POST", path, json=wish, headers=headers).status_code == 202
        light_service.settle(lxd.uuid, "UPDATE_COMPLETE")
        assert workers[-1] not in lxd.members()
        assert lxd.members() == dict.fromkeys(containers(lxd.uuid), "Online")
        moved = lxd.instances()["c1"]
        assert moved["location"] in lxd.members()
        assert moved["status"] == "Running"
    finally:
        lxd.lxc("delete", "-f", "c0", "c1", check=False)


def test_a_certificate_of_another_authority_is_not_trusted(lxd: Lxd, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    foreign = pki.new_authority("shared-lxd", "cluster", now)
    cert, key = pki.client_certificate(foreign, "admin", ["system:masters"], now, timedelta(hours=1))
    for name in ("config.yml", "client.ca"):
        (tmp_path / name).write_bytes((lxd.folder / name).read_bytes())
    (tmp_path / "client.crt").write_bytes(cert)
    (tmp_path / "client.key").write_bytes(key.reveal())
    stranger = Lxd(lxd.uuid, tmp_path, lxd.image)
    assert stranger.lxc("cluster", "list", "--format", "json", check=False) == ""


@pytest.mark.conformance(driver="lxd", provider="docker", nodes="real cluster")
class TestLiveLxd(LiveDriverSuite):
    """The live half of the drivers' suite."""

    @pytest.fixture
    def driver(self) -> Driver:
        return LxdDriver()

    @pytest.fixture
    def access(self, lxd: Lxd, light_service: Service) -> Access:
        address = light_service.api("GET", f"/v1/clusters/{lxd.uuid}").json()["api_address"]
        ca, cert, key = ((lxd.folder / f"client.{part}").read_bytes() for part in ("ca", "crt", "key"))
        return Access(address, ca, cert, Secret(key))

    @pytest.fixture
    async def machines(self, lxd: Lxd) -> list[Machine]:
        return await machines(lxd.uuid)

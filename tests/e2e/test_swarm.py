"""A real swarm of one manager and two workers: seen by the docker client, its services across nodes, its nodes coming and going."""

import json
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
from jeroboam.drivers.swarm import SwarmDriver
from jeroboam.testing.driver_suite import LiveDriverSuite, LiveRenewalSuite

from .test_openstack_client import Client
from .world import PROGRAM, SOON_S, Service, containers, machines, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
HELLO = "jeroboam.local/hello:1"
CALLS = 24


@dataclass(frozen=True)
class Swarm:
    """A live swarm and the docker client's way to it."""

    uuid: str
    config: Path

    def docker(self, *words: str, check: bool = True) -> str:
        return run("docker", "--context", "shared-swarm", *words, env={"DOCKER_CONFIG": str(self.config)}, check=check)

    def nodes(self) -> dict[str, Any]:
        """Members by host name."""
        said = self.docker("node", "inspect", *self.docker("node", "ls", "-q").split())
        return {node["Description"]["Hostname"]: node for node in json.loads(said)}

    def pem(self, name: str) -> bytes:
        return next(self.config.glob(f"contexts/tls/*/docker/{name}.pem")).read_bytes()

    def running_on(self, service: str) -> list[str]:
        """The node of each running task."""
        said = self.docker("service", "ps", service, "--filter", "desired-state=running", "--format", "{{json .}}")
        tasks = [json.loads(line) for line in said.splitlines()]
        return sorted(task["Node"] for task in tasks if task["CurrentState"].startswith("Running"))


@contextmanager
def live_swarm(service: Service, template: str, config: Path, **wish: int) -> Iterator[Swarm]:
    """A swarm named shared-swarm, entered; gone afterwards."""
    uuid = service.ask_cluster(template, "shared-swarm", **wish)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        run(*PROGRAM, "cluster", "config", uuid, env={"JEROBOAM_URL": service.url, "DOCKER_CONFIG": str(config)})
        yield Swarm(uuid, config)
    finally:
        service.remove(uuid)


@pytest.fixture(scope="module")
def swarm(light_service: Service, swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    template = light_service.template("swarm", swarm_image, coe="swarm")
    with live_swarm(light_service, template, tmp_path_factory.mktemp("docker-config"), node_count=2) as made:
        yield made


def test_the_docker_client_sees_the_nodes_of_the_cluster(swarm: Swarm, light_service: Service) -> None:
    found = swarm.nodes()
    assert sorted(found) == containers(swarm.uuid)
    managers = [name for name, node in found.items() if node["Spec"]["Role"] == "manager"]
    assert managers == containers(swarm.uuid, "control-plane")
    assert {node["Status"]["State"] for node in found.values()} == {"ready"}
    groups = {name: node["Spec"]["Labels"]["jeroboam.group"] for name, node in found.items()}
    assert set(groups.values()) == {"default-master", "default-worker"}
    shown = light_service.api("GET", f"/v1/clusters/{swarm.uuid}").json()
    assert shown["api_address"].startswith("tcp://127.0.0.1:")
    engine = found[managers[0]]["Description"]["Engine"]["EngineVersion"]
    assert shown["coe_version"] == f"v{engine.partition('+')[0]}"


def test_a_service_runs_on_both_workers_and_answers_by_name_across_nodes(swarm: Swarm) -> None:
    swarm.docker("network", "create", "-d", "overlay", "--attachable", "front")
    try:
        placed = ["--network", "front", "--endpoint-mode", "dnsrr", "--constraint", "node.role==worker"]
        named = ["--env", "NODE_NAME={{.Node.Hostname}}", "--name", "hello", "--replicas", "4"]
        swarm.docker("service", "create", "-d", "--no-resolve-image", *named, *placed, HELLO, "serve")
        until(lambda: len(swarm.running_on("hello")) == 4, SOON_S, "four tasks run")
        workers = set(containers(swarm.uuid, "worker"))
        assert set(swarm.running_on("hello")) == workers
        calls = ["get", "http://hello:8080", "-times", str(CALLS)]
        # Names of tasks travel from node to node by gossip.
        until(
            lambda: _answering(swarm, calls) == workers, SOON_S, "every call is answered, and each worker answers some"
        )
    finally:
        swarm.docker("service", "rm", "hello", check=False)
        until(lambda: not _tasks(swarm, "hello"), SOON_S, "its tasks are gone")
        until(lambda: "front" not in _network_rm(swarm), SOON_S, "the network is gone")


def _answering(swarm: Swarm, words: list[str]) -> set[str]:
    """The nodes whose tasks answered, if every call was answered."""
    said = swarm.docker("run", "--rm", "--network", "front", HELLO, *words, check=False)
    answers = [json.loads(line) for line in said.splitlines()]
    return {str(answer["node"]) for answer in answers} if len(answers) == CALLS else set()


def _tasks(swarm: Swarm, service: str) -> str:
    return swarm.docker("service", "ps", "-q", service, check=False)


def _network_rm(swarm: Swarm) -> str:
    swarm.docker("network", "rm", "front", check=False)
    return swarm.docker("network", "ls", "--format", "{{.Name}}")


def test_a_resize_drains_first_and_a_new_worker_joins(swarm: Swarm, light_service: Service) -> None:
    swarm.docker("service", "create", "-d", "--no-resolve-image", "--name", "stays", "--replicas", "2", HELLO, "sleep")
    try:
        until(lambda: len(swarm.running_on("stays")) == 2, SOON_S, "two tasks run")
        _resize(light_service, swarm, 1)
        left = containers(swarm.uuid)
        assert len(left) == 2
        assert sorted(swarm.nodes()) == left
        until(lambda: len(swarm.running_on("stays")) == 2, SOON_S, "both tasks run elsewhere")
        assert set(swarm.running_on("stays")) <= set(left)
        _resize(light_service, swarm, 2)
        assert sorted(swarm.nodes()) == containers(swarm.uuid)
        assert len(containers(swarm.uuid)) == 3
    finally:
        swarm.docker("service", "rm", "stays", check=False)


def _resize(service: Service, swarm: Swarm, workers: int) -> None:
    headers = {"OpenStack-API-Version": "container-infra latest"}
    body = {"node_count": workers}
    answer = service.api("POST", f"/v1/clusters/{swarm.uuid}/actions/resize", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    service.settle(swarm.uuid, "UPDATE_COMPLETE")


def test_a_worker_gets_a_workers_token_and_a_stranger_none(swarm: Swarm) -> None:
    manager, worker = containers(swarm.uuid, "control-plane")[0], containers(swarm.uuid, "worker")[0]
    address = run("docker", "inspect", "-f", '{{index .Config.Labels "jeroboam.address"}}', manager)
    tls = "cafile=/etc/jeroboam/join/ca.pem,verify=1,commonname=manager"
    own = f"{tls},cert=/etc/jeroboam/join/cert.pem,key=/etc/jeroboam/join/key.pem"

    def ask(options: str) -> str:
        words = ["socat", "-T5", "-", f"OPENSSL:{address}:2378,{options}"]
        return run("docker", "exec", worker, *words, check=False)

    assert ask(own) == swarm.docker("swarm", "join-token", "-q", "worker")
    assert ask(tls) == ""


def test_a_certificate_of_another_authority_is_refused(swarm: Swarm, tmp_path: Path, light_service: Service) -> None:
    now = datetime.now(UTC)
    foreign = pki.new_authority("shared-swarm", "cluster", now)
    cert, key = pki.client_certificate(foreign, "admin", ["system:masters"], now, timedelta(hours=1))
    for name, content in (("ca", swarm.pem("ca")), ("cert", cert), ("key", key.reveal())):
        (tmp_path / f"{name}.pem").write_bytes(content)
    address = light_service.api("GET", f"/v1/clusters/{swarm.uuid}").json()["api_address"]
    env = {"DOCKER_HOST": address, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    assert run("docker", "node", "ls", env=env, check=False) == ""
    (tmp_path / "cert.pem").write_bytes(swarm.pem("cert"))
    (tmp_path / "key.pem").write_bytes(swarm.pem("key"))
    assert "Leader" in run("docker", "node", "ls", env=env)


def test_the_unchanged_client_leads_docker_to_the_swarm(swarm: Swarm, light_service: Service, tmp_path: Path) -> None:
    coe = Client(light_service.folder / "clouds.yaml")
    said = coe("cluster", "config", "shared-swarm", "--dir", str(tmp_path), "--output-certs")
    exports = dict(line.removeprefix("export ").split("=", 1) for line in said.splitlines() if "=" in line)
    assert exports["DOCKER_HOST"].startswith("tcp://127.0.0.1:")
    assert sorted(path.name for path in tmp_path.glob("*.pem")) == ["ca.pem", "cert.pem", "key.pem"]
    env = {**exports, "DOCKER_CERT_PATH": str(tmp_path), "DOCKER_TLS_VERIFY": "1"}
    assert containers(swarm.uuid, "control-plane")[0] in run("docker", "node", "ls", env=env)


@pytest.mark.conformance(driver="swarm", provider="docker", nodes="real cluster")
class TestLiveSwarm(LiveDriverSuite, LiveRenewalSuite):
    """The live half of the drivers' suite."""

    @pytest.fixture
    def driver(self) -> Driver:
        return SwarmDriver()

    @pytest.fixture
    def access(self, swarm: Swarm, light_service: Service) -> Access:
        address = light_service.api("GET", f"/v1/clusters/{swarm.uuid}").json()["api_address"]
        return Access(address, swarm.pem("ca"), swarm.pem("cert"), Secret(swarm.pem("key")))

    @pytest.fixture
    async def machines(self, swarm: Swarm) -> list[Machine]:
        return await machines(swarm.uuid)

"""Three managers: the API and the services go on while one of them, the leader, is dead; asked for again, it comes back."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .polling import Polling
from .swarm_use import User
from .test_swarm import HELLO, Swarm, live_swarm
from .world import SOON_S, Service, containers, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(600)]
WATCHED_S = 30
OUTAGE_S = 60  # raft wants 10 to 20 s for another leader when the old one is silent


@pytest.fixture(scope="module")
def managers(light_service: Service, swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    template = light_service.template("swarm-ha", swarm_image, coe="swarm", master_lb_enabled=True)
    config = tmp_path_factory.mktemp("docker-config")
    with live_swarm(light_service, template, config, node_count=1, master_count=3) as made:
        yield made


def manager_states(swarm: Swarm) -> dict[str, Any]:
    return {name: node["ManagerStatus"] for name, node in swarm.nodes().items() if node["Spec"]["Role"] == "manager"}


def test_services_answer_and_the_api_comes_back_while_the_leader_is_dead(
    managers: Swarm, light_service: Service
) -> None:
    before = manager_states(managers)
    assert sorted(before) == containers(managers.uuid, "control-plane")
    assert len(before) == 3
    managers.docker("network", "create", "-d", "overlay", "--attachable", "front")
    placed = ["--network", "front", "--endpoint-mode", "dnsrr", "--constraint", "node.role==worker"]
    managers.docker("service", "create", "-d", "--no-resolve-image", "--name", "hello", *placed, HELLO, "serve")
    until(lambda: len(managers.running_on("hello")) == 1, SOON_S, "the service runs")
    [worker] = containers(managers.uuid, "worker")
    task = until(lambda: run("docker", "exec", worker, "docker", "ps", "-q"), SOON_S, "its container is there")
    ask = ["docker", "exec", worker, "docker", "exec", task, "/hello", "get", "http://hello:8080"]
    until(lambda: run(*ask, check=False), SOON_S, "it answers")

    leader = next(name for name, status in before.items() if status.get("Leader"))
    user = User(light_service, managers)
    user.nodes()
    with Polling(user.nodes) as api, Polling(lambda: json.loads(run(*ask))["path"]) as web:
        run("docker", "kill", leader)
        died = time.monotonic()
        until(lambda: managers.docker("node", "ls", "-q", check=False), OUTAGE_S, "the API answers again")
        time.sleep(max(0.0, died + WATCHED_S - time.monotonic()))
    print(f"leader killed: API {api}; service {web}")
    assert web.failures == []
    assert len(web.answers) > 10
    assert api.gap_s < OUTAGE_S
    assert not manager_states(managers)[leader].get("Leader")

    headers = {"OpenStack-API-Version": "container-infra latest"}
    path = f"/v1/clusters/{managers.uuid}/actions/resize"
    assert light_service.api("POST", path, json={"node_count": 2}, headers=headers).status_code == 202
    light_service.settle(managers.uuid, "UPDATE_COMPLETE")
    until(lambda: manager_states(managers)[leader]["Reachability"] == "reachable", SOON_S, "the dead one is back")
    assert len(manager_states(managers)) == 3


def test_the_endpoint_is_gone_with_the_cluster_and_no_machine(managers: Swarm, tmp_path: Path) -> None:
    everything = run("docker", "ps", "--format", "{{.Names}}", "--filter", f"label=jeroboam.cluster={managers.uuid}")
    [balancer] = set(everything.split()) - set(managers.nodes())
    assert balancer.endswith("-endpoint")
    facts = json.loads(run("docker", "inspect", balancer))[0]["HostConfig"]
    assert facts["CapDrop"] == ["ALL"]
    assert facts["SecurityOpt"] == ["no-new-privileges"]

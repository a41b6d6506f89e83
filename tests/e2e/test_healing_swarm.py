"""Workers and a manager of a real swarm are killed and removed behind the service's back: they come back, and their work with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .patient import LABELS, WITHIN_S, Patient, ward
from .swarm_use import serve
from .test_swarm import Swarm, live_swarm
from .world import containers, run, until

pytestmark = [pytest.mark.docker, pytest.mark.sockets, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class SwarmPatient(Patient):
    """Three managers and two workers, and a service with a task on each worker."""

    swarm: Swarm

    @property
    def workers(self) -> list[str]:
        return containers(self.uuid, "worker")

    def has_another_in_the_place_of(self, lost: Any) -> None:
        """Of its name, and nothing is left of the lost one."""
        assert len(self.swarm.docker("node", "ls", "-q").split()) == 5
        nodes = self.swarm.nodes()
        assert nodes[lost["Description"]["Hostname"]]["ID"] != lost["ID"]
        assert {node["Status"]["State"] for node in nodes.values()} == {"ready"}

    def serves_on(self, workers: list[str]) -> bool:
        return self.swarm.running_on("web") == workers


@pytest.fixture(scope="module")
def patient(swarm_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmPatient]:
    with ward(tmp_path_factory.mktemp("swarm-healing")) as service:
        # After a change of leaders nobody knows the nodes for some seconds.
        labels = LABELS | {"auto_healing_grace": "10"}
        template = service.template("healed", swarm_image, coe="swarm", labels=labels, master_lb_enabled=True)
        config = tmp_path_factory.mktemp("docker-config")
        with live_swarm(service, template, config, node_count=2, master_count=3) as swarm:
            serve(swarm)
            yield SwarmPatient(service, swarm.uuid, swarm)


def test_a_worker_that_is_killed_is_started_again_and_its_tasks_are_back(patient: SwarmPatient) -> None:
    workers = patient.workers
    member, container = patient.swarm.nodes()[workers[0]]["ID"], run("docker", "inspect", "-f", "{{.Id}}", workers[0])
    run("docker", "kill", workers[0])
    done = patient.healed(1)
    assert (done["summary"], done["user_id"]) == (f"heal: start {workers[0]} (stopped)", "auto-healing")
    assert run("docker", "inspect", "-f", "{{.Id}}", workers[0]) == container
    assert patient.swarm.nodes()[workers[0]]["ID"] == member
    until(lambda: patient.serves_on(workers), WITHIN_S, "a task on each worker")


def test_a_worker_that_is_removed_with_its_state_is_made_anew_and_takes_work(patient: SwarmPatient) -> None:
    workers = patient.workers
    before = patient.swarm.nodes()
    lose(workers[1])
    done = patient.healed(2)
    assert done["summary"] == f"heal: rebuild {workers[1]} (gone)"
    assert patient.workers == workers
    patient.has_another_in_the_place_of(before[workers[1]])
    until(lambda: patient.serves_on(workers), WITHIN_S, "a task on each worker")


def test_the_leader_of_three_managers_that_is_removed_with_its_state_is_made_anew(patient: SwarmPatient) -> None:
    before = patient.swarm.nodes()
    leader = next(name for name, node in before.items() if node.get("ManagerStatus", {}).get("Leader"))
    lose(leader)
    done = patient.healed(3)
    assert done["summary"] == f"heal: rebuild {leader} (gone)"
    patient.has_another_in_the_place_of(before[leader])
    managers = [node["ManagerStatus"] for node in patient.swarm.nodes().values() if "ManagerStatus" in node]
    assert [one["Reachability"] for one in managers] == ["reachable"] * 3
    assert patient.serves_on(patient.workers)
    assert patient.shown()["status"] == "UPDATE_COMPLETE"


def lose(node: str) -> None:
    """With all that it knew."""
    run("docker", "rm", "-f", node)
    run("docker", "volume", "rm", node)

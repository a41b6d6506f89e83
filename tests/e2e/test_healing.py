"""Workers of a real Kubernetes cluster are killed and removed behind the service's back: they come back, and their work with them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pytest

from .world import Cluster, Service, run, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(1500)]
WITHIN_S = 300


@dataclass(frozen=True)
class Patient:
    """A cluster that wishes to be healed, its service, and a workload on both of its workers."""

    service: Service
    cluster: Cluster

    def heals(self) -> list[Any]:
        """Operations of that kind, the newest first."""
        answer = self.service.api("GET", f"/ext/v1/clusters/{self.cluster.uuid}/operations")
        return [one for one in answer.json()["operations"] if one["kind"] == "heal"]

    def shown(self) -> Any:
        return self.service.api("GET", f"/v1/clusters/{self.cluster.uuid}").json()

    def healed(self, times: int) -> Any:
        """The newest healing, when so many have ended well and the cluster is healthy again."""

        def well() -> bool:
            states = [one["state"] for one in self.heals()]
            assert "failed" not in states, self.service.why(self.cluster.uuid)
            return states == ["succeeded"] * times and self.shown()["health_status"] == "HEALTHY"

        until(well, WITHIN_S, f"{times} healings\n{self.service.why(self.cluster.uuid)}")
        return self.heals()[0]

    def answers_of_both(self) -> bool:
        url = "http://hello.default.svc.cluster.local/x"
        said = self.cluster.kubectl("exec", "client", "--", "/hello", "get", url, "-times", "12", check=False)
        return {json.loads(line)["node"] for line in said.splitlines()} == set(self.cluster.workers)


@pytest.fixture(scope="module")
def patient(node_image: str, kubectl_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("healing")
    service = Service(folder / "data", env={"JEROBOAM_CONDUCTOR__HEALTH_S": "2"})
    service.start()
    try:
        labels = {"auto_healing_enabled": "true", "auto_healing_grace": "3"}
        template = service.template("healed", node_image, labels=labels)
        uuid = service.ask_cluster(template, "healed", node_count=2)
        service.settle(uuid, "CREATE_COMPLETE")
        service.cli("cluster", "config", uuid, "--file", str(folder / "kubeconfig"))
        cluster = Cluster(uuid, folder / "kubeconfig", kubectl_program)
        text = resources.files("jeroboam.admin.demo").joinpath("hello.yaml").read_text()
        cluster.kubectl("apply", "-f", "-", stdin=text)
        cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=120s")
        cluster.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=120s")
        yield Patient(service, cluster)
        service.remove(uuid)
    finally:
        service.stop()


def test_a_worker_that_is_killed_is_started_again_and_its_work_is_back(patient: Patient) -> None:
    cluster = patient.cluster
    worker = cluster.workers[0]
    ident = run("docker", "inspect", "-f", "{{.Id}}", worker)
    run("docker", "kill", worker)
    done = patient.healed(1)
    assert (done["summary"], done["user_id"]) == (f"heal: start {worker} (stopped)", "auto-healing")
    assert run("docker", "inspect", "-f", "{{.Id}}", worker) == ident
    assert worker in cluster.ready_nodes()
    until(patient.answers_of_both, WITHIN_S, "answers of both workers")


def test_a_worker_that_is_removed_is_made_anew_and_takes_work(patient: Patient) -> None:
    cluster = patient.cluster
    worker = cluster.workers[1]
    before = cluster.get("node", worker)["metadata"]["uid"]
    run("docker", "rm", "-f", worker)
    done = patient.healed(2)
    assert done["summary"] == f"heal: replace {worker} (gone)"
    assert cluster.get("node", worker)["metadata"]["uid"] != before, "the lost node was struck off, and another joined"
    cluster.kubectl("rollout", "restart", "deployment/hello")
    cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=180s")
    until(patient.answers_of_both, WITHIN_S, "answers of both workers")
    assert patient.shown()["status"] == "UPDATE_COMPLETE"

"""Workers of a real Kubernetes cluster are killed and removed behind the service's back: they come back, and their work with them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import pytest

from .patient import LABELS, WITHIN_S, Patient, ward
from .world import Cluster, run, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class KubernetesPatient(Patient):
    """And a workload on both of its workers."""

    cluster: Cluster

    def answers_of_both(self) -> bool:
        url = "http://hello.default.svc.cluster.local/x"
        said = self.cluster.kubectl("exec", "client", "--", "/hello", "get", url, "-times", "12", check=False)
        return {json.loads(line)["node"] for line in said.splitlines()} == set(self.cluster.workers)


@pytest.fixture(scope="module")
def patient(
    node_image: str, kubectl_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubernetesPatient]:
    folder = tmp_path_factory.mktemp("healing")
    with ward(folder) as service:
        uuid = service.ask_cluster(service.template("healed", node_image, labels=LABELS), "healed", node_count=2)
        service.settle(uuid, "CREATE_COMPLETE")
        service.cli("cluster", "config", uuid, "--file", str(folder / "kubeconfig"))
        cluster = Cluster(uuid, folder / "kubeconfig", kubectl_program)
        text = resources.files("jeroboam.admin.demo").joinpath("hello.yaml").read_text()
        cluster.kubectl("apply", "-f", "-", stdin=text)
        cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=120s")
        cluster.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=120s")
        yield KubernetesPatient(service, uuid, cluster)
        service.remove(uuid)


def test_a_worker_that_is_killed_is_started_again_and_its_work_is_back(patient: KubernetesPatient) -> None:
    cluster = patient.cluster
    worker = cluster.workers[0]
    ident = run("docker", "inspect", "-f", "{{.Id}}", worker)
    run("docker", "kill", worker)
    done = patient.healed(1)
    assert (done["summary"], done["user_id"]) == (f"heal: start {worker} (stopped)", "auto-healing")
    assert run("docker", "inspect", "-f", "{{.Id}}", worker) == ident
    assert worker in cluster.ready_nodes()
    until(patient.answers_of_both, WITHIN_S, "answers of both workers")


def test_a_worker_that_is_removed_is_made_anew_and_takes_work(patient: KubernetesPatient) -> None:
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

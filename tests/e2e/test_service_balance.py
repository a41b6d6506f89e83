"""A Service with four endpoints spreads its connections over all of them, whoever calls; headless names give the pods themselves."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from .world import SOON_S, Cluster, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(300)]
SPACE = "balance"
CALLS = 48  # that one of four endpoints is never chosen by chance: 4 in a million
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: headless}
spec:
  clusterIP: None
  selector: {app: hello}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Cluster]:
    """The workload of the demo and a headless Service, in a namespace that goes again."""
    workload = resources.files("jeroboam.admin.demo").joinpath("hello.yaml").read_text()
    cluster.kubectl("create", "namespace", SPACE)
    try:
        cluster.kubectl("apply", "-n", SPACE, "-f", "-", stdin=f"{workload}\n---\n{HEADLESS}")
        cluster.kubectl("rollout", "status", "-n", SPACE, "deployment/hello", "--timeout=120s")
        cluster.kubectl("wait", "-n", SPACE, "pod/client", "--for=condition=Ready", "--timeout=120s")
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", SPACE, "--timeout=90s")


def pods(cluster: Cluster) -> list[Any]:
    return list(cluster.get("pods", "-n", SPACE, "-l", "app=hello")["items"])


def inside(cluster: Cluster, pod: str, *words: str) -> str:
    """What /hello says in a pod; empty when it fails."""
    return cluster.kubectl("exec", "-n", SPACE, pod, "--", "/hello", *words, check=False)


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_all_four_endpoints_answer_a_caller_on_this_node(space: Cluster, role: str) -> None:
    found = pods(space)
    names = {pod["metadata"]["name"] for pod in found}
    caller = "client" if role == "control-plane" else found[0]["metadata"]["name"]
    where = space.get("pod", caller, "-n", SPACE)["spec"]["nodeName"]
    assert (where == space.control_plane) == (role == "control-plane")

    def hosts() -> set[str]:
        said = inside(space, caller, "get", "http://hello", "-times", str(CALLS))
        return {json.loads(line)["host"] for line in said.splitlines()}

    assert len(names) == 4
    # the first rules of a fresh Service may not have reached this node yet
    assert until(lambda: hosts() == names, SOON_S, f"answers of {sorted(names)}")


@pytest.mark.parametrize("name", ["headless", f"headless.{SPACE}", f"headless.{SPACE}.svc.cluster.local."])
def test_a_headless_name_gives_the_addresses_of_the_pods(space: Cluster, name: str) -> None:
    addresses = sorted(pod["status"]["podIP"] for pod in pods(space))
    assert len(set(addresses)) == 4
    # an answer from before the Service was there is kept for as long as the zone says
    assert until(lambda: sorted(inside(space, "client", "lookup", name).split()) == addresses, SOON_S, name)


def test_the_log_of_a_pod_can_be_read_on_every_node(space: Cluster) -> None:
    found = [*pods(space), space.get("pod", "client", "-n", SPACE)]
    assert {pod["spec"]["nodeName"] for pod in found} == {space.control_plane, *space.workers}
    for pod in found:
        space.kubectl("logs", "-n", SPACE, pod["metadata"]["name"])  # the API server asks that node's kubelet

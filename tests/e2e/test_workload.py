"""A workload on two workers: answers across nodes, through a Service, by name; logs, exec; and what a resize does to it."""

import base64
import json
from functools import partial
from importlib import resources
from typing import Any

import pytest
import yaml

from jeroboam.contracts import Access, Driver, Machine
from jeroboam.domain import Secret
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.testing.driver_suite import LiveDriverSuite

from .world import SOON_S, Cluster, Service, containers, machines, run, traces, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]
NAME = "hello.default.svc.cluster.local"


@pytest.fixture(scope="module")
def hello(cluster: Cluster) -> Cluster:
    """Four pods over both workers, a Service, and a pod to call from on the control plane."""
    text = resources.files("jeroboam.admin.demo").joinpath("hello.yaml").read_text()
    cluster.kubectl("apply", "-f", "-", stdin=text)
    cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=120s")
    cluster.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=120s")
    return cluster


def call(cluster: Cluster, pod: str, url: str, times: int = 12) -> list[Any]:
    said = cluster.kubectl("exec", pod, "--", "/hello", "get", url, "-times", str(times), check=False)
    return [json.loads(line) for line in said.splitlines()]


def pods(cluster: Cluster) -> list[Any]:
    return list(cluster.get("pods", "-l", "app=hello")["items"])


def test_pods_are_on_both_workers_and_a_service_answers_by_name_from_all(hello: Cluster) -> None:
    assert {pod["spec"]["nodeName"] for pod in pods(hello)} == set(hello.workers)
    for caller in ("client", pods(hello)[0]["metadata"]["name"]):  # from the control plane and from a worker
        answers = until(partial(_answers_of_both, hello, caller), SOON_S, "answers of both workers")
        assert len(answers) == 12
        assert {answer["path"] for answer in answers} == {"/x"}
        assert len({answer["host"] for answer in answers}) >= 2


def _answers_of_both(cluster: Cluster, caller: str) -> list[Any]:
    answers = call(cluster, caller, f"http://{NAME}/x")
    return answers if len({answer["node"] for answer in answers}) == 2 else []


def test_every_pod_reaches_every_other_by_its_address(hello: Cluster) -> None:
    found = pods(hello)
    assert len({pod["spec"]["nodeName"] for pod in found}) == 2
    for caller in found[:2]:
        for callee in found:
            url = f"http://{callee['status']['podIP']}:8080/"
            [answer] = call(hello, caller["metadata"]["name"], url, 1)
            assert answer["host"] == callee["metadata"]["name"]


def test_names_of_the_cluster_and_of_the_outside_resolve(hello: Cluster) -> None:
    [address] = hello.kubectl("exec", "client", "--", "/hello", "lookup", NAME).split()
    assert address == hello.get("service", "hello")["spec"]["clusterIP"]
    worker = hello.workers[0]  # a name that only the container engine knows, outside the cluster's own names
    [outside] = hello.kubectl("exec", "client", "--", "/hello", "lookup", worker).split()
    address_of = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    assert outside == run("docker", "inspect", "-f", address_of, worker)


def test_logs_and_events_can_be_read(hello: Cluster) -> None:
    log = hello.kubectl("logs", "-n", "kube-system", f"kube-apiserver-{hello.control_plane}")
    assert "Serving securely" in log
    reasons = {event["reason"] for event in hello.get("events")["items"]}
    assert "Scheduled" in reasons


def test_nodes_carry_their_group_and_the_control_plane_takes_no_workload(hello: Cluster) -> None:
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in hello.get("nodes")["items"]}
    assert labels[hello.control_plane]["magnum.openstack.org/role"] == "master"
    assert {labels[worker]["magnum.openstack.org/nodegroup"] for worker in hello.workers} == {"default-worker"}
    taints = hello.get("node", hello.control_plane)["spec"]["taints"]
    assert taints == [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]


def test_a_worker_joins_and_leaves_again_drained_first(service: Service, hello: Cluster) -> None:
    before = hello.workers
    service.cli("cluster", "resize", hello.uuid, "3", "--wait")
    assert len(hello.ready_nodes()) == 4
    [new] = set(hello.workers) - set(before)
    hello.kubectl("scale", "deployment/hello", "--replicas=6")
    until(lambda: [p for p in pods(hello) if p["spec"].get("nodeName") == new], SOON_S, "a pod on the new worker")
    hello.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
    service.cli("cluster", "resize", hello.uuid, "2", "--remove", new, "--wait")
    assert hello.workers == before
    assert hello.ready_nodes() == sorted([*before, hello.control_plane])
    hello.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")  # its pods moved
    assert {p["spec"]["nodeName"] for p in pods(hello)} == set(before)
    assert run("docker", "volume", "ls", "-q", "--filter", f"name=^{new}$") == ""
    hello.kubectl("scale", "deployment/hello", "--replicas=4")
    [step] = [s for s in _steps(service, hello) if s["name"] == "remove"]
    assert (step["target"], step["ok"]) == (new, True)


def _steps(service: Service, cluster: Cluster) -> list[Any]:
    newest = service.cli("operation", "list", cluster.uuid)[0]["uuid"]
    return list(service.api("GET", f"/ext/v1/operations/{newest}/steps").json()["steps"])


def test_the_cluster_comes_back_after_all_its_nodes_were_restarted(service: Service, hello: Cluster) -> None:
    nodes = containers(hello.uuid)
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    before = [run("docker", "inspect", "-f", shown, node) for node in nodes]
    booted = {n["metadata"]["name"]: n["status"]["nodeInfo"]["bootID"] for n in hello.get("nodes")["items"]}
    run("docker", "restart", "-t", "5", *nodes)
    assert [run("docker", "inspect", "-f", shown, node) for node in nodes] == before
    until(lambda: hello.ready_nodes() == sorted(booted), 120, "all nodes ready")
    until(partial(_answers_of_both, hello, "client"), 120, "answers of both workers")
    assert len(traces(hello.uuid)) == 7


@pytest.mark.conformance(driver="kubernetes", provider="docker", nodes="real cluster")
class TestLiveKubernetes(LiveDriverSuite):
    """The live half of the drivers' suite."""

    @pytest.fixture
    def driver(self) -> Driver:
        return KubernetesDriver()

    @pytest.fixture
    def access(self, cluster: Cluster) -> Access:
        text = yaml.safe_load(cluster.kubeconfig.read_text())
        server, user = text["clusters"][0]["cluster"], text["users"][0]["user"]
        parts = (
            server["certificate-authority-data"],
            user["client-certificate-data"],
            user["client-key-data"],
        )
        ca, cert, key = (base64.b64decode(part) for part in parts)
        return Access(server["server"], ca, cert, Secret(key))

    @pytest.fixture
    async def machines(self, cluster: Cluster) -> list[Machine]:
        return await machines(cluster.uuid)

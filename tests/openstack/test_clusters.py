"""Clusters on servers of a real OpenStack, asked for by a tenant with the unchanged `openstack coe`: libvirt-lxc containers that
cloud-init boots, so on a bed of profile lxc (`make test-openstack PROFILE=lxc`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pytest
from tests.clients.coe import Coe
from tests.e2e.world import Cluster, run, until
from tests.unit.providers.openstack.node import Node, unpacked

from jeroboam.providers.openstack import opening

from .clusters import CHANGED_S, create, delete, holdings, kubernetes, servers, settled, template
from .packets import HELLO, got, pod_on
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]
NAME = "hello.default.svc.cluster.local"
CALLS = 24
METADATA = "http://169.254.169.254/openstack/latest/meta_data.json"


def test_kubernetes_from_template_to_delete(
    booting_bed: Bed, demo: Coe, images: Mapping[str, str], tmp_path: Path
) -> None:
    before = holdings(booting_bed)
    template(booting_bed, demo, "kube", "kubernetes", "container", images["kubernetes"])
    uuid = create(demo, "kube", 2)
    try:
        cluster = kubernetes(demo, "kube", tmp_path)
        nodes = servers(booting_bed, uuid)
        assert cluster.ready_nodes() == sorted(nodes)
        _answers_across_nodes(cluster, workers=2)
        _nothing_that_readers_see_opens_a_boot(booting_bed, uuid)
        gone, left = sorted(name for name in nodes if "-worker-" in name)
        _only_the_node_reaches_the_metadata_service(booting_bed, cluster, left)
        _reboot(booting_bed, cluster, left, nodes[left])
        _only_the_node_reaches_the_metadata_service(booting_bed, cluster, left)
        demo("cluster", "resize", "--nodes-to-remove", nodes[gone], "kube", "1")
        settled(demo, "kube", "UPDATE_COMPLETE", CHANGED_S)
        assert sorted(servers(booting_bed, uuid)) == cluster.ready_nodes() == sorted(set(nodes) - {gone})
        cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=120s")  # its pods moved
        assert {pod["spec"]["nodeName"] for pod in cluster.get("pods", "-l", "app=hello")["items"]} == {left}
    finally:
        delete(demo, "kube")
    assert holdings(booting_bed) == before


def test_swarm_from_template_to_delete(
    booting_bed: Bed, demo: Coe, images: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = holdings(booting_bed)
    template(booting_bed, demo, "swarm", "swarm", "container", images["swarm"])
    uuid = create(demo, "swarm", 2)
    try:
        demo("cluster", "config", "swarm", "--dir", str(tmp_path), "--output-certs")
        address = str(demo.json("cluster", "show", "swarm")["api_address"])
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        nodes = servers(booting_bed, uuid)
        assert _members() == dict.fromkeys(nodes, "ready")
        _tasks_answer_across_nodes({name for name in nodes if "-worker-" in name})
        _only_the_node_of_a_swarm_reaches_the_metadata_service(booting_bed)
        gone, _ = sorted(name for name in nodes if "-worker-" in name)
        demo("cluster", "resize", "--nodes-to-remove", nodes[gone], "swarm", "1")
        settled(demo, "swarm", "UPDATE_COMPLETE", CHANGED_S)
        assert set(_members()) == set(servers(booting_bed, uuid)) == set(nodes) - {gone}
    finally:
        delete(demo, "swarm")
    assert holdings(booting_bed) == before


def _answers_across_nodes(cluster: Cluster, workers: int) -> None:
    """Pods on all workers answer a pod of the control plane by the name of their service."""
    text = resources.files("jeroboam.admin.demo").joinpath("hello.yaml").read_text()
    cluster.kubectl("apply", "-f", "-", stdin=text)
    cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=180s")
    cluster.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=120s")
    url = f"http://{NAME}/x"

    def of_all() -> bool:
        said = cluster.kubectl("exec", "client", "--", "/hello", "get", url, "-times", str(CALLS), check=False)
        return len({json.loads(line)["node"] for line in said.splitlines()}) == workers

    until(of_all, 60, f"answers of {workers} workers")


def _only_the_node_reaches_the_metadata_service(bed: Bed, cluster: Cluster, node: str) -> None:
    """A pod of it does not, though it reaches other addresses outside; one in the node's own network does."""
    pod_on(cluster, "inside", node)
    pod_on(cluster, "outside", node, in_its_network=True)
    until(lambda: got(cluster, "inside", bed.auth_url), 60, "a pod reaches Keystone")
    assert json.loads(got(cluster, "outside", METADATA))["name"] == node
    assert got(cluster, "inside", METADATA) == ""
    cluster.kubectl("delete", "pod", "inside", "outside", "--wait=true", "--timeout=60s")


def _reboot(bed: Bed, cluster: Cluster, node: str, server: str) -> None:
    """Until all containers of its pods are other ones."""
    before = _containers(cluster, node)
    bed.connect(bed.demo).compute.reboot_server(server, "HARD")

    def back() -> bool:
        now = _containers(cluster, node)
        return bool(now) and not now & before and node in cluster.ready_nodes()

    until(back, 300, f"{node} is back after a reboot", every_s=2)


def _containers(cluster: Cluster, node: str) -> set[str]:
    """Ids of those that run on the node; empty where one of a pod's does not, or the API does not answer."""
    said = cluster.kubectl("get", "pods", "-A", f"--field-selector=spec.nodeName={node}", "-o", "json", check=False)
    pods = [pod["status"].get("containerStatuses") or () for pod in json.loads(said)["items"]] if said else []
    found = [one for pod in pods for one in pod]
    all_run = all(pods) and all("running" in one["state"] for one in found)  # a pod that is only pending has none
    return {one["containerID"] for one in found} if all_run else set()


def _nothing_that_readers_see_opens_a_boot(bed: Bed, uuid: str) -> None:
    """Heat's events have each server's user data: what is in it stays sealed with all that stands in its metadata."""
    heat = bed.connect(bed.demo).orchestration
    seen = 0
    for stack in heat.get("/stacks", params={"tags": f"jeroboam.cluster.{uuid}"}).json()["stacks"]:
        path = f"/stacks/{stack['stack_name']}/{stack['id']}"
        for event in heat.get(f"{path}/events").json()["events"]:
            shown = heat.get(event["links"][0]["href"]).json()["event"].get("resource_properties") or {}
            if "user_data" in shown:
                _is_sealed(Node(shown["user_data"]), bed, event["resource_name"])
                seen += 1
    assert seen >= 3


def _is_sealed(node: Node, bed: Bed, name: str) -> None:
    """Its boot is what the seal writes. What else it was given, and its server shows, has no key in it, plain or packed."""
    [server] = [one for one in bed.connect(bed.demo).compute.servers() if one.name == name]
    assert node.sealed[opening.NONCE + opening.TAG :].startswith(b"Salted__")
    assert unpacked(node.sealed) == b""
    assert not node.is_opened_by(base64.b64decode(server.metadata["jeroboam_key"]))
    assert not [path for path in node.files if "pki" in path or path.endswith((".key", "/run"))]
    for content in node.files.values():
        assert b"PRIVATE KEY" not in content + unpacked(content)
        assert not node.is_opened_by(content)


def _only_the_node_of_a_swarm_reaches_the_metadata_service(bed: Bed) -> None:
    """Containers on a bridge or an overlay do not, though they reach other addresses outside; one in the node's own network does."""

    def said(network: str, url: str) -> str:
        return run("docker", "run", "--rm", "--network", network, HELLO, "get", url, check=False)

    assert "-master-" in json.loads(said("host", METADATA))["name"]
    for network in ("bridge", "front"):
        assert said(network, bed.auth_url)
        assert said(network, METADATA) == ""


def _members() -> dict[str, str]:
    """Nodes of the swarm and their state, by host name."""
    said = run("docker", "node", "ls", "--format", "{{json .}}")
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["Hostname"]: row["Status"].lower() for row in rows}


def _tasks_answer_across_nodes(workers: set[str]) -> None:
    """Four tasks on two workers answer one on the manager over an overlay network, by the service's name."""
    run("docker", "network", "create", "-d", "overlay", "--attachable", "front")
    placed = ["--constraint", "node.role==worker", "--endpoint-mode", "dnsrr"]
    named = ["--name", "hello", "--replicas", "4", "--network", "front", "--env", "NODE_NAME={{.Node.Hostname}}"]
    run("docker", "service", "create", "-d", "--no-resolve-image", *named, *placed, HELLO, "serve")
    words = ["run", "--rm", "--network", "front", HELLO, "get", "http://hello:8080", "-times", str(CALLS)]

    def of_all() -> bool:
        answers = [json.loads(line) for line in run("docker", *words, check=False).splitlines()]
        return len(answers) == CALLS and {answer["node"] for answer in answers} == workers

    # Each engine asks for the image outside first, where nobody answers.
    until(of_all, 300, "answers of both workers", every_s=2)

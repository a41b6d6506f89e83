"""A node group of a live cluster with an image, a flavor, labels and taints of its own, and which of its nodes go when it shrinks."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from jeroboam import artifacts

from .world import SOON_S, Cluster, Service, containers, run, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(1200)]
NEWEST = {"OpenStack-API-Version": "container-infra latest"}
GROUP = {
    "name": "gpu",
    "node_count": 2,
    "min_node_count": 1,
    "max_node_count": 4,
    "flavor_id": "m1.small",
    "node_labels": {"tier": "fast"},
    "node_taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}],
}
WORK = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "work"},
    "spec": {
        "replicas": 4,
        "selector": {"matchLabels": {"app": "work"}},
        "template": {
            "metadata": {"labels": {"app": "work"}},
            "spec": {
                "nodeSelector": {"magnum.openstack.org/nodegroup": "gpu"},
                "terminationGracePeriodSeconds": 5,
                "containers": [
                    {"name": "work", "image": "jeroboam.local/hello:1", "imagePullPolicy": "Never", "args": ["serve"]}
                ],
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "kubernetes.io/hostname",
                        "nodeTaintsPolicy": "Honor",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": {"matchLabels": {"app": "work"}},
                    }
                ],
            },
        },
    },
}


def image(version: str, *runtimes: str) -> str:
    return asyncio.run(artifacts.build_node_image(version, runtimes=runtimes)).tag


@pytest.fixture(scope="module")
def live(service: Service, kubectl_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Version 1.35: one control plane, one worker, and the group `gpu` of version 1.34, whose image has gVisor besides."""
    uuid = service.ask_cluster(service.template("groups", image("v1.35.4")), "groups", node_count=1)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        kubeconfig = tmp_path_factory.mktemp("groups") / "kubeconfig"
        service.cli("cluster", "config", uuid, "--file", str(kubeconfig))
        answer = ask(service, "POST", uuid, json={**GROUP, "image_id": image("v1.34.4", "runsc")})
        assert answer.status_code == 202, answer.text
        service.settle(uuid, "UPDATE_COMPLETE")
        yield Cluster(uuid, kubeconfig, kubectl_program)
    finally:
        service.remove(uuid)


def ask(service: Service, method: str, cluster: str, group: str = "", **more: Any) -> Any:
    place = f"/v1/clusters/{cluster}/nodegroups" + (f"/{group}" if group else "")
    return service.api(method, place, headers=NEWEST, **more)


def resize(service: Service, cluster: Cluster, count: int, *gone: str) -> Any:
    body = {"node_count": count, "nodegroup": "gpu", "nodes_to_remove": list(gone)}
    return service.api("POST", f"/v1/clusters/{cluster.uuid}/actions/resize", json=body, headers=NEWEST)


def members(cluster: Cluster) -> list[str]:
    return [name for name in containers(cluster.uuid) if "-gpu-" in name]


def inspected(name: str, what: str) -> str:
    return run("docker", "inspect", "--format", what, name)


def uids(cluster: Cluster) -> dict[str, str]:
    return {node["metadata"]["name"]: node["metadata"]["uid"] for node in cluster.get("nodes")["items"]}


def shown(cluster: Cluster, name: str) -> tuple[dict[str, str], list[str]]:
    """A node's labels, and its taints as kubectl writes them, without those by which Kubernetes tells a node's condition: they may
    stay for a moment when it is ready."""
    node = cluster.get("node", name)
    found = [t for t in node["spec"].get("taints", []) if not t["key"].startswith("node.kubernetes.io/")]
    taints = [f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in found]
    return node["metadata"]["labels"], sorted(taints)


def killed_on(cluster: Cluster) -> set[str]:
    """Nodes whose kubelet told that it stopped a container: it lived when its pods were asked to leave."""
    events = cluster.get("events", "--field-selector=reason=Killing")["items"]
    return {event["source"]["host"] for event in events}


def test_a_group_has_its_own_version_size_labels_and_taints(service: Service, live: Cluster) -> None:
    nodes = members(live)
    assert len(nodes) == 2
    for node in nodes:
        assert live.get("node", node)["status"]["nodeInfo"]["kubeletVersion"] == "v1.34.4"
        labels, taints = shown(live, node)
        assert (labels["tier"], labels["magnum.openstack.org/nodegroup"]) == ("fast", "gpu")
        assert taints == ["gpu=yes:NoSchedule"]
        assert inspected(node, "{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}") == "1000000000 2147483648"
    assert ask(service, "GET", live.uuid, "gpu").json()["version"] == "v1.34.4"
    assert ask(service, "GET", live.uuid, "default-worker").json()["version"] == "v1.35.4"
    [worker] = [name for name in live.workers if name not in nodes]
    labels, taints = shown(live, worker)
    assert (labels["magnum.openstack.org/nodegroup"], "tier" in labels, taints) == ("default-worker", False, [])
    for node in (worker, live.control_plane):
        assert live.get("node", node)["status"]["nodeInfo"]["kubeletVersion"] == "v1.35.4"


def test_a_newer_version_than_the_clusters_is_refused(service: Service, live: Cluster) -> None:
    answer = ask(service, "POST", live.uuid, json={"name": "new", "image_id": image("v1.36.3")})
    assert answer.status_code == 400
    assert "holds Kubernetes v1.36.3, which is newer than the cluster's v1.35.4" in answer.text


def test_a_patch_of_labels_and_taints_reaches_the_nodes_and_the_tenants_own_stay(
    service: Service, live: Cluster
) -> None:
    nodes = members(live)
    live.kubectl("label", "node", nodes[0], "mine=1")
    live.kubectl("taint", "node", nodes[0], "mine=1:PreferNoSchedule")
    before = uids(live)
    patch = [
        {"op": "replace", "path": "/node_labels", "value": {"level": "two"}},
        {"op": "replace", "path": "/node_taints", "value": []},
    ]
    answer = ask(service, "PATCH", live.uuid, "gpu", json=patch)
    assert answer.status_code == 202, answer.text
    service.settle(live.uuid, "UPDATE_COMPLETE")
    seen = {node: shown(live, node) for node in nodes}
    assert [(labels["level"], "tier" in labels) for labels, _ in seen.values()] == [("two", False)] * 2
    assert [taints for _, taints in seen.values()] == [["mine=1:PreferNoSchedule"], []]
    assert seen[nodes[0]][0]["mine"] == "1"
    assert uids(live) == before


@pytest.mark.parametrize(("count", "bounds"), [(5, "max_node_count = 4"), (0, "min_node_count = 1")])
def test_a_group_stays_within_its_bounds(service: Service, live: Cluster, count: int, bounds: str) -> None:
    answer = resize(service, live, count)
    assert answer.status_code == 400
    assert bounds in answer.json()["errors"][0]["detail"]
    assert len(members(live)) == 2


def test_exactly_the_named_nodes_go_by_server_id_name_and_address_drained_first(
    service: Service, live: Cluster
) -> None:
    assert resize(service, live, 4).status_code == 202
    service.settle(live.uuid, "UPDATE_COMPLETE")
    first, second, third, fourth = members(live)
    live.kubectl("apply", "-f", "-", stdin=json.dumps(WORK))
    live.kubectl("rollout", "status", "deployment/work", "--timeout=120s")
    before = uids(live)
    assert resize(service, live, 3, "nobody").status_code == 400

    server = live.get("node", first)["spec"]["providerID"].removeprefix("docker:///")
    assert server == inspected(first, "{{.Id}}")
    assert resize(service, live, 3, server).status_code == 202
    service.settle(live.uuid, "UPDATE_COMPLETE")
    assert members(live) == [second, third, fourth]
    assert uids(live) == {name: uid for name, uid in before.items() if name != first}
    assert killed_on(live) == {first}
    live.kubectl("rollout", "status", "deployment/work", "--timeout=120s")  # its pods moved to the others

    address = inspected(fourth, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    assert resize(service, live, 1, address, second).status_code == 202
    service.settle(live.uuid, "UPDATE_COMPLETE")
    assert members(live) == [third]
    assert uids(live) == {name: uid for name, uid in before.items() if name not in (first, second, fourth)}
    assert killed_on(live) == {first, second, fourth}
    live.kubectl("rollout", "status", "deployment/work", "--timeout=120s")


def test_a_group_brought_the_runtimes_of_its_image(live: Cluster) -> None:
    one = {"name": "web", "image": "jeroboam.local/hello:1", "imagePullPolicy": "Never", "args": ["serve"]}
    anywhere = {"runtimeClassName": "runsc", "tolerations": [{"operator": "Exists"}]}
    pod = {"metadata": {"name": "boxed"}, "spec": {**anywhere, "containers": [one]}}
    live.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", **pod}))
    live.kubectl("wait", "pod/boxed", "--for=condition=Ready", "--timeout=120s")
    assert live.get("pod", "boxed")["spec"]["nodeName"] in members(live)
    live.kubectl("delete", "pod/boxed", "--timeout=60s")


def test_a_group_that_is_deleted_takes_its_nodes_and_no_others(service: Service, live: Cluster) -> None:
    [last] = members(live)
    before = uids(live)
    live.kubectl("delete", "deployment/work", "--timeout=60s")
    assert ask(service, "DELETE", live.uuid, "gpu").status_code == 204
    service.settle(live.uuid, "UPDATE_COMPLETE")
    until(lambda: ask(service, "GET", live.uuid, "gpu").status_code == 404, SOON_S, "the group is gone")
    assert members(live) == []
    assert uids(live) == {name: uid for name, uid in before.items() if name != last}
    assert live.ready_nodes() == sorted(uids(live))

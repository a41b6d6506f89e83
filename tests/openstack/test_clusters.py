"""Clusters on servers of a real OpenStack, asked for by a tenant with the unchanged `openstack coe`: libvirt-lxc containers that
cloud-init boots, so on a bed of profile lxc (`make test-openstack PROFILE=lxc`)."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.clients.coe import Coe, Shell
from tests.e2e.world import PROGRAM, Cluster, Service, run, until
from tests.unit.providers.openstack.node import Node, unpacked

from jeroboam import artifacts
from jeroboam.artifacts import CloudWish, cloud_image
from jeroboam.artifacts.cloud_form import wrapping
from jeroboam.providers.openstack import opening

from .registered import config, register, serve, unregister
from .testbed import Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]
_IMAGE_S = 1800
_MADE_S, _CHANGED_S, _GONE_S = 900, 600, 300  # on a machine where others want the processors, too
NAME = "hello.default.svc.cluster.local"
HELLO = "jeroboam.local/hello:1"
CALLS = 24


@pytest.fixture(scope="module")
def booting_bed(openstack_bed: Bed) -> Bed:
    if openstack_bed.profile() != "lxc":
        pytest.skip("servers of this bed boot nothing: end it, then `make test-openstack PROFILE=lxc`")
    return openstack_bed


@pytest.fixture(scope="module")
def service(booting_bed: Bed, bed_clouds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One of the cloud's, whose account is a member of the tenant's project."""
    unregister(booting_bed)
    service = Service(tmp_path_factory.mktemp("clusters") / "data")
    register(service, bed_clouds)
    admin = booting_bed.connect(booting_bed.admin)
    admin.grant_role("member", user="jeroboam", project="demo", wait=True)
    [password] = [line for line in config(service).read_text().splitlines() if line.startswith("password = ")]
    cloud = f"auth_url = {booting_bed.auth_url}\nusername = jeroboam\n{password}\nregion_name = {booting_bed.region}\n"
    serve(service, f"[provider]\ndefault = openstack\n[openstack]\n{cloud}")
    yield service
    service.stop()
    unregister(booting_bed)


@pytest.fixture
def demo(service: Service, bed_shell: Shell) -> Coe:
    """The tenant."""
    return Coe(bed_shell, "demo")


@pytest.fixture(scope="module")
def images(booting_bed: Bed, bed_clouds: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Ids in Glance of the node images by container tool; what is not there yet is built and uploaded."""
    return {coe: _image(coe, booting_bed, bed_clouds, tmp_path_factory) for coe in ("kubernetes", "swarm")}


def _image(coe: str, bed: Bed, clouds: Path, folders: pytest.TempPathFactory) -> str:
    file = folders.mktemp("images") / f"{coe}.raw"
    recipe = _recipe(CloudWish(coe, format="raw", server_type="container", output=file))

    def found() -> list[str]:
        images = bed.connect(bed.admin).image.images(status="active")
        return [str(one.id) for one in images if (one.properties or {}).get("jeroboam_recipe") == recipe]

    if not found():
        kind = ["--format", "raw", "--server-type", "container", "--output", str(file)]
        subprocess.run([*PROGRAM, "image", "build", "--coe", coe, *kind], timeout=_IMAGE_S, check=True)
        run(*PROGRAM, "image", "upload", str(file), "--os-cloud", "admin", env={"OS_CLIENT_CONFIG_FILE": str(clouds)})
        file.unlink()
    return found()[0]


def _recipe(wish: CloudWish) -> str:
    """Of the image that would be built now: an older one has an older node in it."""
    return cloud_image._recipe(wish, cloud_image._full_version(wish), wrapping(wish.format, wish.server_type))


def test_kubernetes_from_template_to_delete(
    booting_bed: Bed, demo: Coe, images: Mapping[str, str], tmp_path: Path
) -> None:
    before = holdings(booting_bed)
    _template(booting_bed, demo, "kube", "kubernetes", images)
    uuid = _create(demo, "kube")
    try:
        demo("cluster", "config", "kube", "--dir", str(tmp_path))
        version = str(demo.json("cluster", "show", "kube")["coe_version"])
        cluster = Cluster(uuid, tmp_path / "config", str(artifacts.binary_path(version, "kubectl")))
        nodes = servers(booting_bed, uuid)
        assert cluster.ready_nodes() == sorted(nodes)
        _answers_across_nodes(cluster, workers=2)
        _nothing_that_readers_see_opens_a_boot(booting_bed, uuid)
        gone, left = sorted(name for name in nodes if "-worker-" in name)
        demo("cluster", "resize", "--nodes-to-remove", nodes[gone], "kube", "1")
        _settled(demo, "kube", "UPDATE_COMPLETE", _CHANGED_S)
        assert sorted(servers(booting_bed, uuid)) == cluster.ready_nodes() == sorted(set(nodes) - {gone})
        cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=120s")  # its pods moved
        assert {pod["spec"]["nodeName"] for pod in cluster.get("pods", "-l", "app=hello")["items"]} == {left}
    finally:
        _delete(demo, "kube")
    assert holdings(booting_bed) == before


def test_swarm_from_template_to_delete(
    booting_bed: Bed, demo: Coe, images: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = holdings(booting_bed)
    _template(booting_bed, demo, "swarm", "swarm", images)
    uuid = _create(demo, "swarm")
    try:
        demo("cluster", "config", "swarm", "--dir", str(tmp_path), "--output-certs")
        address = str(demo.json("cluster", "show", "swarm")["api_address"])
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        nodes = servers(booting_bed, uuid)
        assert _members() == dict.fromkeys(nodes, "ready")
        _tasks_answer_across_nodes({name for name in nodes if "-worker-" in name})
        gone, _ = sorted(name for name in nodes if "-worker-" in name)
        demo("cluster", "resize", "--nodes-to-remove", nodes[gone], "swarm", "1")
        _settled(demo, "swarm", "UPDATE_COMPLETE", _CHANGED_S)
        assert set(_members()) == set(servers(booting_bed, uuid)) == set(nodes) - {gone}
    finally:
        _delete(demo, "swarm")
    assert holdings(booting_bed) == before


def _template(bed: Bed, demo: Coe, name: str, coe: str, images: Mapping[str, str]) -> None:
    network = {"kubernetes": "flannel", "swarm": "docker"}[coe]
    flags = ["--coe", coe, "--image", images[coe], "--external-network", "public", "--network-driver", network]
    flags += ["--server-type", "container", "--flavor", "m1.medium", "--master-flavor", "m1.medium"]
    flags += ["--dns-nameserver", bed.api]  # which has none, and says so; nobody answers from outside the bed
    demo("cluster", "template", "create", name, *flags)


def _create(demo: Coe, name: str) -> str:
    """One control plane and two workers. Its uuid, once it is complete."""
    demo("cluster", "create", name, "--cluster-template", name, "--node-count", "2", "--timeout", "15")
    return str(_settled(demo, name, "CREATE_COMPLETE", _MADE_S)["uuid"])


def _settled(demo: Coe, name: str, status: str, within_s: float) -> Any:
    going = f"{status.partition('_')[0]}_IN_PROGRESS"

    def there() -> Any:
        shown = demo.json("cluster", "show", name)
        assert shown["status"] in (status, going), shown
        return shown if shown["status"] == status else None

    return until(there, within_s, f"{name} is {status}", every_s=2)


def _delete(demo: Coe, name: str) -> None:
    demo("cluster", "delete", name)
    until(lambda: demo.run("cluster", "show", name).code == 1, _GONE_S, f"{name} is gone", every_s=2)
    demo("cluster", "template", "delete", name)


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


def servers(bed: Bed, uuid: str) -> dict[str, str]:
    """Ids of a cluster's servers by their names."""
    found = bed.connect(bed.demo).compute.servers()
    return {one.name: one.id for one in found if one.metadata.get("jeroboam_cluster") == uuid}


def holdings(bed: Bed) -> dict[str, set[str]]:
    """Ids of all that there is in the tenant's project."""
    demo = bed.connect(bed.demo)
    network, own = demo.network, {"project_id": demo.current_project_id}
    found = {
        "servers": demo.compute.servers(),
        "groups": demo.compute.server_groups(),
        "networks": network.networks(**own),
        "subnets": network.subnets(**own),
        "routers": network.routers(**own),
        "ports": network.ports(**own),
        "addresses": network.ips(**own),
        "security groups": network.security_groups(**own),
    }
    stacks = demo.orchestration.get("/stacks").json()["stacks"]
    return {kind: {one.id for one in some} for kind, some in found.items()} | {
        "stacks": {one["id"] for one in stacks if one["stack_status"] != "DELETE_COMPLETE"}
    }

"""A cluster whose nodes hold runc, crun and runsc: a pod of two containers runs under each, and an App Container image does."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.artifacts.appc.aci import member, written

from jeroboam import artifacts

from .world import PROGRAM, SOON_S, Cluster, Service, containers, run, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]
RUNTIMES = ("runc", "crun", "runsc")
_STATE = "/run/containerd/{}/k8s.io"


@pytest.fixture(scope="module")
def sandboxed(service: Service, kubectl_program: str) -> Iterator[Cluster]:
    """One control plane, one worker, of an image with gVisor."""
    image = asyncio.run(artifacts.build_node_image(runtimes=["runsc"]))
    assert image.tag == "jeroboam/node-kubernetes:v1.34.4-runsc"
    uuid = service.ask_cluster(service.template("sandboxed", image.tag), "sandboxed", node_count=1)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        kubeconfig = service.folder.parent / "kubeconfig-sandboxed"
        service.cli("cluster", "config", uuid, "--file", str(kubeconfig))
        yield Cluster(uuid, kubeconfig, kubectl_program)
    finally:
        service.remove(uuid)


def pod(name: str, image: str, runtime: str | None = None, **more: Any) -> dict[str, Any]:
    """Two containers, so that a sandbox holds more than one."""
    one = {"name": "web", "image": image, "args": ["serve"], **more}
    two = {"name": "other", "image": "jeroboam.local/hello:1", "args": ["serve", "-port", "8081"]}
    spec = {"containers": [one, two], **({"runtimeClassName": runtime} if runtime else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def pods(sandboxed: Cluster) -> Cluster:
    limited = {"resources": {"limits": {"memory": "64Mi"}}}
    for runtime in RUNTIMES:
        text = json.dumps(pod(f"on-{runtime}", "jeroboam.local/hello:1", runtime, **limited))
        sandboxed.kubectl("apply", "-f", "-", stdin=text)
    for runtime in RUNTIMES:
        sandboxed.kubectl("wait", f"pod/on-{runtime}", "--for=condition=Ready", "--timeout=120s")
    return sandboxed


def worker(cluster: Cluster) -> str:
    return containers(cluster.uuid, "worker")[0]


def container_ids(cluster: Cluster, name: str) -> set[str]:
    found = cluster.get("pod", name)["status"]["containerStatuses"]
    return {one["containerID"].removeprefix("containerd://") for one in found}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_pod_runs_and_is_reached_under_each(pods: Cluster, runtime: str) -> None:
    address = pods.get("pod", f"on-{runtime}")["status"]["podIP"]
    for other in RUNTIMES:
        said = pods.kubectl("exec", f"on-{other}", "-c", "web", "--", "/hello", "get", f"http://{address}:8081/x")
        assert json.loads(said)["host"] == f"on-{runtime}"
    dns = "kubernetes.default.svc.cluster.local"
    assert pods.kubectl("exec", f"on-{runtime}", "-c", "web", "--", "/hello", "lookup", dns) == "10.254.0.1"


def test_each_is_run_by_the_program_that_it_names(pods: Cluster) -> None:
    node = worker(pods)
    sandboxes = set(run("docker", "exec", node, "runsc", "--root", _STATE.format("runsc"), "list", "-quiet").split())
    assert container_ids(pods, "on-runsc") < sandboxes
    assert not sandboxes & (container_ids(pods, "on-runc") | container_ids(pods, "on-crun"))
    for runtime, file in (("runc", "state.json"), ("crun", "status")):  # each keeps its state in a way of its own
        for container in container_ids(pods, f"on-{runtime}"):
            assert file in run("docker", "exec", node, "ls", f"{_STATE.format('runc')}/{container}").split()


def test_they_come_back_with_their_node(pods: Cluster) -> None:
    run("docker", "restart", "-t", "5", worker(pods))
    for runtime in RUNTIMES:
        until(partial(_restarted, pods, f"on-{runtime}"), 120, f"on-{runtime} runs again")


def _restarted(cluster: Cluster, name: str) -> bool:
    said = cluster.kubectl("get", "pod", name, "-o", "json", check=False)
    found = json.loads(said)["status"]["containerStatuses"] if said else []
    return bool(found) and all(one["ready"] and one["restartCount"] > 0 for one in found)


def test_nothing_of_a_sandbox_is_left(pods: Cluster) -> None:
    pods.kubectl("delete", "pod", "on-runsc", "--timeout=60s")
    listed = ("docker", "exec", worker(pods), "runsc", "--root", _STATE.format("runsc"), "list", "-quiet")
    until(lambda: run(*listed) == "", SOON_S, "the sandbox is gone")


def test_an_app_container_image_runs_in_a_pod(service: Service, sandboxed: Cluster, tmp_path: Path) -> None:
    hello = artifacts.binary_path(None, "hello").read_bytes()
    app = {"exec": ["/hello"], "user": "1234", "group": "1234", "environment": [{"name": "NODE_NAME", "value": "ACI"}]}
    manifest = {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "jeroboam.test/greeter", "app": app}
    aci = written(tmp_path / "greeter.aci", manifest, [member("rootfs", None), member("rootfs/hello", hello)])
    name = run(*PROGRAM, "image", "convert", str(aci), "--out", str(tmp_path / "greeter.tar")).split()[0]
    service.cli("image", "load", sandboxed.uuid, str(tmp_path / "greeter.tar"))
    context = {"runAsUser": 1234, "runAsNonRoot": True}
    text = json.dumps(pod("greeter", name, "runsc", imagePullPolicy="Never", securityContext=context))
    sandboxed.kubectl("apply", "-f", "-", stdin=text)
    sandboxed.kubectl("wait", "pod/greeter", "--for=condition=Ready", "--timeout=120s")
    said = sandboxed.kubectl("exec", "greeter", "-c", "other", "--", "/hello", "get", "http://127.0.0.1:8080/x")
    assert json.loads(said)["node"] == "ACI"

"""Container runtimes of the driver kubernetes: what a cluster offers, what a node tries, what a template is refused for."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import yaml

from jeroboam.contracts import Image, NodeConfig
from jeroboam.domain import Cluster, ClusterShape, Role
from jeroboam.drivers.kubernetes import KubernetesDriver, offers
from jeroboam.drivers.kubernetes.api import KubeApi
from jeroboam.testing import builders
from jeroboam.testing.driver_suite import context_of, specs_of

DRIVER = KubernetesDriver()
PLAIN = {"os_distro": "debian", "kube_version": "v1.34.4"}
IMAGE = Image("image-1", "node", PLAIN | {"oci_runtimes": "runc,crun,runsc"})
OLD = Image("image-1", "node", PLAIN)


def shape(**labels: str) -> ClusterShape:
    return replace(builders.template().shape, image_id="image-1", labels=labels)


def wish(**labels: str) -> Cluster:
    return builders.cluster(shape=shape(**labels))


def boot(role: Role, image: Image, **labels: str) -> NodeConfig:
    cluster = wish(**labels)
    context = context_of(DRIVER, image, cluster, builders.groups(cluster))
    return DRIVER.node_config(context, next(m for m in specs_of(cluster, context.groups) if m.role is role))


def content(config: NodeConfig, path: str) -> bytes:
    return next(file.content for file in config.files if file.path == path)


def classes(image: Image, **labels: str) -> list[dict[str, object]]:
    text = content(boot(Role.CONTROL_PLANE, image, **labels), "/etc/kubernetes/addons/runtimes.yaml")
    return list(yaml.safe_load_all(text))


def test_a_class_each_that_goes_to_nodes_which_have_it() -> None:
    assert classes(IMAGE, oci_runtimes="crun, runc,crun") == [
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "runc"}, "handler": "runc"},
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": "crun"},
            "handler": "crun",
            "scheduling": {"nodeSelector": {"runtime.jeroboam.io/crun": "true"}},
        },
    ]


@pytest.mark.parametrize(("image", "expected"), [(IMAGE, ["runc", "crun", "runsc"]), (OLD, ["runc"])])
def test_without_the_label_all_that_the_image_holds_is_offered(image: Image, expected: list[str]) -> None:
    assert [one["handler"] for one in classes(image)] == expected


def test_a_node_says_which_runtimes_it_has() -> None:
    said = content(boot(Role.WORKER, IMAGE), "/etc/default/kubelet").decode()
    assert "runtime.jeroboam.io/crun=true,runtime.jeroboam.io/runsc=true" in said
    chosen = content(boot(Role.WORKER, IMAGE, oci_runtimes="runc,crun"), "/etc/default/kubelet").decode()
    assert "runtime.jeroboam.io/crun=true" in chosen
    assert "runsc" not in chosen
    assert "runtime.jeroboam.io" not in content(boot(Role.WORKER, OLD), "/etc/default/kubelet").decode()


def test_a_worker_tries_the_sandbox_when_it_is_offered() -> None:
    def trials(**labels: str) -> list[bool]:
        return [one.background for one in boot(Role.WORKER, IMAGE, **labels).commands if one.name == "runtime-runsc"]

    assert trials() == [True]
    assert trials(oci_runtimes="crun") == []


def test_a_live_cluster_takes_nodes_without_the_runtime() -> None:
    up = replace(wish(oci_runtimes="runsc"), coe_version="v1.34.4")
    assert DRIVER.validate(up, builders.groups(up), OLD) == []


def test_a_template_is_refused_for_what_no_cluster_could_have() -> None:
    assert DRIVER.shape_problems(shape(flannel_backend="wireguard", oci_runtimes="runsc")) == []
    found = DRIVER.shape_problems(shape(flannel_backend="udp", container_runtime="cri-o"))
    assert [one.field for one in found] == ["labels.flannel_backend", "labels.container_runtime"]


def test_wireguard_is_asked_of_the_kernel() -> None:
    [need] = DRIVER.kernel_needs(shape(flannel_backend="wireguard"))
    assert (need.feature, need.field, need.instead) == (
        "wireguard",
        "labels.flannel_backend",
        "Use vxlan or host-gw.",
    )
    assert DRIVER.kernel_needs(shape(flannel_backend="host-gw")) == []


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, "creating container: ptrace is not allowed")])
async def test_a_trial_that_fails_says_why_in_its_last_line(code: int, said: str, tmp_path: Path) -> None:
    runsc = tmp_path / "runsc"
    runsc.write_text(f"#!/bin/sh\necho 'something before'\necho '{said}'\nexit {code}\n")
    runsc.chmod(0o755)
    [trial] = [one for one in boot(Role.WORKER, IMAGE).commands if one.name == "runtime-runsc"]
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    process = await asyncio.create_subprocess_exec(*trial.argv, env=env, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == code
    if code:
        assert out.decode().splitlines()[-1] == (
            "gVisor's sandbox does not come up on this host: creating container: ptrace is not allowed. "
            "Leave runsc out of oci_runtimes."
        )


def node(*runtimes: str) -> dict[str, object]:
    return {"metadata": {"labels": {f"runtime.jeroboam.io/{name}": "true" for name in runtimes}}}


async def made_for(*nodes: dict[str, object], there: tuple[str, ...] = ("runc", "crun"), code: int = 201) -> list[str]:
    """The classes that are made in a cluster of these nodes, which has `there` already."""
    made = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/apis/node.k8s.io/v1/runtimeclasses"
        if request.method == "GET":
            return httpx.Response(200, json={"items": [{"metadata": {"name": name}} for name in there]})
        body = json.loads(request.content)
        assert body["scheduling"] == {"nodeSelector": {f"runtime.jeroboam.io/{body['handler']}": "true"}}
        made.append(body["metadata"]["name"])
        return httpx.Response(code, json={})

    client = httpx.AsyncClient(base_url="https://192.0.2.1:6443", transport=httpx.MockTransport(answer))
    await offers.ensure(KubeApi(client), nodes)
    return made


async def test_a_live_cluster_gets_a_class_for_what_later_nodes_bring() -> None:
    assert await made_for(node("crun"), node("crun", "runsc")) == ["runsc"]
    assert await made_for(node("crun", "runsc"), there=("runc",)) == ["crun", "runsc"]
    assert await made_for(node("crun", "runsc"), code=409) == ["runsc"]  # somebody else was faster


async def test_a_live_cluster_gets_no_class_that_it_has_or_that_nobody_knows() -> None:
    assert await made_for(node("crun"), node()) == []
    assert await made_for({"metadata": {}}, there=()) == []
    assert await made_for(node("mine"), there=()) == []

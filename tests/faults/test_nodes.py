"""Faults of real nodes: injected into one Kubernetes cluster on Docker, and read from what the live cluster says."""

import asyncio
import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from tests.e2e.world import Cluster, Service, containers, machines, run, until
from tests.faults.conftest import Sight
from tests.faults.lookalike import free_port, tls_server

from jeroboam import artifacts, pki
from jeroboam.conductor.health import judge, judge_failure
from jeroboam.contracts import Access, CoeHealth, NodeHealth
from jeroboam.domain import Secret
from jeroboam.domain.errors import JeroboamError
from jeroboam.drivers.kubernetes import KubernetesDriver

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(600)]
PROXY = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "registry.invalid,10.89.0.0/16",
}
KUBE_PROXY = ("-n", "kube-system", "daemonset/kube-proxy")


@pytest.fixture(scope="module")
def node_image() -> str:
    return asyncio.run(artifacts.build_node_image()).tag


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("faults") / "data", env={"JEROBOAM_CONDUCTOR__HEALTH_S": "3"})
    service.start()
    yield service
    service.stop()
    assert service.process is not None
    assert service.process.returncode == 0, service.log


@pytest.fixture(scope="module")
def cluster(service: Service, node_image: str) -> Iterator[Cluster]:
    """One control plane, four workers, and a proxy where nobody listens."""
    uuid = service.ask_cluster(service.template("faults", node_image, **PROXY), "faults", node_count=4)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        kubeconfig = service.folder.parent / "kubeconfig"
        service.cli("cluster", "config", uuid, "--file", str(kubeconfig))
        kubectl = artifacts.binary_path(node_image.rpartition(":")[2], "kubectl")
        yield Cluster(uuid, kubeconfig, str(kubectl))
    finally:
        run("docker", "unpause", *containers(uuid, "control-plane"), check=False)
        service.remove(uuid)


@pytest.fixture(scope="module")
def access(cluster: Cluster) -> Access:
    """What the kubeconfig says."""
    found = yaml.safe_load(cluster.kubeconfig.read_text())
    server, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    ca, cert, key = (
        base64.b64decode(text)
        for text in (
            server["certificate-authority-data"],
            user["client-certificate-data"],
            user["client-key-data"],
        )
    )
    return Access(server["server"], ca, cert, Secret(key))


def looked(cluster: Cluster, access: Access) -> CoeHealth | JeroboamError:
    """What the driver sees now."""

    async def ask() -> CoeHealth:
        return await KubernetesDriver().health(access, await machines(cluster.uuid))

    try:
        return asyncio.run(ask())
    except JeroboamError as error:
        return error


def reasons(seen: CoeHealth | JeroboamError) -> dict[str, str]:
    """As the health scan would write it."""
    return dict((judge_failure(seen) if isinstance(seen, JeroboamError) else judge(seen))[1])


def awaited(cluster: Cluster, access: Access, sight: Sight) -> None:
    """Look until the fault is seen, no longer than its time."""

    def there() -> dict[str, str] | None:
        found = reasons(looked(cluster, access))
        return found if any(sight.fault.fits(said) for said in found.values()) else None

    sight.health(until(there, sight.fault.within_s, sight.fault.message, every_s=1))


def inside(node: str, script: str) -> str:
    return run("docker", "exec", node, "bash", "-ec", script)


@pytest.fixture
def pulling(cluster: Cluster) -> Iterator[Callable[[str], None]]:
    """Gives kube-proxy another image; its own comes back afterwards."""
    before = cluster.get(*KUBE_PROXY)["spec"]["template"]["spec"]["containers"][0]["image"]

    def pull(image: str) -> None:
        cluster.kubectl("set", "image", *KUBE_PROXY, f"kube-proxy={image}")

    yield pull
    pull(before)
    cluster.kubectl("rollout", "status", *KUBE_PROXY, "--timeout=60s")


@pytest.mark.fault("registry-unreachable")
def test_a_registry_out_of_reach(
    cluster: Cluster, access: Access, pulling: Callable[[str], None], sight: Sight
) -> None:
    sight.begins()
    pulling("registry.invalid/a:1")
    awaited(cluster, access, sight)


@pytest.mark.fault("proxy-dead")
def test_a_proxy_where_nobody_listens(
    cluster: Cluster, access: Access, pulling: Callable[[str], None], sight: Sight
) -> None:
    sight.begins()
    pulling("registry.example/a:1")
    awaited(cluster, access, sight)


@pytest.mark.fault("registry-wrong-ca")
def test_a_registry_of_a_ca_that_nodes_do_not_know(
    cluster: Cluster, access: Access, pulling: Callable[[str], None], sight: Sight
) -> None:
    gateway = run(
        "docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}", cluster.control_plane
    )
    ca, port = pki.new_authority("registry", "registry", datetime.now(UTC)), free_port()
    with tls_server(port, ca, datetime.now(UTC) - timedelta(hours=1), host=gateway):
        sight.begins()
        pulling(f"{gateway}:{port}/a:1")
        awaited(cluster, access, sight)


@pytest.mark.fault("certificate-unknown")
def test_a_certificate_that_the_cluster_does_not_know(cluster: Cluster, access: Access, sight: Sight) -> None:
    now = datetime.now(UTC)
    other = pki.new_authority("other", "cluster", now)
    cert, key = pki.client_certificate(other, "admin", ["system:masters"], now, timedelta(hours=1))
    sight.begins()
    sight.health(reasons(looked(cluster, replace(access, cert_pem=cert, key_pem=key))))


DISK = """
systemctl stop kubelet
mkdir /run/kept && tar -C /var/lib/kubelet --exclude=./pods -cf /run/kept/kubelet.tar .
mount -t tmpfs -o size=64m tmpfs /var/lib/kubelet
tar -C /var/lib/kubelet -xf /run/kept/kubelet.tar && rm -r /run/kept
systemctl start kubelet
dd if=/dev/zero of=/var/lib/kubelet/fill bs=1M 2>/dev/null || true
"""
MEMORY = """
cat >>/var/lib/kubelet/config.yaml <<END
evictionSoft: {memory.available: 100Ti}
evictionSoftGracePeriod: {memory.available: 1s}
END
systemctl restart kubelet
"""
CRASH = "echo ': [' >>/var/lib/kubelet/config.yaml; systemctl restart kubelet || true"
NO_CNI = "mkdir /root/kept; mv /etc/cni/net.d/* /root/kept/"


@pytest.fixture(scope="module")
def ill(cluster: Cluster) -> float:
    """Four workers, each with a fault of its own; when."""
    began = time.monotonic()
    for node, script in zip(cluster.workers, (DISK, MEMORY, CRASH, NO_CNI), strict=True):
        inside(node, script)
    return began


def awaited_of_node(cluster: Cluster, access: Access, ill: float, number: int, sight: Sight) -> None:
    """Look until the worker says so, no longer than the fault's time."""
    name = cluster.workers[number]
    sight.began = ill

    def there() -> NodeHealth | None:
        seen = looked(cluster, access)
        found = [] if isinstance(seen, JeroboamError) else [node for node in seen.nodes if node.name == name]
        return next((node for node in found if sight.fault.fits(node.reason)), None)

    node = until(there, sight.fault.within_s, sight.fault.message, every_s=1)
    sight.health(dict(judge(CoeHealth(True, (node,), workloads_ready=False))[1]))


@pytest.mark.fault("cni-missing")
def test_a_node_without_its_network_plugin(cluster: Cluster, access: Access, ill: float, sight: Sight) -> None:
    awaited_of_node(cluster, access, ill, 3, sight)


@pytest.mark.fault("node-memory-full")
def test_a_node_whose_memory_is_used_up(cluster: Cluster, access: Access, ill: float, sight: Sight) -> None:
    awaited_of_node(cluster, access, ill, 1, sight)


@pytest.mark.fault("node-disk-full")
def test_a_node_whose_disk_is_full(cluster: Cluster, access: Access, ill: float, sight: Sight) -> None:
    awaited_of_node(cluster, access, ill, 0, sight)


@pytest.mark.fault("kubelet-crash-loop")
def test_a_node_whose_kubelet_keeps_failing(cluster: Cluster, access: Access, ill: float, sight: Sight) -> None:
    awaited_of_node(cluster, access, ill, 2, sight)


@pytest.mark.usefixtures("ill")
def test_the_tenant_reads_it_of_every_node(service: Service, cluster: Cluster) -> None:
    def told() -> dict[str, str] | None:
        found = service.api("GET", f"/v1/clusters/{cluster.uuid}").json()["health_status_reason"]
        return found if all(f"{name}.Reason" in found for name in cluster.workers) else None

    found = until(told, 120, "all four are told")
    assert found["class"] == "user"  # of the first
    assert "kubelet: " in found[f"{cluster.workers[2]}.Reason"]  # its own last words, from the console
    why = service.why(cluster.uuid)
    assert "health: UNHEALTHY\n" in why
    for name in cluster.workers:
        assert f"    {name}: {' '.join(found[f'{name}.Reason'].split())}\n" in why
    assert "Whose move: yours." in why
    assert "Hint: Remove data" in why


@pytest.mark.fault("etcd-gone")
def test_a_control_plane_without_etcd(cluster: Cluster, access: Access, sight: Sight) -> None:
    sight.begins()
    inside(cluster.control_plane, "mv /etc/kubernetes/manifests/etcd.yaml /root/")
    try:
        awaited(cluster, access, sight)
    finally:
        inside(cluster.control_plane, "mv /root/etcd.yaml /etc/kubernetes/manifests/")


@pytest.mark.fault("api-hangs")
def test_an_api_that_answers_nothing(cluster: Cluster, access: Access, sight: Sight) -> None:
    run("docker", "pause", cluster.control_plane)
    sight.begins()
    try:
        awaited(cluster, access, sight)
    finally:
        run("docker", "unpause", cluster.control_plane)


@pytest.fixture(scope="module")
def broken_image(node_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node image whose kubelet ends with an error."""
    tag = "jeroboam/node-kubernetes:faults"
    kubelet = tmp_path_factory.mktemp("broken") / "kubelet"
    kubelet.write_text("#!/bin/sh\necho no kubelet today\nexit 1\n")
    kubelet.chmod(0o755)
    made = run("docker", "create", node_image)
    try:
        run("docker", "cp", str(kubelet), f"{made}:/usr/bin/kubelet")
        run("docker", "commit", made, tag)
    finally:
        run("docker", "rm", "-v", made)
    yield tag
    subprocess.run(["docker", "rmi", tag], capture_output=True, timeout=60, check=False)


@pytest.mark.fault("kubelet-never-up")
def test_a_kubelet_that_never_stays_up(service: Service, broken_image: str, sight: Sight, tmp_path: Path) -> None:
    template = service.template("broken", broken_image)
    sight.begins()
    uuid = service.ask_cluster(template, "broken", node_count=1)
    try:
        service.settle(uuid, "CREATE_FAILED", sight.fault.within_s)
        [operation] = service.api("GET", f"/ext/v1/clusters/{uuid}/operations").json()["operations"]
        shown = service.api("GET", f"/v1/clusters/{uuid}").json()
        sight.document(operation, shown["status_reason"])
        assert "no kubelet today" in service.why(uuid)
    finally:
        service.remove(uuid)

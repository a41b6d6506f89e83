"""What goes wrong ends in a clear message or a clean continuation, and a delete leaves nothing behind."""

import os
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from jeroboam import artifacts

from .world import PROGRAM, SOON_S, Cluster, Service, containers, free_port, run, traces, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(3000)]


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Service]:
    """A service of this test alone, to be killed."""
    service = Service(tmp_path / "data")
    service.start()
    yield service
    service.stop()


def test_kill_9_during_create_and_during_delete(mortal: Service, node_image: str) -> None:
    uuid = mortal.ask_cluster(mortal.template("k8s", node_image), "victim", node_count=1)
    try:
        until(lambda: containers(uuid), SOON_S, "the first node", every_s=0.05)
        mortal.kill()
        mortal.start()
        mortal.settle(uuid, "CREATE_COMPLETE")
        assert len(containers(uuid)) == 2
        assert len(traces(uuid)) == 5  # two nodes with a volume each, and a network
        assert mortal.api("DELETE", f"/v1/clusters/{uuid}").status_code == 204
        mortal.kill()
        mortal.start()
        mortal.settle(uuid, "GONE", 120)
        assert traces(uuid) == []
    finally:
        mortal.remove(uuid)


def test_a_worker_that_dies_during_the_create_is_started_again(service: Service, node_image: str) -> None:
    uuid = service.ask_cluster(service.template("dies", node_image), "dies", node_count=1)
    try:
        [worker] = until(lambda: containers(uuid, "worker"), SOON_S, "the worker", every_s=0.05)
        run("docker", "kill", worker)
        service.settle(uuid, "CREATE_COMPLETE")
        assert containers(uuid, "worker") == [worker]
    finally:
        service.remove(uuid)


@pytest.fixture
def dead_image(node_image: str) -> Iterator[str]:
    """An image that says it is a node and never boots."""
    tag = "jeroboam/node-kubernetes:dead"
    hello = artifacts.binary_path(node_image.rpartition(":")[2], "hello")
    tar = subprocess.run(["tar", "-C", str(hello.parent), "-c", "hello"], capture_output=True, check=True).stdout
    words = {"jeroboam.node-image": "1", "os_distro": "debian", "kube_version": "v1.34.4", "jeroboam.coe": "kubernetes"}
    changes = [f"LABEL {key}={value}" for key, value in words.items()] + ['CMD ["/hello", "sleep"]']
    options = [word for change in changes for word in ("--change", change)]
    subprocess.run(["docker", "import", *options, "-", tag], input=tar, check=True, capture_output=True)
    yield tag
    run("docker", "rmi", tag)


def test_a_node_that_never_boots_fails_with_its_name_and_its_step(service: Service, dead_image: str) -> None:
    uuid = service.ask_cluster(service.template("dead", dead_image), "dead", node_count=1, create_timeout=1)
    try:
        service.settle(uuid, "CREATE_FAILED", 120)
        shown = service.api("GET", f"/v1/clusters/{uuid}").json()
        assert "did not finish within its time limit" in shown["status_reason"]
        assert "dead-" in shown["status_reason"]
        assert set(shown["faults"]) == {"default-master", "default-worker"}
        why = service.why(uuid)
        assert "CREATE_FAILED" in why
        assert "boot" in why
        assert "Whose move: the operator's" in why
        assert re.search(r"dead-\w+-default-worker-0 had not finished its bootstrap when the time was up", why)
        assert service.api("POST", f"/v1/clusters/{uuid}/actions/upgrade").status_code in (400, 406)
    finally:
        service.remove(uuid)


def test_two_clusters_do_not_know_each_other(
    service: Service, cluster: Cluster, node_image: str, tmp_path: Path
) -> None:
    other = service.ask_cluster(service.template("other", node_image), "other", node_count=1)
    try:
        service.settle(other, "CREATE_COMPLETE")
        service.cli("cluster", "config", other, "--file", str(tmp_path / "config"))
        stranger = Cluster(other, tmp_path / "config", cluster.program)
        assert len(stranger.ready_nodes()) == 2
        mine = service.api("GET", f"/v1/clusters/{cluster.uuid}").json()["api_address"]
        said = subprocess.run(
            [
                cluster.program,
                f"--kubeconfig={stranger.kubeconfig}",
                f"--server={mine}",
                "--insecure-skip-tls-verify",
                "get",
                "nodes",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.returncode != 0
        assert "Unauthorized" in said.stderr or "must be logged in" in said.stderr, said.stderr
        address = run("docker", "inspect", "-f", _ADDRESS, cluster.workers[0])
        probe = f"timeout 3 bash -c 'echo >/dev/tcp/{address}/10250'"
        assert run("docker", "exec", stranger.workers[0], "sh", "-c", probe + " && echo open", check=False) == ""
        assert run("docker", "exec", cluster.control_plane, "sh", "-c", probe + " && echo open") == "open"
    finally:
        service.remove(other)


_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({"name": "9lives"}, 400, "name"),
        ({"node_count": -1}, 400, "node_count"),
        ({"master_count": 2}, 400, "cannot be an even number"),
        ({"labels": {"kube_tag": "v1.2.3"}}, 400, "holds Kubernetes"),
        ({"labels": {"flannel_network_cidr": "everything"}}, 400, "flannel_network_cidr = everything"),
        ({"flavor_id": "enormous"}, 400, "Unable to find flavor enormous."),
        ({"cluster_template_id": "nowhere"}, 404, "ClusterTemplate nowhere could not be found."),
        ({"keypair": "nobody"}, 404, "Unable to find keypair nobody."),
    ],
)
def test_a_bad_wish_is_refused_and_nothing_is_made(
    service: Service, node_image: str, body: dict[str, Any], status: int, part: str
) -> None:
    template = service.template("wish", node_image)
    before = service.cli("cluster", "list")
    wish = {"name": "wish", "cluster_template_id": template, "node_count": 1, **body}
    headers = {"OpenStack-API-Version": "container-infra latest"}
    answer = service.api("POST", "/v1/clusters", json=wish, headers=headers)
    assert (answer.status_code, part in answer.json()["errors"][0]["detail"]) == (status, True), answer.text
    assert [one["uuid"] for one in service.cli("cluster", "list")] == [one["uuid"] for one in before]


def test_an_image_that_is_not_there_is_refused_with_the_way_to_it(service: Service) -> None:
    body = {"name": "x", "coe": "kubernetes", "image_id": "no-such-image", "external_network_id": "public"}
    answer = service.api("POST", "/v1/clustertemplates", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"].startswith("Image no-such-image could not be found.")


def test_no_docker_and_a_taken_port_are_told_in_one_sentence(service: Service, tmp_path: Path) -> None:
    def up(port: int, env: dict[str, str]) -> str:
        argv = [*PROGRAM, "up", "--data", str(tmp_path / f"data-{port}"), "--port", str(port)]
        done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    absent = up(free_port(), {"JEROBOAM_DOCKER__HOST": f"unix://{tmp_path}/none.sock"})
    assert f"No Docker daemon answers at unix://{tmp_path}/none.sock" in absent
    assert "Start Docker" in absent
    taken = up(service.port, {})
    assert f"Port {service.port}" in taken or f"port {service.port}" in taken


def test_the_api_answers_while_docker_does_not_know_a_cluster_any_more(service: Service, node_image: str) -> None:
    """Somebody removes all nodes by hand: the service says so, and delete still works."""
    uuid = service.ask_cluster(service.template("robbed", node_image), "robbed", node_count=1)
    try:
        service.settle(uuid, "CREATE_COMPLETE")
        for node in containers(uuid):
            run("docker", "rm", "-fv", node)
        until(partial(_unhealthy, service, uuid), 150, "health shows it", every_s=2)
    finally:
        service.remove(uuid)


def _unhealthy(service: Service, uuid: str) -> bool:
    shown = service.api("GET", f"/v1/clusters/{uuid}").json()
    return shown["health_status"] == "UNHEALTHY" and "does not answer" in shown["health_status_reason"]["api"]


def test_nothing_but_loopback_is_listened_on(service: Service) -> None:
    for host in run("hostname", "-I").split()[:1]:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{host}:{service.port}/", timeout=3, trust_env=False)

"""Sudden ends of nodes and of the service, in the middle of several operations at once: all go on, nothing is left."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .world import SOON_S, Cluster, Service, containers, run, sweep, traces, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.sockets, pytest.mark.timeout(600)]
ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


@contextmanager
def watched(nodes: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A `docker wait` for each node: it ends as soon as its node has ended."""
    watches = [subprocess.Popen(["docker", "wait", node], stdout=subprocess.DEVNULL) for node in nodes]
    try:
        yield watches
    finally:
        for watch in watches:
            watch.kill()
            watch.wait(10)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Service, list[str]]]:
    """A service to be killed, and the list in which its test notes its clusters."""
    service, clusters = Service(tmp_path / "data"), list[str]()
    service.start()
    yield service, clusters
    with suppress(AssertionError):
        service.stop()
    for uuid in clusters:
        sweep(uuid)


def test_two_creates_and_two_deletes_survive_kill_9_and_a_dead_control_plane(
    made: tuple[Service, list[str]], node_image: str, kubectl_program: str, tmp_path: Path
) -> None:
    service, clusters = made
    template = service.template("pair", node_image)
    clusters += [service.ask_cluster(template, name, node_count=1) for name in ("castor", "pollux")]
    until(lambda: all(len(containers(uuid)) == 2 for uuid in clusters), SOON_S, "all four nodes run", every_s=0.05)
    run("docker", "kill", *containers(clusters[0], "control-plane"))
    service.kill()
    assert {len(traces(uuid)) for uuid in clusters} == {5}
    service.start()
    for uuid in clusters:
        service.settle(uuid, "CREATE_COMPLETE")
        assert len(traces(uuid)) == 5  # two nodes with a volume each, and a network: none made twice
    assert len({service.api("GET", f"/v1/clusters/{uuid}").json()["api_address"] for uuid in clusters}) == 2
    for uuid in clusters:
        file = tmp_path / uuid
        service.cli("cluster", "config", uuid, "--file", str(file))
        assert Cluster(uuid, file, kubectl_program).ready_nodes() == containers(uuid)

    with watched([node for uuid in clusters for node in containers(uuid)]) as watches:
        for uuid in clusters:
            assert service.api("DELETE", f"/v1/clusters/{uuid}").status_code == 204
        until(lambda: any(watch.poll() is not None for watch in watches), SOON_S, "a node is removed", every_s=0.01)
        service.kill()
    assert any(traces(uuid) for uuid in clusters), "the kill came too late to show anything"
    service.start()
    for uuid in clusters:
        service.settle(uuid, "GONE", 120)
        assert traces(uuid) == []


def test_a_restarted_worker_keeps_its_address_and_reports_again(cluster: Cluster) -> None:
    worker = cluster.workers[0]
    before = run("docker", "inspect", "-f", ADDRESS, worker)
    began = datetime.now(UTC)
    run("docker", "restart", "-t", "5", worker)
    assert run("docker", "inspect", "-f", ADDRESS, worker) == before

    def reported() -> bool:
        """Its lease is younger than the restart: it is not just that nobody has missed it yet."""
        renewed = cluster.get("lease", worker, "-n", "kube-node-lease")["spec"]["renewTime"]
        return datetime.fromisoformat(renewed) > began and worker in cluster.ready_nodes()

    until(reported, SOON_S, f"{worker} is Ready again", every_s=1)
    [address] = [
        one["address"] for one in cluster.get("node", worker)["status"]["addresses"] if one["type"] == "InternalIP"
    ]
    assert address == before


def test_an_image_that_vanished_after_the_template_was_made_is_told_before_anything_starts(
    service: Service, node_image: str
) -> None:
    tag = f"jeroboam-e2e/vanishing:{time.monotonic_ns()}"
    run("docker", "tag", node_image, tag)
    try:
        template = service.template("vanishing", tag)
    finally:
        run("docker", "rmi", tag)
    answer = service.api("POST", "/v1/clusters", json={"name": "vanishing", "cluster_template_id": template})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"].startswith(f"Image {tag} could not be found.")
    assert "vanishing" not in json.dumps(service.cli("cluster", "list"))

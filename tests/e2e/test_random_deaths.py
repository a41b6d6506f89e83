"""kill -9 of conductors and of the database at random moments, while clusters on real Docker are created, resized and deleted: at the
end all are as asked, and Docker holds nothing else. One tenant asks for swarms all the time, another for a Kubernetes cluster first.
JEROBOAM_SEED draws other deaths, JEROBOAM_KILLS more of them.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.processes import Stage

from .installation import Installation, Tenant, installation
from .world import PROGRAM, SOON_S, Cluster, containers, run, traces, until

pytestmark = [pytest.mark.docker, pytest.mark.kubernetes, pytest.mark.postgresql, pytest.mark.sockets]
DATABASE = "the database"
KILLS = int(os.environ.get("JEROBOAM_KILLS", "20"))
SETTLED_WITHIN_S = 600.0  # on a very busy machine; on a quiet one it takes half a minute


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(Stage(tmp_path_factory.mktemp("deaths"))) as made:
        yield made


@pytest.fixture
def tenant(place: Installation, swarm_image: str) -> Tenant:
    return tenant_of(place, "swarm", swarm_image)


@pytest.fixture
def other(place: Installation, node_image: str) -> Tenant:
    return tenant_of(place, "kubernetes", node_image)


def tenant_of(place: Installation, coe: str, image: str) -> Tenant:
    """Somebody who asks for clusters of this kind."""
    body = {"name": coe, "coe": coe, "image_id": image, "external_network_id": "public"}
    made = place.ask("POST", "/v1/clustertemplates", body)
    assert made.status_code == 201, made.text
    return Tenant(place, made.json()["uuid"], f"deaths{uuid.uuid4().hex[:6]}")


def deaths(chance: random.Random, kills: int) -> list[list[str]]:
    """Who dies together, one after the other: a fifth of the kills are of the database, two fifths of both conductors at once."""
    share = kills // 5
    alone = [["a", "b"][number % 2] for number in range(kills - 3 * share)]
    drawn = [[DATABASE]] * share + [["a", "b"]] * share + [[name] for name in alone]
    chance.shuffle(drawn)
    return drawn


@pytest.mark.timeout(1500 + 30 * KILLS)
def test_whatever_dies_and_when_the_clusters_are_as_asked(
    place: Installation, tenant: Tenant, other: Tenant, kubectl_program: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("JEROBOAM_SEED", "6"))
    chance = random.Random(seed)
    print(f"seed {seed}")
    began, drawn = time.monotonic(), deaths(chance, KILLS)
    print(f"{time.monotonic() - began:6.1f} s: {other.create_one(1)}, Kubernetes")
    for victims in drawn:
        print(f"{time.monotonic() - began:6.1f} s: {tenant.wish(chance)}")
        time.sleep(chance.uniform(0.2, 4))
        print(f"{time.monotonic() - began:6.1f} s: kill -9 of {' and '.join(victims)}")
        if victims == [DATABASE]:
            place.kill_database(chance.uniform(0.2, 3))
        else:
            place.kill(*victims)
    for one in (tenant, other):
        settle(place, one)
    killed = [name for victims in drawn for name in victims]
    told = f"{len(killed)} kills, {killed.count(DATABASE)} of them of the database"
    print(f"{time.monotonic() - began:6.1f} s: all is as asked after {told}")
    for name in tenant.alive:
        is_as_asked(place, tenant, name, tmp_path)
    [name] = other.alive
    is_ready(place, other, name, tmp_path / "kubeconfig", kubectl_program)
    for one in (tenant, other):
        everything_ended_well(place, one)
        holds_nothing_but(one, one.alive)
        for name in one.alive:
            one.delete_one(name)
    for one in (tenant, other):
        settle(place, one)
        holds_nothing_but(one, [])


def settle(place: Installation, tenant: Tenant) -> None:
    """Until nothing is under way any more. A conductor that found no database at its start is started again meanwhile."""

    def settled() -> bool:
        place.revive()
        seen = {name: status(place, tenant, name) for name in tenant.wished}
        failed = [name for name, word in seen.items() if word.endswith("_FAILED")]
        assert not failed, "\n".join(place.why(tenant.uuids[name]) for name in failed)
        wanted = {
            name: ("GONE",) if workers is None else ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            for name, workers in tenant.wished.items()
        }
        return all(seen[name] in wanted[name] for name in seen)

    until(settled, SETTLED_WITHIN_S, "every cluster is as asked")


def status(place: Installation, tenant: Tenant, name: str) -> str:
    answer = place.ask("GET", f"/v1/clusters/{tenant.uuids[name]}")
    return "GONE" if answer.status_code == 404 else str(answer.json()["status"])


def is_as_asked(place: Installation, tenant: Tenant, name: str, folder: Path) -> None:
    """By the API, by Docker, and by the swarm's own word."""
    cluster, workers = tenant.uuids[name], tenant.wished[name]
    assert workers is not None
    assert place.ask("GET", f"/v1/clusters/{cluster}").json()["node_count"] == workers
    nodes = containers(cluster)
    assert (len(containers(cluster, "control-plane")), len(nodes)) == (1, 1 + workers)
    env = {"JEROBOAM_URL": place.api.url, "DOCKER_CONFIG": str(folder)}
    run(*PROGRAM, "cluster", "config", cluster, env=env)
    said = run("docker", "--context", name, "node", "ls", "--format", "{{json .}}", env=env)
    members = [json.loads(line) for line in said.splitlines()]
    assert sorted(one["Hostname"] for one in members) == nodes
    assert {(one["Status"], one["Availability"]) for one in members} == {("Ready", "Active")}
    until(lambda: _healthy(place, cluster), SOON_S, f"{name} is healthy by the API")


def is_ready(place: Installation, tenant: Tenant, name: str, kubeconfig: Path, program: str) -> None:
    """A Kubernetes cluster, by its own word."""
    cluster = tenant.uuids[name]
    assert len(containers(cluster)) == 1 + (tenant.wished[name] or 0)
    run(*PROGRAM, "cluster", "config", cluster, "--file", str(kubeconfig), env={"JEROBOAM_URL": place.api.url})
    assert Cluster(cluster, kubeconfig, program).ready_nodes() == containers(cluster)
    until(lambda: _healthy(place, cluster), SOON_S, f"{name} is healthy by the API")


def _healthy(place: Installation, cluster: str) -> bool:
    return bool(place.ask("GET", f"/v1/clusters/{cluster}").json()["health_status"] == "HEALTHY")


def everything_ended_well(place: Installation, tenant: Tenant) -> None:
    """No operation failed or is left. What a deletion overtook is superseded or cancelled."""
    for name, cluster in tenant.uuids.items():
        found = place.ask("GET", f"/ext/v1/clusters/{cluster}/operations").json()["operations"]
        states = {one["state"] for one in found}
        assert states <= (
            {"succeeded"} if tenant.wished[name] is not None else {"succeeded", "superseded", "cancelled"}
        ), found
        assert [one["kind"] for one in found].count("create") == 1


def holds_nothing_but(tenant: Tenant, names: list[str]) -> None:
    """Docker has of every cluster of this tenant its nodes, a volume for each, and a network."""
    expected = {name: 2 * (1 + (tenant.wished[name] or 0)) + 1 for name in names}
    assert {name: len(traces(tenant.uuids[name])) for name in names} == expected
    kinds = (("ps", "-a", "--format", "{{.Names}}"), ("volume", "ls", "-q"), ("network", "ls", "--format", "{{.Name}}"))
    found = [word for kind in kinds for word in run("docker", *kind).split() if tenant.prefix in word]
    assert len(found) == sum(expected.values()), found

"""`jeroboam serve` on PostgreSQL, end to end with the fake provider, and what it does while its database is away."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.processes import Service, Stage

from jeroboam.testing.postgres import PostgresServer

pytestmark = [pytest.mark.postgresql, pytest.mark.sockets, pytest.mark.timeout(300)]
PASSES_WITHIN_S = 60.0  # on a busy machine; here it takes one or two seconds
LATEST = {"OpenStack-API-Version": "container-infra 1.14"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for service in made.services:
        service.kill()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that the test may stop."""
    with PostgresServer() as made:
        made.execute("CREATE ROLE app LOGIN")  # owns its database and may do nothing else, as the docs advise
        made.execute("CREATE DATABASE app OWNER app TEMPLATE template0")
        yield made


@pytest.fixture
def service(stage: Stage, server: PostgresServer) -> Service:
    """`jeroboam serve`, as an operator configures it."""
    lines = [
        "[DEFAULT]",
        f"state_path = {stage.data}",
        "[api]",
        f"port = {stage.port}",
        "[database]",
        f"connection = {server.url('app', 'postgresql', role='app')}",
        "[identity]",
        "mode = none",
        "[provider]",
        "default = fake",
    ]
    file = stage.folder / "jeroboam.conf"
    file.write_text("\n".join(lines))
    made = stage.start("serve", "--config", str(file))
    made.await_answer()
    return made


def resize(service: Service, uuid: str, nodes: int) -> None:
    path = f"{service.url}/v1/clusters/{uuid}/actions/resize"
    assert httpx.post(path, json={"node_count": nodes}, headers=LATEST, timeout=30).status_code == 202


def await_gone(service: Service, uuid: str) -> None:
    ends = time.monotonic() + PASSES_WITHIN_S
    while httpx.get(f"{service.url}/v1/clusters/{uuid}", timeout=10).status_code != 404:
        assert time.monotonic() < ends, f"{uuid} is still there; {service.err}"
        time.sleep(0.05)


def test_a_cluster_is_made_resized_and_deleted_on_postgresql(service: Service) -> None:
    uuid = service.create_cluster(workers=1)
    service.await_status(uuid, "CREATE_COMPLETE", PASSES_WITHIN_S)
    resize(service, uuid, 3)
    service.await_status(uuid, "UPDATE_COMPLETE", PASSES_WITHIN_S)
    assert service.call("GET", f"/v1/clusters/{uuid}")["node_count"] == 3
    kinds = [o["kind"] for o in service.call("GET", f"/ext/v1/clusters/{uuid}/operations")["operations"]]
    assert kinds == ["resize", "create"]
    assert httpx.delete(f"{service.url}/v1/clusters/{uuid}", timeout=10).status_code == 204
    await_gone(service, uuid)


def test_without_its_database_it_says_so_and_goes_on_when_it_is_back(service: Service, server: PostgresServer) -> None:
    uuid = service.create_cluster(workers=1)
    service.await_status(uuid, "CREATE_COMPLETE", PASSES_WITHIN_S)
    template = service.call("GET", "/v1/clustertemplates")["clustertemplates"][0]["uuid"]
    resize(service, uuid, 4)
    server.stop()
    wish = {"name": "second", "cluster_template_id": template}
    for answer in (
        httpx.get(f"{service.url}/v1/clusters", timeout=10),
        httpx.get(f"{service.url}/v1/clusters/{uuid}", timeout=10),
        httpx.get(f"{service.url}/v1/clustertemplates", timeout=10),
        httpx.get(f"{service.url}/v1/stats", timeout=10),
        httpx.post(f"{service.url}/v1/clusters", json=wish, timeout=10),
        httpx.delete(f"{service.url}/v1/clusters/{uuid}", timeout=10),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), answer.text
        assert answer.json()["errors"][0]["detail"] == "The database does not answer."
    answer = httpx.get(f"{service.url}/healthcheck", timeout=10)
    assert (answer.status_code, answer.text) == (503, "The database does not answer.")
    assert answer.headers["Retry-After"] == "1"
    server.start()
    assert [row["uuid"] for row in service.call("GET", "/v1/clusters")["clusters"]] == [uuid]
    service.await_status(uuid, "UPDATE_COMPLETE", PASSES_WITHIN_S)
    assert service.call("GET", f"/v1/clusters/{uuid}")["node_count"] == 4
    assert httpx.delete(f"{service.url}/v1/clusters/{uuid}", timeout=10).status_code == 204
    await_gone(service, uuid)
    assert service.process.poll() is None


def test_a_database_that_is_not_there_at_the_start_is_named(stage: Stage) -> None:
    url = f"postgresql://nobody@/none?host={stage.folder}"
    refused = stage.start(
        "serve",
        JEROBOAM_PROVIDER__DEFAULT="fake",
        JEROBOAM_DATABASE__CONNECTION=url,
        JEROBOAM_API__PORT=str(stage.port),
    )
    assert refused.end() == 1
    assert "jeroboam: The database does not answer." in refused.err
    assert '"why": "[Errno 2] No such file or directory"' in refused.err

"""Which request is taken in which state of a cluster (4.4), and what becomes of those that are taken and cannot be done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.domain import Status

from .wire import detail, replace

if TYPE_CHECKING:
    from tests.api.conftest import Api

SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
LIVE = SETTLED | {"UPDATE_FAILED", "UPDATE_IN_PROGRESS"}
GOING = {"DELETE_IN_PROGRESS", "DELETE_FAILED", "DELETE_COMPLETE"}
STATES = [str(status) for status in Status]
UPGRADE = 'Upgrading a cluster when status is "{}" is not supported.'
ROTATE_CA = 'Updating a cluster when status is "{}" is not supported.'
CREDENTIALS = 'Rotating credentials when cluster status is "{}" is not supported.'

# method, path, body, states in which it is begun, its refusal in the others (None: 202 and told in the timeline)
TABLE: list[tuple[str, str, Any, set[str], str | None]] = [
    ("PATCH", "/v1/clusters/demo", [replace("/node_count", 3)], set(STATES) - GOING, None),
    ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 3}, set(STATES) - GOING, None),
    ("POST", "/v1/clusters/demo/actions/upgrade", {"cluster_template": "k8s"}, SETTLED, UPGRADE),
    ("PATCH", "/v1/certificates/demo", None, SETTLED, ROTATE_CA),
    ("PATCH", "/v1/credentials/demo", None, LIVE, CREDENTIALS),
    (
        "PATCH",
        "/v1/clusters/demo/nodegroups/default-worker",
        [replace("/max_node_count", 9)],
        set(STATES) - GOING,
        None,
    ),
]


def put_into(folder: Path, status: str) -> None:
    with closing(sqlite3.connect(folder / "api.sqlite")) as database, database:
        database.execute("UPDATE clusters SET status = ?, deleting = ?", (status, status in GOING))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("method", "path", "body", "taken", "refusal"),
    TABLE,
    ids=["patch", "resize", "upgrade", "ca", "credentials", "group"],
)
async def test_what_is_taken_in_which_state(
    member: Api,
    demo: str,
    tmp_path: Path,
    method: str,
    path: str,
    body: Any,
    taken: set[str],
    refusal: str | None,
    state: str,
) -> None:
    put_into(tmp_path, state)
    before = await member.stage.store.list_operations(demo)
    answer = await member.at("latest").call(method, path, json=body)
    operations = await member.stage.store.list_operations(demo)
    if state in taken:
        assert answer.status_code in (200, 202), answer.text
        assert (len(operations), operations[0].state) == (len(before) + 1, "queued")
    elif refusal is not None:
        assert (answer.status_code, detail(answer)) == (400, refusal.format(state))
        assert operations == before
    else:
        assert answer.status_code == 202, answer.text
        assert (len(operations), operations[0].state) == (len(before) + 1, "superseded")
        assert operations[0].error == "Not begun: the cluster is being deleted."


@pytest.mark.parametrize("state", STATES)
async def test_a_group_is_added_in_any_state_but_a_deletion(member: Api, demo: str, tmp_path: Path, state: str) -> None:
    put_into(tmp_path, state)
    answer = await member.at("latest").post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 1})
    if state in GOING:
        assert (answer.status_code, detail(answer)) == (409, f"Cluster {demo} is being deleted.")
    else:
        assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("state", STATES)
async def test_deletions_and_certificates_are_there_in_any_state(
    member: Api, demo: str, tmp_path: Path, state: str
) -> None:
    put_into(tmp_path, state)
    assert (await member.get("/v1/certificates/demo")).status_code == 200
    assert (await member.delete("/v1/clusters/demo")).status_code == 204


async def test_what_groups_show_while_and_after_they_change(member: Api, demo: str) -> None:
    at = member.at("latest")

    async def seen(name: str) -> tuple[str, str]:
        cluster = (await at.get("/v1/clusters/demo")).json()["status"]
        return cluster, (await at.get(f"/v1/clusters/demo/nodegroups/{name}")).json()["status"]

    await at.post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 1})
    assert await seen("more") == ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS")
    assert await member.finished(demo) == "succeeded"
    assert await seen("more") == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    assert await seen("default-worker") == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    await at.patch("/v1/clusters/demo/nodegroups/more", [replace("/max_node_count", 3)])
    assert await seen("more") == ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
    assert await member.finished(demo) == "succeeded"
    assert await seen("more") == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    await at.delete("/v1/clusters/demo/nodegroups/more")
    assert await seen("more") == ("UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
    assert await member.finished(demo) == "succeeded"
    assert (await at.get("/v1/clusters/demo/nodegroups/more")).status_code == 404
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "UPDATE_COMPLETE"

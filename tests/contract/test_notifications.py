"""Section 9.1: which requests are told to whoever listens, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.notify import cadf

from .test_states_to_the_letter import put_into
from .wire import add, detail, replace

if TYPE_CHECKING:
    from tests.api.conftest import Api

RESIZE = ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 3})
UPGRADE = ("POST", "/v1/clusters/demo/actions/upgrade", {"cluster_template": "k8s"})
PATCH = ("PATCH", "/v1/clusters/demo", [replace("/node_count", 3)])
ROTATE = ("PATCH", "/v1/certificates/demo", None)
RENEW = ("PATCH", "/v1/credentials/demo", None)
GROUPS = "/v1/clusters/demo/nodegroups"


@pytest.fixture
def store(member: Api) -> Any:
    """Its outbox is kept from here on."""
    kept: Any = member.stage.store
    kept.record_events = True
    return kept


async def told(store: Any) -> list[tuple[str, str, str | None]]:
    """Everything in the outbox in its order, which is empty then."""
    found = []
    while events := await store.due_events(50):
        for event in events:
            found.append((cadf.event_type(event), event.outcome, event.reason))
            await store.close_event(event.id)
    return found


UPDATE = "magnum.cluster.update"
BEING_DELETED = "Not begun: the cluster is being deleted."


@pytest.mark.parametrize(
    ("call", "state", "status", "reason"),
    [
        (UPGRADE, "UPDATE_FAILED", 400, 'Upgrading a cluster when status is "UPDATE_FAILED" is not supported.'),
        (UPGRADE, "DELETE_FAILED", 400, 'Upgrading a cluster when status is "DELETE_FAILED" is not supported.'),
        (ROTATE, "CREATE_FAILED", 400, 'Updating a cluster when status is "CREATE_FAILED" is not supported.'),
        (RENEW, "CREATE_FAILED", 400,
         'Rotating credentials when cluster status is "CREATE_FAILED" is not supported.'),
        (RESIZE, "DELETE_IN_PROGRESS", 202, BEING_DELETED),
        (PATCH, "DELETE_IN_PROGRESS", 202, BEING_DELETED),
    ],
)  # fmt: skip
async def test_what_the_state_does_not_allow_is_a_failed_update(
    member: Api, demo: str, store: Any, tmp_path: Path, call: Any, state: str, status: int, reason: str
) -> None:
    put_into(tmp_path, state)
    method, path, body = call
    answer = await member.at("latest").call(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert await told(store) == [(UPDATE, "failure", reason)]


async def test_what_a_deletion_overtakes_is_a_failed_update(member: Api, demo: str, store: Any) -> None:
    method, path, body = RESIZE
    assert (await member.at("latest").call(method, path, json=body)).status_code == 202
    assert (await member.delete("/v1/clusters/demo")).status_code == 204
    assert await member.finished(demo) == "succeeded"
    assert await told(store) == [
        (UPDATE, "failure", BEING_DELETED),
        ("magnum.cluster.delete", "pending", None),
        ("magnum.cluster.delete", "success", None),
    ]


async def test_what_is_cancelled_ends_as_a_failure_for_whoever_listens(member: Api, store: Any) -> None:
    uuid = await member.cluster()
    [create] = (await member.get(f"/ext/v1/clusters/{uuid}/operations")).json()["operations"]
    method, path, body = RESIZE
    assert (await member.at("latest").call(method, path, json=body)).status_code == 202
    [resize, _] = (await member.get(f"/ext/v1/clusters/{uuid}/operations")).json()["operations"]
    for one in (resize, create):
        assert (await member.post(f"/ext/v1/operations/{one['uuid']}/cancel")).status_code == 202
    stopped = await store.get_operation(create["uuid"])
    assert (await member.stage.run(stopped)).state == "cancelled"
    found = [(kind, outcome, (reason or "").partition(" req-")[0]) for kind, outcome, reason in await told(store)]
    assert found == [
        (UPDATE, "failure", "Not begun: cancelled by request"),
        ("magnum.cluster.create", "pending", ""),
        ("magnum.cluster.create", "failure", "Stopped: cancelled by request"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/v1/clusters/demo", [add("/labels/x", "y")], 400),
        ("PATCH", "/v1/clusters/demo", [replace("/node_count", 2)], 202),
        ("PATCH", "/v1/clusters/demo", [replace("/health_status", "HEALTHY")], 202),
        ("POST", "/v1/clusters/demo/actions/resize", {"node_count": -1}, 400),
        ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 1, "nodes_to_remove": ["nope"]}, 400),
        ("POST", "/v1/clusters/demo/actions/upgrade", {"cluster_template": "nope"}, 404),
        ("POST", "/v1/clusters", {"cluster_template_id": "nope"}, 404),
        ("POST", "/v1/certificates", {"cluster_uuid": "demo", "csr": "x"}, 400),
        ("DELETE", "/v1/clusters/nope", None, 404),
        ("GET", "/v1/clusters/demo", None, 200),
        ("PATCH", "/v1/clustertemplates/k8s", [replace("/name", "new")], 200),
    ],
)
async def test_what_is_refused_for_another_reason_or_changes_nothing_is_not_told(
    member: Api, demo: str, store: Any, method: str, path: str, body: Any, status: int
) -> None:
    assert (await member.at("latest").call(method, path, json=body)).status_code == status
    assert await told(store) == []


async def test_what_policy_refuses_is_not_told(member: Api, demo: str, store: Any) -> None:
    for method, path, body in (RESIZE, UPGRADE, PATCH, ROTATE, RENEW):
        answer = await member.as_("user-1", roles="reader").at("latest").call(method, path, json=body)
        assert (answer.status_code, detail(answer)[:20]) == (403, "Policy doesn't allow")
    assert await told(store) == []


@pytest.mark.parametrize("call", [RESIZE, PATCH, UPGRADE, ROTATE, RENEW])
async def test_what_is_done_is_told_twice(member: Api, demo: str, store: Any, call: Any) -> None:
    method, path, body = call
    assert (await member.at("latest").call(method, path, json=body)).status_code == 202
    assert await told(store) == []
    assert await member.finished(demo) == "succeeded"
    assert await told(store) == [(UPDATE, "pending", None), (UPDATE, "success", None)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", GROUPS, {"name": "n"}),
        ("PATCH", f"{GROUPS}/default-worker", [replace("/max_node_count", 9)]),
    ],
)
async def test_node_groups_are_silent(member: Api, demo: str, store: Any, method: str, path: str, body: Any) -> None:
    assert (await member.at("latest").call(method, path, json=body)).status_code == 202
    assert await member.finished(demo) == "succeeded"
    assert await told(store) == []


CADF = "typeURI eventType id eventTime action outcome initiator observer target"
DATA = (
    "id name status status_reason project_id user_id created_at updated_at cluster_template_id keypair labels flavor_id "
    "master_flavor_id docker_volume_size stack_id health_status create_timeout api_address coe_version container_version "
    "master_addresses node_addresses master_count node_count"
)


async def test_the_event_to_the_letter(member: Api, store: Any) -> None:
    uuid = await member.cluster(node_count=2)
    assert await member.finished(uuid) == "succeeded"
    [pending] = await store.due_events(5)
    assert (cadf.event_type(pending), cadf.priority(pending)) == ("magnum.cluster.create", "INFO")
    body = cadf.payload(pending)
    assert set(body) == set(CADF.split())
    assert (body["eventType"], body["action"], body["outcome"]) == ("activity", "create", "pending")
    who = body["initiator"]
    assert (who["typeURI"], who["user_id"], who["project_id"]) == (
        "service/security/account/user",
        "user-1",
        "project-1",
    )
    assert body["observer"]["typeURI"] == body["target"]["typeURI"] == "service/magnum/cluster"
    assert (body["target"]["id"], body["target"]["name"]) == (uuid, "demo")
    [attachment] = body["target"]["attachments"]
    assert (attachment["name"], set(attachment["content"])) == ("cluster_data", set(DATA.split()))

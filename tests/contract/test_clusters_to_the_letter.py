"""Sections 2.4, 4.1 and 5.1: every field of a cluster; the views; faults; labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.contracts import GroupStatus, StatusChange
from jeroboam.domain import OperationState, Status

from .wire import WRONG, add, detail, remove, replace

if TYPE_CHECKING:
    from tests.api.conftest import Api

SHORT = (
    "uuid name cluster_template_id keypair docker_volume_size labels node_count master_count status "
    "health_status master_flavor_id flavor_id create_timeout cluster_id links merge_labels"
)
MORE = (
    "labels_overridden labels_added labels_skipped status_reason health_status_reason discovery_url api_address "
    "coe_version container_version project_id user_id node_addresses master_addresses fixed_network fixed_subnet "
    "floating_ip_enabled master_lb_enabled created_at updated_at"
)


async def test_the_keys_of_both_views(member: Api, demo: str) -> None:
    asked = member.at("1.14")
    assert set((await asked.get("/v1/clusters")).json()["clusters"][0]) == set(SHORT.split())
    assert set((await asked.get("/v1/clusters/detail")).json()["clusters"][0]) == set(f"{SHORT} {MORE}".split())
    assert set((await asked.get(f"/v1/clusters/{demo}")).json()) == set(f"{SHORT} {MORE}".split())


@pytest.mark.parametrize("field", ["keypair", "flavor_id", "master_flavor_id", "fixed_network", "fixed_subnet", "name"])
async def test_texts(member: Api, field: str) -> None:
    await member.template()
    most = 242 if field == "name" else 255
    for value, reason in (
        ("", "Value should have a minimum character requirement of 1"),
        ("x" * (most + 1), f"Value should have a maximum character requirement of {most}"),
        (5, "Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ):
        answer = await member.post("/v1/clusters", {"cluster_template_id": "k8s", field: value})
        assert detail(answer) == f"{WRONG}{field}. Value: '{str(value)[:200]}'. {reason}"


@pytest.mark.parametrize(("name", "fine"), [
    ("a", True), ("A-b_c.d9", True), ("x" * 242, True),
    ("9a", False), ("-a", False), ("a b", False), ("ü", False), ("a/b", False), ("a\n", False),
])  # fmt: skip
async def test_names(member: Api, name: str, fine: bool) -> None:
    await member.template()
    answer = await member.post("/v1/clusters", {"cluster_template_id": "k8s", "name": name})
    assert answer.status_code == (202 if fine else 400)
    if not fine:
        text = f"{WRONG}name. Value: '{name}'. Value should match the pattern ^[a-zA-Z][a-zA-Z0-9_.-]*$"
        assert detail(answer) == text


@pytest.mark.parametrize(
    ("field", "least"), [("node_count", 0), ("master_count", 1), ("docker_volume_size", 1), ("create_timeout", 0)]
)
async def test_numbers(member: Api, field: str, least: int) -> None:
    await member.template()
    asked = member.at("latest")
    assert (await asked.post("/v1/clusters", {"cluster_template_id": "k8s", field: least})).status_code == 202
    answer = await asked.post("/v1/clusters", {"cluster_template_id": "k8s", field: least - 1})
    assert detail(answer) == f"{WRONG}{field}. Value: '{least - 1}'. Value should be greater or equal to {least}"


async def test_nulls_are_not_given(member: Api) -> None:
    fields = "keypair node_count master_count docker_volume_size labels merge_labels flavor_id master_flavor_id fixed_network"
    more = "fixed_subnet floating_ip_enabled master_lb_enabled create_timeout discovery_url status uuid health_status"
    await member.cluster(**dict.fromkeys((*fields.split(), *more.split())))
    shown = (await member.get("/v1/clusters/demo")).json()
    names = "node_count master_count create_timeout merge_labels floating_ip_enabled master_lb_enabled labels"
    assert [shown[name] for name in names.split()] == [1, 1, 60, False, True, False, {}]


async def test_health_is_stored_as_given(member: Api) -> None:
    await member.cluster(health_status="UNHEALTHY", health_status_reason={"api": "ok"}, status="CREATE_FAILED")
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["health_status"], shown["health_status_reason"]) == ("UNHEALTHY", {"api": "ok"})
    assert shown["status"] == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("body", "field"), [({"status": "FINE"}, "status"), ({"health_status": "FINE"}, "health_status")]
)
async def test_enumerations(member: Api, body: dict[str, str], field: str) -> None:
    await member.template()
    answer = await member.post("/v1/clusters", {"cluster_template_id": "k8s", **body})
    assert answer.status_code == 400
    assert detail(answer).startswith(f"{WRONG}{field}. Value: 'FINE'. Value should be one of: ")


FIXED = (
    "name keypair master_count docker_volume_size flavor_id master_flavor_id fixed_network fixed_subnet "
    "create_timeout discovery_url cluster_template_id"
)
INTERNAL = (
    "created_at id links updated_at uuid project_id user_id api_address node_addresses master_addresses stack_id "
    "cluster_id ca_cert_ref magnum_cert_ref etcd_ca_cert_ref front_proxy_ca_cert_ref"
)


@pytest.mark.parametrize("field", FIXED.split())
async def test_what_does_not_change(member: Api, demo: str, field: str) -> None:
    answer = await member.patch("/v1/clusters/demo", [replace(f"/{field}", "other")])
    assert (answer.status_code, detail(answer)) == (400, f"cannot change cluster property(ies) {field}.")


@pytest.mark.parametrize("field", INTERNAL.split())
async def test_internal_attributes(member: Api, demo: str, field: str) -> None:
    for change in (replace(f"/{field}", "x"), add(f"/{field}", "x"), remove(f"/{field}")):
        answer = await member.patch("/v1/clusters/demo", [change])
        assert detail(answer) == f"'/{field}' is an internal attribute and can not be updated"


# ---- faults (4.1) and labels (5.1)


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"])
@pytest.mark.parametrize("group", [True, False])
async def test_faults(member: Api, status: str, group: bool) -> None:
    uuid = await member.cluster()
    store = member.stage.store
    [operation] = await store.list_operations(uuid)
    begun, row = await store.begin_operation(operation.uuid), await store.load(uuid)
    assert begun is not None
    assert row is not None
    groups = {row.groups[1].uuid: GroupStatus(Status(status), "no disk")} if group else {}
    change = StatusChange(status=Status(status), status_reason="no disk", groups=groups)
    await store.finish_operation(operation.uuid, begun[1], OperationState.FAILED, change=change)
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["faults"]) == (status, {"default-worker": "no disk"} if group else {})
    for path in ("/v1/clusters", "/v1/clusters/detail"):
        assert "faults" not in (await member.get(path)).json()["clusters"][0]


LABELS = [  # template's, given, merge_labels, what it has, overridden, added, skipped
    ({"a": "1"}, None, False, {"a": "1"}, {}, {}, {}),
    ({"a": "1"}, {}, True, {"a": "1"}, {}, {}, {}),
    ({"a": "1", "b": "2"}, {"a": "9"}, False, {"a": "9"}, {"a": "1"}, {}, {"b": "2"}),
    ({"a": "1", "b": "2"}, {"a": "9"}, True, {"a": "9", "b": "2"}, {"a": "1"}, {}, {}),
    ({"a": "1"}, {"a": "1", "c": "3"}, False, {"a": "1", "c": "3"}, {}, {"c": "3"}, {}),
    ({}, {"c": "3"}, True, {"c": "3"}, {}, {"c": "3"}, {}),
]


@pytest.mark.parametrize(("parent", "given", "merge", "has", "overridden", "added", "skipped"), LABELS)
async def test_labels_of_clusters_and_of_groups(
    member: Api, parent: Any, given: Any, merge: bool, has: Any, overridden: Any, added: Any, skipped: Any
) -> None:
    words = {"labels": given, "merge_labels": merge}
    await member.cluster(cluster_template_id=await member.template(labels=parent), **words)
    expected = [has, overridden, added, skipped, False]
    names = ("labels", "labels_overridden", "labels_added", "labels_skipped", "merge_labels")
    shown = (await member.get("/v1/clusters/demo")).json()
    assert [shown[name] for name in names] == expected

    asked = member.at("latest")
    uuid = await member.cluster(name="plain", cluster_template_id="k8s")
    await member.finished(uuid)
    assert (await asked.post(f"/v1/clusters/{uuid}/nodegroups", {"name": "n", **words})).status_code == 202
    shown = (await asked.get(f"/v1/clusters/{uuid}/nodegroups/n")).json()
    assert [shown[name] for name in names] == expected

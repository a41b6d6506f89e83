"""/v1/clusters: create, list, show, delete. Contract: sections 2.1, 2.4, 3, 5.1, 6, 7."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.api import ApiSettings
from jeroboam.contracts import GroupStatus, Problem, StatusChange
from jeroboam.domain import OperationState, Status
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.service import ServiceSettings

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

HOST = "http://127.0.0.1:9511"
WRONG = "Invalid input for field/attribute "


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    return str(error["detail"])


async def test_a_cluster_just_asked_for(member: Api) -> None:
    template = await member.template(flavor_id="small", master_flavor_id="m1.medium", labels={"a": "1", "b": "2"})
    asked = await member.at("1.14").post(
        "/v1/clusters",
        {
            "name": "demo",
            "cluster_template_id": "k8s",
            "node_count": "2",
            "keypair": "default",
            "labels": {"a": 9, "c": True},
            "create_timeout": 5,
            "discovery_url": None,
        },
    )
    uuid = asked.json()["uuid"]
    assert (asked.status_code, asked.json()) == (202, {"uuid": uuid})
    expected = {
        "uuid": uuid,
        "name": "demo",
        "cluster_template_id": template,
        "keypair": "default",
        "docker_volume_size": None,
        "labels": {"a": "9", "c": "True"},
        "node_count": 2,
        "master_count": 1,
        "status": "CREATE_IN_PROGRESS",
        "health_status": None,
        "master_flavor_id": "m1.medium",
        "flavor_id": "small",
        "create_timeout": 5,
        "cluster_id": None,
        "links": [
            {"rel": "self", "href": f"{HOST}/v1/clusters/{uuid}"},
            {"rel": "bookmark", "href": f"{HOST}/clusters/{uuid}"},
        ],
        "merge_labels": False,
    }
    full = expected | {
        "labels_overridden": {"a": "1"},
        "labels_added": {"c": "True"},
        "labels_skipped": {"b": "2"},
        "status_reason": None,
        "health_status_reason": {},
        "discovery_url": None,
        "api_address": None,
        "coe_version": None,
        "container_version": None,
        "project_id": "project-1",
        "user_id": "user-1",
        "node_addresses": [],
        "master_addresses": [],
        "fixed_network": None,
        "fixed_subnet": None,
        "floating_ip_enabled": True,
        "master_lb_enabled": False,
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": None,
    }
    at14 = member.at("1.14")
    assert (await at14.get("/v1/clusters")).json() == {"clusters": [expected]}
    assert (await at14.get("/v1/clusters/demo")).json() == full
    assert (await at14.get(f"/v1/clusters/{uuid}")).json() == full
    assert (await at14.get("/v1/clusters/detail")).json() == {"clusters": [full]}


async def test_a_finished_cluster(member: Api) -> None:
    uuid = await member.cluster(node_count=2)
    assert await member.finished(uuid) == "succeeded"
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["status_reason"]) == ("CREATE_COMPLETE", None)
    assert shown["api_address"] == "https://127.0.0.1:20000"
    assert shown["coe_version"] == "v1.34.4"
    assert len(shown["node_addresses"]) == 2
    assert len(shown["master_addresses"]) == 1
    assert "faults" not in shown


@pytest.mark.parametrize(
    ("version", "there", "absent"),
    [
        ("1.1", "stack_id", "cluster_id"),
        ("1.12", "stack_id", "cluster_id"),
        ("1.13", "cluster_id", "stack_id"),
        ("latest", "cluster_id", "stack_id"),
    ],
)
async def test_stack_id_and_cluster_id(member: Api, version: str, there: str, absent: str) -> None:
    uuid = await member.cluster()
    await member.finished(uuid)
    caller = member.at(version)
    short = (await caller.get("/v1/clusters")).json()["clusters"][0]
    full = (await caller.get("/v1/clusters/demo")).json()
    for shown in (short, full):
        assert shown[there] == f"net-{uuid}"
        assert absent not in shown


async def test_what_the_create_wrote(member: Api) -> None:
    uuid = await member.cluster(node_count=3, master_count=3, master_lb_enabled=True, labels={"min_node_count": 2})
    row = await member.stage.store.load(uuid)
    assert row is not None
    found = [(g.name, g.role_name, g.node_count, g.min_node_count, g.is_default, g.status) for g in row.groups]
    assert found == [
        ("default-master", "master", 3, 0, True, "CREATE_IN_PROGRESS"),
        ("default-worker", "worker", 3, 2, True, "CREATE_IN_PROGRESS"),
    ]
    [operation] = await member.stage.store.list_operations(uuid)
    assert (operation.verb, operation.state, operation.summary) == (
        "create",
        "queued",
        "create 3 control planes, 3 workers",
    )
    assert operation.request_id.startswith("req-")


async def test_a_cluster_without_a_name_gets_one(member: Api) -> None:
    await member.cluster(name=None)
    [shown] = (await member.get("/v1/clusters")).json()["clusters"]
    assert shown["name"].endswith("-cluster")


async def test_the_template_gives_what_was_not_said_and_later_changes_do_not_reach_the_cluster(member: Api) -> None:
    template = await member.template(
        flavor_id="small", keypair_id="default", docker_volume_size=7, floating_ip_enabled=False, labels={"x": "y"}
    )
    await member.cluster(cluster_template_id=template, floating_ip_enabled=None)
    shown = (await member.get("/v1/clusters/demo")).json()
    names = ("flavor_id", "keypair", "docker_volume_size", "floating_ip_enabled", "labels")
    assert [shown[name] for name in names] == ["small", "default", 7, False, {"x": "y"}]


@pytest.mark.parametrize(
    ("given", "labels", "difference"),
    [
        ({}, {"a": "1", "b": "2"}, ({}, {}, {})),
        ({"labels": {}}, {"a": "1", "b": "2"}, ({}, {}, {})),
        ({"labels": {"a": "9"}}, {"a": "9"}, ({"a": "1"}, {}, {"b": "2"})),
        (
            {"labels": {"a": "9", "c": "3"}, "merge_labels": True},
            {"a": "9", "b": "2", "c": "3"},
            ({"a": "1"}, {"c": "3"}, {}),
        ),
        ({"labels": {"c": "3"}, "merge_labels": "no"}, {"c": "3"}, ({}, {"c": "3"}, {"a": "1", "b": "2"})),
    ],
)
async def test_labels(member: Api, given: dict[str, Any], labels: dict[str, str], difference: tuple[Any, ...]) -> None:
    await member.cluster(cluster_template_id=await member.template(labels={"a": "1", "b": "2"}), **given)
    shown = (await member.get("/v1/clusters/demo")).json()
    assert shown["labels"] == labels
    assert (shown["labels_overridden"], shown["labels_added"], shown["labels_skipped"]) == difference


@pytest.mark.parametrize(("change", "status", "text"), [
    ({"colour": 1}, 400, "Unknown attribute for argument cluster: colour"),
    ({"cluster_template_id": None}, 400, f"{WRONG}cluster_template_id. Value: 'None'. Mandatory field missing."),
    ({"cluster_template_id": "nope"}, 404, "ClusterTemplate nope could not be found."),
    ({"name": "1abc"}, 400, f"{WRONG}name. Value: '1abc'. Value should match the pattern ^[a-zA-Z][a-zA-Z0-9_.-]*$"),
    ({"name": "abc\n"}, 400, f"{WRONG}name. Value: 'abc\n'. Value should match the pattern ^[a-zA-Z][a-zA-Z0-9_.-]*$"),
    ({"name": "a" * 243}, 400, f"{WRONG}name. Value: '{'a' * 200}'. Value should have a maximum character requirement of 242"),
    ({"node_count": -1}, 400, f"{WRONG}node_count. Value: '-1'. Value should be greater or equal to 0"),
    ({"node_count": "two"}, 400, f"{WRONG}node_count. Value: 'two'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ({"node_count": 5000}, 400, "A cluster of 5001 nodes is too large: at most 5000 are allowed."),
    ({"node_count": 2**31}, 400, f"{WRONG}node_count. Value: '2147483648'. Value should be lower or equal to 2147483647"),
    ({"master_count": 0}, 400, f"{WRONG}master_count. Value: '0'. Value should be greater or equal to 1"),
    ({"master_count": 2}, 400, "master nodegroup size of 2 is invalid, size cannot be an even number."),
    ({"master_count": 3}, 400, "master_count must be 1 when master_lb_enabled is False"),
    ({"master_count": 7, "master_lb_enabled": True}, 400, "7 control-plane nodes are not supported; 1, 3 or 5 are."),
    ({"create_timeout": -1}, 400, f"{WRONG}create_timeout. Value: '-1'. Value should be greater or equal to 0"),
    ({"docker_volume_size": 0}, 400, f"{WRONG}docker_volume_size. Value: '0'. Value should be greater or equal to 1"),
    ({"flavor_id": "huge"}, 400, "Unable to find flavor huge."),
    ({"master_flavor_id": "huge"}, 400, "Unable to find flavor huge."),
    ({"fixed_network": "lan"}, 400, "Unable to find fixed network lan."),
    ({"keypair": "nope"}, 404, "Unable to find keypair nope."),
    ({"labels": {"boot_volume_size": "x"}}, 400,
     "Label boot_volume_size must be an integer number of gigabytes, but received x."),
    ({"labels": {"min_node_count": "x"}}, 400, "Label min_node_count must be a whole number, but received x."),
    ({"labels": {"a": None}}, 400,
     f"{WRONG}labels. Value: 'None'. Wrong type. Expected '<class 'str'>', got '<class 'NoneType'>'"),
    ({"merge_labels": "bogus"}, 400,
     f"{WRONG}merge_labels. Value: 'bogus'. Wrong type. Expected '<class 'bool'>', got '<class 'str'>'"),
    ({"stack_id": "x"}, 400, f"{WRONG}stack_id. Value: 'x'. Cannot set read only field."),
    ({"node_addresses": []}, 400, f"{WRONG}node_addresses. Value: '[]'. Cannot set read only field."),
])  # fmt: skip
async def test_what_a_cluster_may_not_be(member: Api, change: dict[str, Any], status: int, text: str) -> None:
    await member.template()
    answer = await member.at("latest").post("/v1/clusters", {"name": "demo", "cluster_template_id": "k8s"} | change)
    assert (answer.status_code, detail(answer)) == (status, text)
    assert (await member.get("/v1/clusters")).json() == {"clusters": []}


async def test_fields_that_are_taken_without_effect(member: Api) -> None:
    uuid = "0b6e8f0e-aaaa-4000-8000-000000000001"
    ignored = {
        "uuid": uuid,
        "status": "CREATE_COMPLETE",
        "status_reason": "x",
        "faults": {},
        "labels_added": {"q": "1"},
    }
    made = await member.cluster(**ignored)
    shown = (await member.get("/v1/clusters/demo")).json()
    assert made != uuid
    assert (shown["status"], shown["status_reason"], shown["labels_added"]) == ("CREATE_IN_PROGRESS", None, {})


@pytest.mark.parametrize(
    ("version", "change", "status"),
    [
        ("1.9", {"cluster_template_id": "nope"}, 400),
        ("1.10", {"cluster_template_id": "nope"}, 404),
        ("1.9", {"node_count": 0}, 400),
        ("1.10", {"node_count": 0}, 202),
    ],
)
async def test_by_version(member: Api, version: str, change: dict[str, Any], status: int) -> None:
    await member.template()
    answer = await member.at(version).post("/v1/clusters", {"cluster_template_id": "k8s"} | change)
    assert answer.status_code == status


async def test_everything_that_driver_and_provider_find_is_in_one_answer(make: Maker) -> None:
    class Strict(FakeProvider):
        async def preflight(self, cluster: Any, machines: Any) -> list[Problem]:
            assert [m.name.rsplit("-", 2)[1:] for m in machines] == [["master", "0"], ["worker", "0"]]
            return [Problem("No room.", "node_count", "Ask for less."), Problem("No rack.")]

    member = make(provider=Strict(Cloud(), boot_s=0)).as_("user-1")
    template = await member.template()
    answer = await member.post("/v1/clusters", {"cluster_template_id": template})
    assert (answer.status_code, detail(answer)) == (400, "No room. Ask for less. No rack.")


async def test_a_template_whose_driver_is_gone(make: Maker) -> None:
    member = make().as_("user-1")
    await member.template()
    other = make(drivers={"other": FakeDriver()}).as_("user-1")
    answer = await other.at("latest").post("/v1/clusters", {"cluster_template_id": "k8s"})
    assert (answer.status_code, detail(answer)) == (400, "Cluster driver (fake) not supported.")


async def test_a_triple_that_the_named_driver_does_not_serve(member: Api) -> None:
    await member.template()
    changes = [{"op": "replace", "path": "/cluster_distro", "value": "plan9"}]
    assert (await member.patch("/v1/clustertemplates/k8s", changes)).status_code == 200
    answer = await member.at("latest").post("/v1/clusters", {"cluster_template_id": "k8s"})
    assert (answer.status_code, detail(answer)) == (
        400,
        "Cluster type (vm, plan9, kubernetes) is not supported by any loaded cluster driver. Loaded drivers support: "
        "(bm, debian, kubernetes), (container, debian, kubernetes), (vm, debian, kubernetes).",
    )


# ---- quota


async def test_the_default_quota(make: Maker) -> None:
    member = make(settings=ServiceSettings(max_clusters_per_project=1)).as_("user-1")
    template = await member.template(name="t")
    await member.cluster(cluster_template_id=template)
    answer = await member.post("/v1/clusters", {"cluster_template_id": template})
    assert (answer.status_code, detail(answer)) == (
        403,
        "Resource limit exceeded: You have reached the maximum clusters per project, 1. "
        "You may delete a cluster to make room for a new one.",
    )
    stranger = member.as_("user-2", "project-2")
    assert await stranger.cluster() != ""


async def test_a_quota_of_none(member: Api, admin: Api) -> None:
    await admin.post("/v1/quotas", {"project_id": "project-1", "hard_limit": 0})
    template = await member.template()
    assert (await member.post("/v1/clusters", {"cluster_template_id": template})).status_code == 403


# ---- who sees and may do what


CREATE = ("POST", "/v1/clusters", {"cluster_template_id": "shared"})
VERBS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v1/clusters", None),
    ("GET", "/v1/clusters/detail", None),
    ("GET", "/v1/clusters/own", None),
    CREATE,
    ("PATCH", "/v1/clusters/own", []),
    ("DELETE", "/v1/clusters/own", None),
)


@pytest.mark.parametrize(
    ("roles", "project", "statuses"),
    [
        ("admin", "elsewhere", (200, 200, 200, 202, 202, 204)),
        ("member,reader", "project-1", (200, 200, 200, 202, 202, 204)),
        ("member", "project-1", (403, 403, 403, 202, 202, 204)),
        ("reader", "project-1", (200, 200, 200, 403, 403, 403)),
        ("", "project-1", (403, 403, 403, 403, 403, 403)),
        ("member,reader", "elsewhere", (200, 200, 404, 202, 404, 404)),
    ],
)
async def test_every_role(
    anonymous: Api, admin: Api, member: Api, roles: str, project: str, statuses: tuple[int, ...]
) -> None:
    await admin.template(name="shared", public=True)
    await member.cluster(name="own", cluster_template_id="shared")
    caller = anonymous.as_("somebody", project, roles)
    found = [(await caller.call(method, path, json=body)).status_code for method, path, body in VERBS]
    assert tuple(found) == statuses


async def test_projects_do_not_see_each_other_and_administrators_see_all(
    anonymous: Api, member: Api, admin: Api
) -> None:
    await member.cluster(name="mine")
    stranger = anonymous.as_("user-2", "project-2")
    await stranger.cluster(name="theirs")
    for path in ("/v1/clusters", "/v1/clusters/detail"):
        seen = {}
        for name, caller in (("member", member), ("stranger", stranger), ("admin", admin)):
            seen[name] = [one["name"] for one in (await caller.get(path)).json()["clusters"]]
        assert seen == {"member": ["mine"], "stranger": ["theirs"], "admin": ["mine", "theirs"]}
    answer = await stranger.get("/v1/clusters/mine")
    assert (answer.status_code, detail(answer)) == (404, "Cluster mine could not be found.")


async def test_clusters_from_hidden_templates(anonymous: Api, member: Api, admin: Api) -> None:
    await admin.template(name="hidden", hidden=True, public=True)
    answer = await member.at("latest").post("/v1/clusters", {"cluster_template_id": "hidden"})
    assert answer.status_code == 404
    answer = await anonymous.as_("x", "admin").post("/v1/clusters", {"cluster_template_id": "hidden"})
    assert (answer.status_code, detail(answer)) == (403, "Not authorized.")
    assert (await admin.post("/v1/clusters", {"cluster_template_id": "hidden"})).status_code == 202


async def test_a_template_that_is_hidden_later_does_not_hide_its_clusters(member: Api, admin: Api) -> None:
    template = await admin.template(name="shared", public=True, labels={"a": "1"})
    await member.cluster(cluster_template_id=template, labels={"a": "2"})
    answer = await admin.patch(
        f"/v1/clustertemplates/{template}", [{"op": "replace", "path": "/hidden", "value": True}]
    )
    assert answer.status_code == 200
    assert (await member.get(f"/v1/clustertemplates/{template}")).status_code == 404
    assert (await member.get("/v1/clusters/demo")).json()["labels_overridden"] == {"a": "1"}
    assert len((await member.get("/v1/clusters/detail")).json()["clusters"]) == 1


async def test_several_of_one_name(member: Api) -> None:
    first = await member.cluster(cluster_template_id=await member.template())
    await member.cluster(cluster_template_id="k8s")
    for method in ("GET", "DELETE"):
        answer = await member.call(method, "/v1/clusters/demo")
        text = "Multiple clusters exist with same name. Please use the cluster uuid instead."
        assert (answer.status_code, detail(answer)) == (409, text)
    assert (await member.get(f"/v1/clusters/{first}")).status_code == 200
    assert (await member.get(f"/v1/clusters/{first.upper()}")).status_code == 404
    assert (await member.get("/v1/clusters/1")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/clusters/%00", "/v1/clusters/a%00b", "/v1/clusters?marker=%00", "/v1/clusters?sort_key=%00"]
)
async def test_nul_is_nobodys_name(member: Api, path: str) -> None:
    assert (await member.get(path)).status_code == 400


# ---- faults and deletion


async def test_faults_are_shown_alone_and_only_of_failed_ones(member: Api) -> None:
    uuid = await member.cluster()
    [operation] = await member.stage.store.list_operations(uuid)
    begun = await member.stage.store.begin_operation(operation.uuid)
    assert begun is not None
    row = await member.stage.store.load(uuid)
    assert row is not None
    groups = {row.groups[1].uuid: GroupStatus(Status.CREATE_FAILED, "worker-1: no disk")}
    change = StatusChange(status=Status.CREATE_FAILED, status_reason="worker-1: no disk", groups=groups)
    await member.stage.store.finish_operation(operation.uuid, begun[1], OperationState.FAILED, change=change)
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["faults"]) == ("CREATE_FAILED", {"default-worker": "worker-1: no disk"})
    assert "faults" not in (await member.get("/v1/clusters/detail")).json()["clusters"][0]


async def test_deletion_is_repeatable_until_the_cluster_is_gone(member: Api) -> None:
    uuid = await member.cluster()
    await member.finished(uuid)
    for _ in range(3):
        answer = await member.delete(
            "/v1/clusters/demo", headers={"Accept": "*/*", "Content-Type": "application/octet-stream"}
        )
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await member.get("/v1/clusters/demo")).json()["status"] == "DELETE_IN_PROGRESS"
    operations = await member.stage.store.list_operations(uuid)
    assert [(o.verb, o.summary) for o in operations] == [
        ("delete", "delete 2 nodes"),
        ("create", "create 1 control plane, 1 worker"),
    ]
    assert await member.finished(uuid) == "succeeded"
    answer = await member.delete("/v1/clusters/demo")
    assert (answer.status_code, detail(answer)) == (404, "Cluster demo could not be found.")
    assert (await member.get(f"/v1/certificates/{uuid}")).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_verbs_that_miss_their_cluster(member: Api, method: str) -> None:
    answer = await member.call(method, "/v1/clusters")
    assert (answer.status_code, detail(answer)) == (400, 'Missing argument: "cluster_ident"')


# ---- lists


async def test_pages(member: Api) -> None:
    template = await member.template()
    for name in ("b", "a", "c"):
        await member.cluster(name=name, cluster_template_id=template)
    for path in ("clusters", "clusters/detail"):
        url: str | None = f"/v1/{path}?limit=1&sort_key=name&sort_dir=desc"
        seen = []
        while url is not None:
            body = (await member.get(url)).json()
            seen += [one["name"] for one in body["clusters"]]
            url = body.get("next")
            if body["clusters"]:
                marker = body["clusters"][-1]["uuid"]
                assert url == f"{HOST}/v1/{path}?sort_key=name&sort_dir=desc&limit=1&marker={marker}"
        assert seen == ["c", "b", "a"]
    assert "next" not in (await member.get("/v1/clusters?limit=4")).json()
    assert "next" in (await member.get("/v1/clusters?limit=3")).json()
    whole = (await member.get("/clusters/?limit=100000000000000000000000")).json()["clusters"]
    assert [one["name"] for one in whole] == ["b", "a", "c"]


@pytest.mark.parametrize("key", [
    "id", "uuid", "name", "project_id", "user_id", "cluster_template_id", "keypair", "status", "stack_id", "created_at",
    "health_status", "create_timeout", "docker_volume_size", "flavor_id", "master_flavor_id",
])  # fmt: skip
async def test_sort_keys(member: Api, key: str) -> None:
    await member.cluster()
    assert len((await member.get(f"/v1/clusters?sort_key={key}")).json()["clusters"]) == 1


@pytest.mark.parametrize(("query", "status", "text"), [
    ("limit=0", 400, "Limit must be positive"),
    ("limit=-1", 400, "Limit must be positive"),
    ("limit=x", 400, f"{WRONG}limit. Value: 'x'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("sort_key=zz", 400, 'The sort_key value "zz" is an invalid field for sorting'),
    ("sort_key=node_count", 400, 'The sort_key value "node_count" is an invalid field for sorting'),
    ("sort_key=fence", 400, 'The sort_key value "fence" is an invalid field for sorting'),
    ("sort_dir=up", 400, "Invalid sort direction: up. Acceptable values are 'asc' or 'desc'"),
    ("marker=x", 400, f"{WRONG}marker. Value: 'x'. unable to convert to uuid. Error: Expected a uuid but received x."),
    ("marker=0b6e8f0e-aaaa-4000-8000-000000000001", 404,
     "Cluster 0b6e8f0e-aaaa-4000-8000-000000000001 could not be found."),
    ("colour=red", 400, 'Unknown argument: "colour"'),
    ("detail=True", 400, 'Unknown argument: "detail"'),
    ("&".join(f"a{n}=1" for n in range(200)), 400, "The query has too many parameters: at most 100 are read."),
])  # fmt: skip
async def test_wrong_list_parameters(member: Api, query: str, status: int, text: str) -> None:
    answer = await member.get(f"/v1/clusters?{query}")
    assert (answer.status_code, detail(answer)) == (status, text)


async def test_an_error_nobody_foresaw_is_an_incident(make: Maker) -> None:
    class Broken(FakeProvider):
        async def preflight(self, cluster: Any, machines: Any) -> list[Problem]:
            raise RuntimeError("the secret is xyzzy")

    member = make(provider=Broken(Cloud(), boot_s=0)).as_("user-1")
    template = await member.template()
    answer = await member.post("/v1/clusters", {"cluster_template_id": template})
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"], error["status"]) == (500, "server", 500)
    assert error["detail"].startswith("An error of Jeroboam's own (incident ")
    assert "xyzzy" not in answer.text
    assert answer.headers["openstack-api-version"] == "container-infrastructure-management 1.1"


@pytest.mark.parametrize(("service", "api", "shown"), [(2, None, 2), (1000, 1, 1)])
async def test_the_longest_page(make: Maker, service: int, api: int | None, shown: int) -> None:
    member = make(settings=ServiceSettings(max_limit=service), api=ApiSettings(max_limit=api)).as_("user-1")
    template = await member.template()
    for _ in range(3):
        await member.cluster(cluster_template_id=template)
    for query in ("", "?limit=50"):
        body = (await member.get(f"/v1/clusters{query}")).json()
        assert len(body["clusters"]) == shown
        assert f"limit={shown}&" in body["next"]


async def test_a_body_that_never_comes_or_comes_too_slowly(make: Maker) -> None:
    member = make(api=ApiSettings(body_timeout_s=0.05)).as_("user-1")

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    headers = {"Content-Type": "application/json"}
    answer = await member.call("POST", "/v1/clusters", content=slow(), headers=headers)
    assert (answer.status_code, detail(answer)) == (408, "The request body did not arrive in time.")


async def test_the_client_hangs_up_in_the_middle_of_its_body(make: Maker) -> None:
    member = make().as_("user-1")
    sent: list[Any] = []
    received = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in member.headers.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/clusters",
        "raw_path": b"/v1/clusters",
        "root_path": "",
        "query_string": b"",
        "headers": [*headers, (b"content-type", b"application/json")],
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 9511),
        "http_version": "1.1",
    }
    await member.transport.app(scope, receive, send)
    assert sent[0]["status"] == 408

"""PATCH of clusters, resize, upgrade. Contract: sections 2.4, 2.5, 4.4."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.contracts import Capabilities, Image, MachineSpec, Problem
from jeroboam.domain import Cluster, OperationKind
from jeroboam.domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider, Fault, Weather
from jeroboam.providers.fake.catalogue import FakeCatalogue

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

WRONG = "Invalid input for field/attribute "


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    return str(error["detail"])


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.fixture
async def demo(member: Api) -> str:
    """A finished cluster of one control plane and two workers."""
    uuid = await member.cluster(node_count=2, labels={"a": "b"})
    assert await member.finished(uuid) == "succeeded"
    return uuid


async def counts(api: Api, uuid: str) -> list[int]:
    row = await api.stage.store.load(uuid)
    assert row is not None
    return [group.node_count for group in row.groups]


async def newest(api: Api, uuid: str) -> str:
    return (await api.stage.store.list_operations(uuid))[0].summary


@pytest.mark.parametrize(
    ("changes", "workers", "summary"),
    [
        ([replace("/node_count", 3)], 3, "resize default-worker from 2 to 3 nodes"),
        ([replace("/node_count", 0)], 0, "resize default-worker from 2 to 0 nodes"),
        ([{"op": "remove", "path": "/node_count"}], 1, "resize default-worker from 2 to 1 node"),
        ([replace("/node_count", 2)], 2, "create 1 control plane, 2 workers"),
        ([replace("/name", "demo")], 2, "create 1 control plane, 2 workers"),
        ([], 2, "create 1 control plane, 2 workers"),
    ],
)
async def test_a_patch_of_the_count(member: Api, demo: str, changes: Any, workers: int, summary: str) -> None:
    answer = await member.at("latest").patch("/v1/clusters/demo", changes)
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    assert await counts(member, demo) == [1, workers]
    assert await newest(member, demo) == summary
    status = (await member.get("/v1/clusters/demo")).json()["status"]
    if summary.startswith("create"):
        assert status == "CREATE_COMPLETE"
    else:
        assert status == "UPDATE_IN_PROGRESS"
        assert await member.finished(demo) == "succeeded"
        shown = (await member.get("/v1/clusters/demo")).json()
        assert (shown["status"], shown["node_count"]) == ("UPDATE_COMPLETE", workers)
        assert len(shown["node_addresses"]) == workers


@pytest.mark.parametrize(("changes", "text"), [
    ([replace("/labels/a", "c")], "cannot change cluster property(ies) labels."),
    ([replace("/name", "x"), replace("/labels", "{}"), replace("/node_count", 5)],
     "cannot change cluster property(ies) labels, name."),
    ([replace("/master_count", 3)], "cannot change cluster property(ies) master_count."),
    ([{"op": "remove", "path": "/keypair"}, replace("/status", "CREATE_FAILED")],
     "cannot change cluster property(ies) status."),
    ([{"op": "add", "path": "/node_count", "value": 3}],
     "The attribute /node_count has existed, please use 'replace' operation instead."),
    ([replace("/node_count", "3")], f"{WRONG}node_count. Value: '3'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ([replace("/node_count", -1)], f"{WRONG}node_count. Value: '-1'. Value should be greater or equal to 0"),
    ([replace("/node_count", 5000)], "A cluster of 5001 nodes is too large: at most 5000 are allowed."),
    ([replace("/api_address", "x")], "'/api_address' is an internal attribute and can not be updated"),
    ([replace("/stack_id", "x")], "'/stack_id' is an internal attribute and can not be updated"),
    ([replace("/uuid", "x")], "'/uuid' is an internal attribute and can not be updated"),
    ([{"op": "remove", "path": "/cluster_template_id"}],
     "'/cluster_template_id' is a mandatory attribute and can not be removed"),
    ([replace("/faults", "{}")], "Couldn't apply patch '[{'path': '/faults', 'op': 'replace', 'value': '{}'}]'. "
     "Reason: can't replace a non-existent object 'faults'"),
    ([replace("/merge_labels", True)], "Couldn't apply patch '[{'path': '/merge_labels', 'op': 'replace', 'value': True}]'. "
     "Reason: can't replace a non-existent object 'merge_labels'"),
    ([replace("/health_status", "FINE")],
     f"{WRONG}health_status. Value: 'FINE'. Value should be one of: HEALTHY, UNHEALTHY, UNKNOWN"),
])  # fmt: skip
async def test_what_a_patch_may_not_change(member: Api, demo: str, changes: Any, text: str) -> None:
    answer = await member.at("latest").patch("/v1/clusters/demo", changes)
    assert (answer.status_code, detail(answer)) == (400, text)
    assert await counts(member, demo) == [1, 2]


async def test_zero_nodes_by_version(member: Api, demo: str) -> None:
    for version, status in (("1.9", 400), ("1.10", 202)):
        assert (await member.at(version).patch("/v1/clusters/demo", [replace("/node_count", 0)])).status_code == status


@pytest.mark.parametrize(("version", "query", "status", "text"), [
    ("1.2", "rollback=True", 400, 'Unknown argument: "rollback"'),
    ("1.3", "rollback=True", 202, ""),
    ("1.3", "rollback=maybe", 400,
     f"{WRONG}rollback. Value: 'maybe'. Wrong type. Expected '<class 'bool'>', got '<class 'str'>'"),
])  # fmt: skip
async def test_rollback(member: Api, demo: str, version: str, query: str, status: int, text: str) -> None:
    answer = await member.at(version).patch(f"/v1/clusters/demo/?{query}", [replace("/node_count", 1)])
    assert answer.status_code == status
    if text:
        assert detail(answer) == text


async def test_a_healer_writes_health_without_touching_the_status(member: Api, demo: str) -> None:
    changes = [
        {"op": "add", "path": "/health_status", "value": "UNHEALTHY"},
        replace("/health_status_reason", "{'api': 'ok', 'n1.Ready': 'False'}"),
    ]
    assert (await member.patch("/v1/clusters/demo", changes)).status_code == 202
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["health_status"]) == ("CREATE_COMPLETE", "UNHEALTHY")
    assert shown["health_status_reason"] == {"api": "ok", "n1.Ready": "False"}
    assert len(await member.stage.store.list_operations(demo)) == 1


async def test_the_count_is_the_default_groups_though_the_sum_is_shown(member: Api, demo: str) -> None:
    await member.at("latest").post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 3})
    assert (await member.get("/v1/clusters/demo")).json()["node_count"] == 5
    await member.patch("/v1/clusters/demo", [replace("/node_count", 4)])
    assert await counts(member, demo) == [1, 4, 3]


# ---- resize


async def test_resize(member: Api, demo: str) -> None:
    answer = await member.at("1.7").post("/v1/clusters/demo/actions/resize", {"node_count": 4, "nodes_to_remove": None})
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    assert await counts(member, demo) == [1, 4]
    assert await member.finished(demo) == "succeeded"


@pytest.mark.parametrize("how", ["id", "name", "address", "index"])
async def test_the_machine_that_is_named_goes(member: Api, demo: str, how: str) -> None:
    machines = await member.stage.provider.list_machines(demo)
    doomed = next(one for one in machines if one.name.endswith("default-worker-0"))
    body = {"node_count": 1, "nodes_to_remove": [str(getattr(doomed, how))]}
    assert (await member.at("1.7").post("/v1/clusters/demo/actions/resize", body)).status_code == 202
    assert await newest(member, demo) == f"resize default-worker from 2 to 1 node, removing {doomed.name}"
    assert await member.finished(demo) == "succeeded"
    left = {one.name.rsplit("-", 2)[-2:][0] + one.name[-2:] for one in await member.stage.provider.list_machines(demo)}
    assert left == {"master-0", "worker-1"}
    row = await member.stage.store.load(demo)
    assert row is not None
    assert row.groups[1].remove_nodes == ()  # a node that takes the name later is another one


@pytest.mark.parametrize(("body", "status", "text"), [
    ({}, 400, f"{WRONG}node_count. Value: 'None'. Mandatory field missing."),
    ({"node_count": 1, "colour": 1}, 400, "Unknown attribute for argument cluster_resize_req: colour"),
    ({"node_count": 0}, 400, "Resizing a nodegroup to zero is not supported in the provided microversion."),
    ({"node_count": 1, "nodegroup": "nope"}, 404, "Nodegroup nope could not be found."),
    ({"node_count": 3, "nodegroup": "default-master"}, 400,
     "Resizing the master nodegroup is not supported by this driver."),
    ({"node_count": 6, "nodegroup": "some"}, 400,
     "Resizing some outside the allowed range: min_node_count = 1, max_node_count = 5"),
    ({"node_count": 1, "nodes_to_remove": ["nope"]}, 400,
     "Node nope is not in the node group default-worker. Name nodes by server id, name, address or index."),
    ({"node_count": 1, "nodes_to_remove": "nope"}, 400,
     f"{WRONG}nodes_to_remove. Value: 'nope'. Wrong type. Expected '<class 'list'>', got '<class 'str'>'"),
])  # fmt: skip
async def test_what_resize_refuses(member: Api, demo: str, body: Any, status: int, text: str) -> None:
    group = {"name": "some", "node_count": 2, "min_node_count": 1, "max_node_count": 5}
    assert (await member.at("1.9").post("/v1/clusters/demo/nodegroups", group)).status_code == 202
    answer = await member.at("1.9").post("/v1/clusters/demo/actions/resize", body)
    assert (answer.status_code, detail(answer)) == (status, text)


async def test_a_driver_that_cannot_resize(make: Maker) -> None:
    class Stiff(FakeDriver):
        def __init__(self) -> None:
            super().__init__()
            sizes = frozenset({1})
            self.capabilities = Capabilities(
                "kubernetes", frozenset({"vm"}), frozenset({"debian"}), sizes, ("flannel",)
            )

    member = make(drivers={"fake": Stiff()}).as_("user-1")
    await member.cluster()
    for method, path, body in (
        ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 2}),
        ("PATCH", "/v1/clusters/demo", [replace("/node_count", 2)]),
    ):
        answer = await member.at("latest").call(method, path, json=body)
        assert (answer.status_code, detail(answer)) == (400, "Resizing is not supported by the driver fake.")


async def test_a_change_while_the_create_runs_waits_its_turn_and_leaves_the_status_alone(member: Api) -> None:
    uuid = await member.cluster()
    assert (await member.patch("/v1/clusters/demo", [replace("/node_count", 2)])).status_code == 202
    assert (await member.get("/v1/clusters/demo")).json()["status"] == "CREATE_IN_PROGRESS"
    update, create = await member.stage.store.list_operations(uuid)
    assert [o.uuid for o in await member.stage.store.runnable_operations(10)] == [create.uuid]
    for operation, status in ((create, "CREATE_COMPLETE"), (update, "UPDATE_COMPLETE")):
        assert (await member.stage.run(operation)).state == "succeeded"
        assert (await member.get("/v1/clusters/demo")).json()["status"] == status


async def test_a_cluster_on_its_way_out_takes_no_change(member: Api, demo: str) -> None:
    await member.delete("/v1/clusters/demo")
    answer = await member.patch("/v1/clusters/demo", [replace("/node_count", 3)])
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    newest = (await member.get("/ext/v1/clusters/demo/operations")).json()["operations"][0]
    assert (newest["kind"], newest["state"]) == ("update", "superseded")
    assert newest["error"] == "Not begun: the cluster is being deleted."
    assert newest["finished_at"] is not None
    assert await counts(member, demo) == [1, 2]


async def test_two_changes_at_once_lose_nothing(member: Api, demo: str) -> None:
    """A group that is being removed stays so when a change of its limits was read before and written after."""
    at = member.at("latest")
    await at.post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 1})
    row = await member.stage.store.load(demo)
    assert row is not None
    real = member.stage.store.request_change
    overtaken = False

    async def slow(*args: Any, **more: Any) -> bool:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            assert (await at.delete("/v1/clusters/demo/nodegroups/more")).status_code == 204
        return await real(*args, **more)

    object.__setattr__(member.stage.store, "request_change", slow)
    assert (await at.patch("/v1/clusters/demo/nodegroups/more", [replace("/min_node_count", 1)])).status_code == 202
    after = await member.stage.store.load(demo)
    assert after is not None
    assert [(g.deleting, g.min_node_count) for g in after.groups if g.name == "more"] == [(True, 0)]


@pytest.mark.parametrize(
    ("roles", "project", "resize", "upgrade"),
    [
        ("member,reader", "project-1", 202, 202),
        ("reader", "project-1", 403, 403),
        ("", "project-1", 403, 403),
        ("admin", "project-1", 202, 202),
        ("admin", "elsewhere", 404, 202),
        ("member,reader", "elsewhere", 404, 404),
    ],
)
async def test_every_role(anonymous: Api, demo: str, roles: str, project: str, resize: int, upgrade: int) -> None:
    caller = anonymous.as_("somebody", project, roles).at("latest")
    answer = await caller.post(f"/v1/clusters/{demo}/actions/resize", {"node_count": 3})
    assert answer.status_code == resize
    if resize == 202:
        await caller.finished(demo)
    answer = await caller.post(f"/v1/clusters/{demo}/actions/upgrade", {"cluster_template": "k8s"})
    assert answer.status_code == upgrade


# ---- upgrade


@pytest.mark.parametrize(("version", "body", "status", "text"), [
    ("1.7", {"cluster_template": "k8s"}, 400, "Cluster upgrade is not supported in the provided microversion."),
    ("1.8", {}, 400, f"{WRONG}cluster_template. Value: 'None'. Mandatory field missing."),
    ("1.8", {"cluster_template": "nope"}, 404, "ClusterTemplate nope could not be found."),
    ("1.8", {"cluster_template": "k8s", "nodegroup": "nope"}, 404, "Nodegroup nope could not be found."),
    ("1.8", {"cluster_template": "k8s", "max_batch_size": 0}, 400,
     f"{WRONG}max_batch_size. Value: '0'. Value should be greater or equal to 1"),
])  # fmt: skip
async def test_what_upgrade_refuses(member: Api, demo: str, version: str, body: Any, status: int, text: str) -> None:
    answer = await member.at(version).post("/v1/clusters/demo/actions/upgrade", body)
    assert (answer.status_code, detail(answer)) == (status, text)
    assert (await member.get("/v1/clusters/demo")).json()["status"] == "CREATE_COMPLETE"


async def test_upgrade_of_another_group_to_another_template(member: Api, demo: str) -> None:
    own = (await member.get("/v1/clusters/demo")).json()["cluster_template_id"]
    await member.template(name="newer")
    at = member.at("latest")
    await at.post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 1})
    body = {"cluster_template": "newer", "nodegroup": "more"}
    answer = await at.post("/v1/clusters/demo/actions/upgrade", body)
    text = f"Cluster Template is not valid for upgrade: Nodegroup more can be upgraded only to match cluster's template ({own})."
    assert (answer.status_code, detail(answer)) == (409, text)


async def test_upgrade_in_the_wrong_state(member: Api) -> None:
    await member.cluster()
    answer = await member.at("1.8").post("/v1/clusters/demo/actions/upgrade", {"cluster_template": "k8s"})
    text = 'Upgrading a cluster when status is "CREATE_IN_PROGRESS" is not supported.'
    assert (answer.status_code, detail(answer)) == (400, text)


# ---- kinds and gates


async def test_every_change_says_its_kind(member: Api, demo: str) -> None:
    at = member.at("latest")
    await at.patch("/v1/clusters/demo", [replace("/node_count", 3)])
    await at.post("/v1/clusters/demo/actions/resize", {"node_count": 2})
    await at.post("/v1/clusters/demo/nodegroups", {"name": "more", "node_count": 1})
    await at.patch("/v1/clusters/demo/nodegroups/more", [replace("/min_node_count", 1)])
    await at.delete("/v1/clusters/demo/nodegroups/more")
    await at.delete("/v1/clusters/demo")
    operations = (await member.get("/ext/v1/clusters/demo/operations")).json()["operations"]
    assert [one["kind"] for one in reversed(operations)] == [
        "create",
        "update",
        "resize",
        "nodegroup_create",
        "nodegroup_update",
        "nodegroup_delete",
        "delete",
    ]


class Closed(FakeProvider):
    """A provider that lets nothing in."""

    def refuse(self, cluster_name: str, kind: OperationKind) -> str | None:
        return f"{kind} of {cluster_name} is not supported here."

    async def enter(self, cluster_name: str, kind: OperationKind, running: timedelta) -> timedelta:
        return timedelta(0)


async def test_what_a_gate_refuses_is_refused_before_anything_is_stored(make: Maker) -> None:
    member = make(provider=Closed(Cloud(), boot_s=0)).as_("user-1").at("latest")
    body = {"name": "demo", "cluster_template_id": await member.template()}
    answer = await member.post("/v1/clusters", body)
    assert (answer.status_code, detail(answer)) == (400, "create of demo is not supported here.")
    assert (await member.get("/v1/clusters")).json() == {"clusters": []}


# ---- upgrades that go ahead, and what fails


TWO_IMAGES = FakeCatalogue(
    image_list=tuple(
        Image(name, name, {"os_distro": "debian", "kube_version": version})
        for name, version in (("fake-image", "v1.34.4"), ("next", "v1.35.1"), ("far", "v1.36.0"), ("past", "v1.33.0"))
    )
)


@pytest.fixture
async def old(make: Maker) -> Api:
    """A finished cluster `demo` from template k8s, and templates `next`, `far` and `past` of other images."""
    provider = FakeProvider(Cloud(), boot_s=0)
    provider.catalogue = TWO_IMAGES
    member = make(provider=provider).as_("user-1").at("latest")
    await member.template(name="base", labels={"kube_tag": "v1.34.4", "x": "1"})
    uuid = await member.cluster(node_count=3, cluster_template_id="base", labels={"mine": "yes"}, merge_labels=True)
    await member.finished(uuid)
    for name in ("next", "far", "past"):
        await member.template(name=name, image_id=name, labels={"kube_tag": "v1.35.1"})
    return member


async def test_an_upgrade_replaces_the_nodes_and_then_the_template(old: Api) -> None:
    before = (await old.get("/v1/clusters/demo")).json()
    body = {"cluster_template": "next", "max_batch_size": 2}
    answer = await old.post("/v1/clusters/demo/actions/upgrade", body)
    uuid = before["uuid"]
    assert (answer.status_code, answer.json()) == (202, {"uuid": uuid})
    during = (await old.get("/v1/clusters/demo")).json()
    assert during["status"] == "UPDATE_IN_PROGRESS"
    assert during["cluster_template_id"] == before["cluster_template_id"]
    assert await old.finished(uuid) == "succeeded"
    after = (await old.get("/v1/clusters/demo")).json()
    template = (await old.get("/v1/clustertemplates/next")).json()["uuid"]
    assert (after["status"], after["cluster_template_id"]) == ("UPDATE_COMPLETE", template)
    assert after["labels"] == {"kube_tag": "v1.35.1", "mine": "yes"}
    machines = await old.stage.provider.list_machines(uuid)
    assert [m.image_id for m in machines] == ["next"] * 4
    groups = (await old.get("/v1/clusters/demo/nodegroups")).json()["nodegroups"]
    assert [(g["image_id"], g["status"]) for g in groups] == [("next", "UPDATE_COMPLETE")] * 2
    newest = (await old.get("/ext/v1/clusters/demo/operations")).json()["operations"][0]
    steps = (await old.get(f"/ext/v1/operations/{newest['uuid']}/steps")).json()["steps"]
    replaced = [s["target"].rpartition("default-")[2] for s in steps if s["name"] == "replace"]
    assert replaced == ["master-0", "worker-0", "worker-1", "worker-2"]
    assert await old.stage.store.open_resources(uuid) != []


@pytest.mark.parametrize(("template", "text"), [
    ("far", "From v1.34.4 to v1.36.0 is more than one minor version; nodes go up one minor version at a time."),
    ("past", "From v1.34.4 to v1.33.0 is a step back; nodes go up one minor version at a time."),
])  # fmt: skip
async def test_versions_that_no_upgrade_reaches(old: Api, template: str, text: str) -> None:
    answer = await old.post("/v1/clusters/demo/actions/upgrade", {"cluster_template": template})
    assert (answer.status_code, detail(answer)) == (400, text)
    assert (await old.get("/v1/clusters/demo")).json()["status"] == "CREATE_COMPLETE"


async def test_a_group_alone_is_upgraded_to_its_clusters_template(old: Api) -> None:
    await old.post("/v1/clusters/demo/nodegroups", {"name": "late", "image_id": "fake-image"})
    uuid = (await old.get("/v1/clusters/demo")).json()["uuid"]
    await old.finished(uuid)
    for body in ({"cluster_template": "next", "nodegroup": "default-worker"}, {"cluster_template": "next"}):
        assert (await old.post("/v1/clusters/demo/actions/upgrade", body)).status_code == 202
        assert await old.finished(uuid) == "succeeded"
        images = {m.group: m.image_id for m in await old.stage.provider.list_machines(uuid)}
        whole = "nodegroup" not in body
        assert images == {
            "default-master": "next" if whole else "fake-image",
            "default-worker": "next",
            "late": "fake-image",
        }
    body = {"cluster_template": "next", "nodegroup": "late"}
    assert (await old.post("/v1/clusters/demo/actions/upgrade", body)).status_code == 202
    assert await old.finished(uuid) == "succeeded"
    assert {m.image_id for m in await old.stage.provider.list_machines(uuid)} == {"next"}


async def test_a_template_of_another_kind_and_a_driver_without_upgrades(make: Maker) -> None:
    class Plain(FakeDriver):
        def __init__(self) -> None:
            super().__init__()
            self.capabilities = dataclasses.replace(self.capabilities, upgrade=False)

    for drivers, status, text in (
        (
            None,
            409,
            "Cluster Template is not valid for upgrade: its server type is bm, the cluster's server type is vm.",
        ),
        ({"fake": Plain()}, 400, "Upgrading is not supported by the driver fake."),
    ):
        member = make(drivers=drivers).as_("user-1", f"project-{status}").at("latest")
        uuid = await member.cluster()
        await member.finished(uuid)
        await member.template(name="metal", server_type="bm")
        answer = await member.post(f"/v1/clusters/{uuid}/actions/upgrade", {"cluster_template": "metal"})
        assert (answer.status_code, detail(answer)) == (status, text)


async def test_a_resize_that_fails_at_once_gives_the_old_count_back(make: Maker) -> None:
    cloud = Cloud(faults=[Fault("ensure_machine", "refuse", "*worker-1", "no valid host was found")])
    member = make(provider=FakeProvider(cloud, boot_s=0)).as_("user-1").at("latest")
    uuid = await member.cluster(node_count=1)
    await member.finished(uuid)
    await member.patch("/v1/clusters/demo", [replace("/node_count", 2)])
    assert (await member.get("/v1/clusters/demo")).json()["node_count"] == 2
    assert await member.finished(uuid) == "failed"
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["node_count"]) == ("UPDATE_FAILED", 1)


@pytest.mark.parametrize("how", ["resize", "patch"])
async def test_a_group_that_grows_beyond_what_the_provider_has_is_refused(make: Maker, how: str) -> None:
    provider = FakeProvider(Cloud(), boot_s=0, weather=Weather(machine_quota=3))
    member = make(provider=provider).as_("user-1").at("latest")
    uuid = await member.cluster(node_count=1)
    await member.finished(uuid)
    if how == "resize":
        answer = await member.post("/v1/clusters/demo/actions/resize", {"node_count": 3})
    else:
        answer = await member.patch("/v1/clusters/demo", [replace("/node_count", 3)])
    said = "2 machines are wanted, and the quota leaves room for 1."
    assert (answer.status_code, detail(answer)) == (400, said)
    plan = (await member.post(f"/ext/v1/clusters/{uuid}/plan", {"operation": "resize", "node_count": 3})).json()
    assert [(one["field"], one["message"]) for one in plan["problems"]] == [("node_count", said)]
    assert (await member.get("/v1/clusters/demo")).json()["node_count"] == 1
    assert (await member.post("/v1/clusters/demo/actions/resize", {"node_count": 2})).status_code == 202
    assert await member.finished(uuid) == "succeeded"


class Speechless(FakeProvider):
    """Says nothing of what it has room for."""

    error: JeroboamError | None = None

    async def preflight(self, cluster: Cluster, machines: Sequence[MachineSpec]) -> list[Problem]:
        if self.error:
            raise self.error
        return await super().preflight(cluster, machines)


@pytest.mark.parametrize("error", [ProviderUnavailable("away", after_s=1.0), ProviderRefused("closed")])
async def test_a_provider_that_cannot_be_asked_refuses_no_resize(make: Maker, error: JeroboamError) -> None:
    provider = Speechless(Cloud(), boot_s=0)
    member = make(provider=provider).as_("user-1").at("latest")
    uuid = await member.cluster(node_count=1)
    await member.finished(uuid)
    provider.error = error
    answer = await member.post("/v1/clusters/demo/actions/resize", {"node_count": 2})
    assert answer.status_code == 202
    assert await member.finished(uuid) == "succeeded"


async def test_health_that_a_healer_tells_is_kept_while_the_cluster_changes(member: Api, demo: str) -> None:
    await member.at("latest").post("/v1/clusters/demo/actions/resize", {"node_count": 3})
    answer = await member.patch("/v1/clusters/demo", [replace("/health_status", "UNHEALTHY")])
    assert answer.status_code == 202
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["health_status"]) == ("UPDATE_IN_PROGRESS", "UNHEALTHY")

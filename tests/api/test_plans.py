"""/ext/v1/.../plan: all problems in one answer, what would be made or removed, and nothing done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.contracts import Image
from jeroboam.drivers.fake import FakeDriver
from jeroboam.drivers.kubernetes import KubernetesDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.providers.fake.catalogue import FakeCatalogue
from jeroboam.service import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.api.conftest import Api, Maker

CREATE = "/ext/v1/clusters/plan"
IMAGES = tuple(
    Image(f"img-{minor}", f"fake-1.{minor}", {"os_distro": "debian", "kube_version": f"v1.{minor}.0"})
    for minor in (34, 35, 37)
)

KUBE = FakeCatalogue(image_list=(Image("node", "node", {"os_distro": "debian", "kube_version": "v1.34.4"}),))


def messages(plan: dict[str, Any]) -> list[str]:
    return [problem["message"] for problem in plan["problems"]]


def moves(plan: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Names without the cluster's random part."""
    return [
        (m["action"], m["kind"] if m["kind"] != "machine" else _tail(m["name"]), m["node_group"]) for m in plan["moves"]
    ]


def _tail(name: str) -> str:
    return "-".join(name.split("-")[2:])


@pytest.fixture
async def demo(member: Api) -> str:
    uuid = await member.cluster(node_count=2)
    assert await member.finished(uuid) == "succeeded"
    return uuid


async def test_a_creation_is_planned_and_nothing_is_kept(member: Api) -> None:
    await member.template(labels={"kube_tga": "v1.34.4", "octavia_provider": "ovn"})
    answer = await member.post(CREATE, {"name": "demo", "cluster_template_id": "k8s", "node_count": 2})
    assert answer.status_code == 200
    plan = answer.json()
    assert (plan["operation"], plan["possible"], plan["status"]) == ("create", True, "CREATE_IN_PROGRESS")
    assert plan["summary"] == "create 1 control plane, 2 workers"
    assert plan["quota"] == {"used": 0, "limit": 20}
    assert moves(plan) == [
        ("make", "network", None),
        ("make", "endpoint", None),
        ("make", "default-master-0", "default-master"),
        ("make", "default-worker-0", "default-worker"),
        ("make", "default-worker-1", "default-worker"),
    ]
    assert plan["moves"][2]["image_id"] == "fake-image"
    assert plan["warnings"] == [
        {
            "field": "labels.kube_tga",
            "value": "v1.34.4",
            "message": "Label kube_tga is not known to the driver fake.",
            "hint": "Did you mean kube_tag?",
        },
        {
            "field": "labels.octavia_provider",
            "value": "ovn",
            "message": "Label octavia_provider = ovn has no effect with the driver fake.",
            "hint": "Leave it out.",
        },
    ]
    assert (await member.get("/v1/clusters")).json()["clusters"] == []


async def test_all_problems_come_in_one_answer_and_the_request_tells_the_first(make: Maker) -> None:
    api = make(settings=ServiceSettings(max_clusters_per_project=1)).as_("user-1")
    await api.cluster()
    body = {
        "cluster_template_id": "k8s",
        "master_count": 2,
        "flavor_id": "huge",
        "fixed_network": "nowhere",
        "keypair": "lost",
        "labels": {"min_node_count": "few", "boot_volume_size": "big"},
    }
    plan = (await api.post(CREATE, body)).json()
    assert plan["possible"] is False
    assert messages(plan) == [
        "master nodegroup size of 2 is invalid, size cannot be an even number.",
        "Resource limit exceeded: You have reached the maximum clusters per project, 1. "
        "You may delete a cluster to make room for a new one.",
        "Label min_node_count must be a whole number, but received few.",
        "Label boot_volume_size must be an integer number of gigabytes, but received big.",
        "Unable to find flavor huge.",
        "Unable to find fixed network nowhere.",
        "Unable to find keypair lost.",
        "master_count must be 1 when master_lb_enabled is False",
    ]
    assert plan["problems"][0]["field"] == "master_count"
    assert plan["problems"][0]["value"] == "2"
    assert {problem["class"] for problem in plan["problems"]} == {"user"}
    refused = await api.post("/v1/clusters", body)
    assert refused.json()["errors"][0]["detail"] == messages(plan)[0]


async def test_strict_labels_are_problems_and_not_told_twice(member: Api) -> None:
    await member.template()
    labels = {"strict_labels": "true", "kube_tga": "1"}
    plan = (await member.post(CREATE, {"cluster_template_id": "k8s", "labels": labels})).json()
    assert plan["problems"] == [
        {
            "field": "labels.kube_tga",
            "value": "1",
            "message": "Label kube_tga is not known to the driver fake.",
            "hint": "Did you mean kube_tag?",
            "class": "user",
        }
    ]
    assert (plan["warnings"], plan["status"]) == ([], None)
    answer = await member.post("/v1/clusters", {"cluster_template_id": "k8s", "labels": labels})
    told = "Label kube_tga is not known to the driver fake. Did you mean kube_tag?"
    assert answer.json()["errors"][0]["detail"] == told


async def test_what_a_driver_refuses_is_told_once_with_its_value(make: Maker) -> None:
    member = make(drivers={"kubernetes": KubernetesDriver()}, provider=FakeProvider(Cloud(), catalogue=KUBE)).as_("u")
    await member.template(image_id="node")
    labels = {"container_runtime": "banana", "kube_tga": "1"}
    body = {"cluster_template_id": "k8s", "labels": labels, "master_count": 3}
    plan = (await member.post(CREATE, body)).json()
    assert [(p["field"], p["value"], p["message"], p["hint"]) for p in plan["problems"]] == [
        ("labels.container_runtime", "banana", "Label container_runtime = banana is not usable.", "Give containerd."),
        ("master_count", None, "3 control-plane nodes are not supported; supported: 1.", ""),
    ]
    assert [warning["field"] for warning in plan["warnings"]] == ["labels.kube_tga"]
    assert (plan["possible"], plan["status"]) == (False, None)
    first = (await member.post("/v1/clusters", body)).json()["errors"][0]["detail"]
    assert first == "master_count must be 1 when master_lb_enabled is False"


async def test_without_its_template_there_is_no_plan(member: Api) -> None:
    answer = await member.post(CREATE, {"cluster_template_id": "nope"})
    assert answer.status_code == 404
    assert (await member.post(CREATE, {"cluster_template_id": 5})).status_code == 400
    assert (await member.as_("user-2", roles="reader").post(CREATE, {"cluster_template_id": "nope"})).status_code == 404


async def test_a_resize_names_the_machines_that_go_and_come(member: Api, demo: str) -> None:
    place = f"/ext/v1/clusters/{demo}/plan"
    plan = (await member.post(place, {"operation": "resize", "node_count": 4})).json()
    assert (plan["possible"], plan["status"]) == (True, "UPDATE_IN_PROGRESS")
    assert moves(plan) == [
        ("make", "default-worker-2", "default-worker"),
        ("make", "default-worker-3", "default-worker"),
    ]
    plan = (await member.post(place, {"operation": "resize", "node_count": 1, "nodes_to_remove": ["0"]})).json()
    assert moves(plan) == [("remove", "default-worker-0", "default-worker")]
    plan = (await member.post(place, {"operation": "resize", "node_count": 2})).json()
    assert (plan["summary"], plan["status"], plan["moves"]) == ("nothing to change", None, [])
    body = {"operation": "resize", "node_count": 6000, "nodes_to_remove": ["nope"], "nodegroup": "default-master"}
    plan = (await member.post(place, body)).json()
    assert messages(plan) == [
        "Node nope is not in the node group default-master.",
        "Resizing the master nodegroup is not supported by this driver.",
        "A cluster of 6002 nodes is too large: at most 5000 are allowed.",
    ]
    assert plan["problems"][0]["field"] == "nodes_to_remove"
    row = await member.stage.store.load(demo)
    assert row is not None
    assert [group.node_count for group in row.groups] == [1, 2]
    assert len(await member.stage.store.list_operations(demo)) == 1


async def test_an_upgrade_names_the_machines_that_are_replaced(make: Maker) -> None:
    asked: list[str] = []

    class Counting(FakeCatalogue):
        async def find_images(self, project_id: str, ident: str) -> Sequence[Image]:
            asked.append(ident)
            return await super().find_images(project_id, ident)

    provider = FakeProvider(Cloud(), boot_s=0, catalogue=Counting(image_list=IMAGES))
    api = make(provider=provider, drivers={"fake": FakeDriver()}).as_("user-1")
    for minor in (34, 35, 37):
        await api.template(name=f"k8s-{minor}", image_id=f"img-{minor}")
    uuid = await api.cluster(cluster_template_id="k8s-34", node_count=1)
    assert await api.finished(uuid) == "succeeded"
    place = f"/ext/v1/clusters/{uuid}/plan"
    asked.clear()
    plan = (await api.post(place, {"operation": "upgrade", "cluster_template": "k8s-35"})).json()
    assert asked == ["img-35", "img-34"]
    assert (plan["possible"], plan["problems"]) == (True, [])
    assert moves(plan) == [
        ("replace", "default-master-0", "default-master"),
        ("replace", "default-worker-0", "default-worker"),
    ]
    assert {move["image_id"] for move in plan["moves"]} == {"img-35"}
    plan = (await api.post(place, {"operation": "upgrade", "cluster_template": "k8s-37"})).json()
    assert messages(plan) == [
        "From v1.34.0 to v1.37.0 is more than one minor version; nodes go up one minor version at a time."
    ]
    assert (await api.get(f"/v1/clusters/{uuid}")).json()["status"] == "CREATE_COMPLETE"


async def test_a_new_group_names_the_machines_that_come(member: Api, demo: str) -> None:
    wish = {"name": "big", "node_count": 2, "flavor_id": "m1.medium", "labels": {"kube_tga": "1"}}
    plan = (await member.post(f"/ext/v1/clusters/{demo}/plan", {"operation": "nodegroup_create", **wish})).json()
    assert (plan["operation"], plan["possible"]) == ("nodegroup_create", True)
    assert (plan["summary"], plan["status"]) == ("add node group big with 2 nodes", "UPDATE_IN_PROGRESS")
    assert moves(plan) == [("make", "big-0", "big"), ("make", "big-1", "big")]
    assert {(move["image_id"], move["flavor_id"]) for move in plan["moves"]} == {("fake-image", "m1.medium")}
    assert [(one["field"], one["hint"]) for one in plan["warnings"]] == [("labels.kube_tga", "Did you mean kube_tag?")]
    groups = (await member.at("latest").get(f"/v1/clusters/{demo}/nodegroups")).json()["nodegroups"]
    assert [group["name"] for group in groups] == ["default-master", "default-worker"]
    answer = await member.at("latest").post(f"/v1/clusters/{demo}/nodegroups", wish)
    assert answer.status_code == 202
    assert await member.finished(demo) == "succeeded"
    names = {machine["name"] for machine in plan["moves"]}
    shown = (await member.at("latest").get(f"/v1/clusters/{demo}/nodegroups/big")).json()
    assert len(names) == 2
    assert shown["node_count"] == 2


async def test_all_that_stands_against_a_new_group_comes_in_one_answer(member: Api, demo: str) -> None:
    wish = {
        "name": "default-worker",
        "role": "master",
        "node_count": 6000,
        "min_node_count": 7000,
        "flavor_id": "huge",
        "image_id": "lost",
    }
    plan = (await member.post(f"/ext/v1/clusters/{demo}/plan", {"operation": "nodegroup_create", **wish})).json()
    assert messages(plan) == [
        "Creating master nodegroups is currently not supported.",
        "A node group with name default-worker already exists in the cluster demo.",
        "min_node_count for default-worker is invalid (min_node_count (7000) should be less or equal to node_count (6000)).",
        "A cluster of 6003 nodes is too large: at most 5000 are allowed.",
        "Unable to find flavor huge.",
        "Image lost could not be found.",
    ]
    assert (plan["possible"], plan["status"], plan["moves"]) == (False, None, [])
    refused = await member.at("latest").post(f"/v1/clusters/{demo}/nodegroups", wish)
    assert refused.json()["errors"][0]["detail"] == messages(plan)[0]


async def test_a_deletion_names_what_is_there(member: Api, demo: str) -> None:
    plan = (await member.post(f"/ext/v1/clusters/{demo}/plan", {"operation": "delete"})).json()
    assert (plan["possible"], plan["status"], plan["summary"]) == (True, "DELETE_IN_PROGRESS", "delete 3 nodes")
    assert {move["action"] for move in plan["moves"]} == {"remove"}
    assert len([move for move in plan["moves"] if move["kind"] == "machine"]) == 3
    assert (await member.get(f"/v1/clusters/{demo}")).json()["status"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            [],
            "Invalid input for field/attribute plan. Value: '[]'. Wrong type. Expected an object, got '<class 'list'>'",
        ),
        ({}, "Invalid input for field/attribute operation. Value: 'None'. Mandatory field missing."),
        (
            {"operation": "dance"},
            "Invalid input for field/attribute operation. Value: 'dance'. "
            "Value should be one of: resize, upgrade, nodegroup_create, delete",
        ),
        ({"operation": "delete", "x": 1}, "Unknown attribute for argument plan: x"),
        (
            {"operation": "resize"},
            "Invalid input for field/attribute node_count. Value: 'None'. Mandatory field missing.",
        ),
    ],
)
async def test_bad_plans_are_told(member: Api, demo: str, body: Any, text: str) -> None:
    answer = await member.post(f"/ext/v1/clusters/{demo}/plan", body)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (400, text)


async def test_strangers_see_no_plan(member: Api, demo: str) -> None:
    group = {"operation": "nodegroup_create", "name": "big"}
    for operation in ({"operation": "delete"}, {"operation": "resize", "node_count": 3}, group):
        answer = await member.as_("user-9", "project-9").post(f"/ext/v1/clusters/{demo}/plan", operation)
        assert answer.status_code == 404

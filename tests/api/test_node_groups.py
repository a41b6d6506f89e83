"""Node groups. Contract: section 2.6."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.providers.fake import Cloud, FakeProvider, Fault

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

HOST = "http://127.0.0.1:9511"
WRONG = "Invalid input for field/attribute "
PATH = "/v1/clusters/demo/nodegroups"


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    return str(error["detail"])


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.fixture
async def api(member: Api) -> Api:
    """A member with a finished cluster "demo" of two workers, at the latest version."""
    uuid = await member.cluster(node_count=2, labels={"a": "b"})
    assert await member.finished(uuid) == "succeeded"
    return member.at("latest")


async def test_the_default_groups(api: Api) -> None:
    cluster = (await api.get("/v1/clusters/demo")).json()["uuid"]
    groups = (await api.get(PATH)).json()["nodegroups"]
    assert [set(one) for one in groups] == [
        {"uuid", "name", "flavor_id", "image_id", "node_count", "role", "is_default", "stack_id", "status",
         "min_node_count", "max_node_count", "merge_labels"},
    ] * 2  # fmt: skip
    assert [(g["name"], g["role"], g["node_count"], g["is_default"], g["status"]) for g in groups] == [
        ("default-master", "master", 1, True, "CREATE_COMPLETE"),
        ("default-worker", "worker", 2, True, "CREATE_COMPLETE"),
    ]
    uuid = groups[1]["uuid"]
    shown = (await api.get(f"{PATH}/default-worker")).json()
    assert len(shown.pop("node_addresses")) == 2
    assert shown == {
        "uuid": uuid,
        "name": "default-worker",
        "id": 2,
        "cluster_id": cluster,
        "project_id": "project-1",
        "flavor_id": None,
        "image_id": "fake-image",
        "node_count": 2,
        "min_node_count": 0,
        "max_node_count": None,
        "role": "worker",
        "docker_volume_size": None,
        "labels": {"a": "b"},
        "labels_overridden": {},
        "labels_added": {},
        "labels_skipped": {},
        "merge_labels": False,
        "node_labels": {},
        "node_taints": [],
        "is_default": True,
        "stack_id": f"net-{cluster}",
        "status": "CREATE_COMPLETE",
        "status_reason": None,
        "version": "v1.34.4",
        "links": [
            {"rel": "self", "href": f"{HOST}/v1/clusters/{cluster}/nodegroups/{uuid}"},
            {"rel": "bookmark", "href": f"{HOST}/clusters/{cluster}/nodegroups/{uuid}"},
        ],
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": None,
    }
    assert (await api.get(f"{PATH}/{uuid}")).json()["name"] == "default-worker"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["default-master", "default-worker"]),
        ("role=master", ["default-master"]),
        ("role=nope", []),
        ("sort_key=name&sort_dir=desc", ["default-worker", "default-master"]),
        ("sort_key=max_node_count", ["default-master", "default-worker"]),
        ("sort_key=role&limit=1", ["default-master"]),
    ],
)
async def test_lists(api: Api, query: str, names: list[str]) -> None:
    assert [one["name"] for one in (await api.get(f"{PATH}?{query}")).json()["nodegroups"]] == names


async def test_pages(api: Api) -> None:
    first = (await api.get(f"{PATH}?limit=1&role=master")).json()
    uuid = (await api.get("/v1/clusters/demo")).json()["uuid"]
    marker = first["nodegroups"][0]["uuid"]
    assert first["next"] == f"{HOST}/v1/clusters/{uuid}/nodegroups?sort_key=id&sort_dir=asc&limit=1&marker={marker}"
    second = (await api.get(first["next"])).json()
    assert [one["name"] for one in second["nodegroups"]] == ["default-worker"]
    answer = await api.get(f"{PATH}?marker=0b6e8f0e-aaaa-4000-8000-000000000001")
    assert (answer.status_code, detail(answer)) == (
        404,
        "Nodegroup 0b6e8f0e-aaaa-4000-8000-000000000001 could not be found.",
    )
    assert (await api.get(f"{PATH}?sort_key=zz")).status_code == 400


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v1/clusters/nope/nodegroups", "Cluster nope could not be found."),
        (f"{PATH}/nope", "Nodegroup nope could not be found."),
    ],
)
async def test_what_is_not_there(api: Api, path: str, text: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, detail(answer)) == (404, text)


FULL = {
    "name": "gpu nodes/ü",
    "node_count": 2,
    "min_node_count": 1,
    "max_node_count": 4,
    "role": "gpu",
    "flavor_id": "m1.medium",
    "docker_volume_size": 3,
    "labels": {"c": 1},
    "merge_labels": True,
    "node_labels": {"team": "x", "node.kubernetes.io/pool": "p"},
    "node_taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}, {"key": "k", "effect": "NoExecute"}],
}


async def test_a_group_is_added_changed_and_removed(api: Api) -> None:
    cluster = (await api.get("/v1/clusters/demo")).json()["uuid"]
    answer = await api.post(PATH, FULL)
    made = answer.json()
    assert answer.status_code == 202
    assert {key: made[key] for key in FULL} == FULL | {"labels": {"a": "b", "c": "1"}, "merge_labels": False}
    assert not {"id", "status", "stack_id", "node_addresses", "is_default", "version", "created_at"} & set(made)
    shown = (await api.get(f"{PATH}/{made['uuid']}")).json()
    assert (shown["status"], shown["labels_added"], shown["is_default"]) == ("CREATE_IN_PROGRESS", {"c": "1"}, False)
    assert (await api.get("/v1/clusters/demo")).json()["status"] == "UPDATE_IN_PROGRESS"
    assert await api.finished(cluster) == "succeeded"
    shown = (await api.get(f"{PATH}/{made['uuid']}")).json()
    assert (shown["status"], len(shown["node_addresses"])) == ("CREATE_COMPLETE", 2)
    others = (await api.get(PATH)).json()["nodegroups"][:2]
    assert [one["status"] for one in others] == ["CREATE_COMPLETE", "CREATE_COMPLETE"]  # not touched

    changes = [
        replace("/min_node_count", 2),
        {"op": "remove", "path": "/max_node_count"},
        replace("/node_labels", "{'team': 'y'}"),
        replace("/node_taints", "[{'key': 'k', 'value': '', 'effect': 'PreferNoSchedule'}]"),
    ]
    answer = await api.patch(f"{PATH}/{made['uuid']}", changes)
    changed = answer.json()
    assert (answer.status_code, changed["status"]) == (202, "CREATE_COMPLETE")
    assert (changed["min_node_count"], changed["max_node_count"], changed["node_labels"], changed["node_taints"]) == (
        2, None, {"team": "y"}, [{"key": "k", "value": "", "effect": "PreferNoSchedule"}],
    )  # fmt: skip
    assert (await api.get(f"{PATH}/{made['uuid']}")).json()["status"] == "UPDATE_IN_PROGRESS"
    assert await api.finished(cluster) == "succeeded"
    [listed] = (await api.get(f"{PATH}?role=gpu")).json()["nodegroups"]
    assert (listed["min_node_count"], listed["max_node_count"]) == (2, None)

    for _ in range(2):
        assert (await api.delete(f"{PATH}/{made['uuid']}")).status_code == 204
        assert (await api.get(f"{PATH}/{made['uuid']}")).json()["status"] == "DELETE_IN_PROGRESS"
    assert await api.finished(cluster) == "succeeded"
    assert (await api.delete(f"{PATH}/{made['uuid']}")).status_code == 404
    machines = await api.stage.provider.list_machines(cluster)
    assert sorted(one.group for one in machines) == ["default-master", "default-worker", "default-worker"]


@pytest.mark.parametrize(("body", "status", "text"), [
    ({}, 400, f"{WRONG}name. Value: 'None'. Mandatory field missing."),
    ({"name": "n", "colour": 1}, 400, "Unknown attribute for argument nodegroup: colour"),
    ({"name": "n", "stack_id": "x"}, 400, f"{WRONG}stack_id. Value: 'x'. Cannot set read only field."),
    ({"name": "n", "role": "master"}, 400, "Creating master nodegroups is currently not supported."),
    ({"name": "default-worker"}, 409, "A node group with name default-worker already exists in the cluster demo."),
    ({"name": "n", "min_node_count": 3}, 409,
     "min_node_count for n is invalid (min_node_count (3) should be less or equal to node_count (1))."),
    ({"name": "n", "node_count": 3, "max_node_count": 2}, 409,
     "max_node_count for n is invalid (max_node_count (2) should be greater or equal to node_count (3))."),
    ({"name": "n", "node_labels": {"kubernetes.io/role": "x"}}, 409,
     "node_labels for n is invalid (kubernetes.io/role is in a namespace that Kubernetes keeps for itself)."),
    ({"name": "n", "node_labels": {"a.k8s.io/x": "x"}}, 409,
     "node_labels for n is invalid (a.k8s.io/x is in a namespace that Kubernetes keeps for itself)."),
    ({"name": "n", "node_labels": {"a": 1}}, 400,
     f"{WRONG}node_labels. Value: '1'. Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ({"name": "n", "node_taints": [{"key": "k", "effect": "Explode"}]}, 409,
     "node_taints for n is invalid (node_taints[0].effect must be one of NoSchedule, PreferNoSchedule, NoExecute)."),
    ({"name": "n", "node_taints": [{"effect": "NoExecute"}]}, 409,
     "node_taints for n is invalid (node_taints[0].key must not be empty)."),
    ({"name": "n", "node_taints": [{"key": "k", "effect": "NoExecute", "x": "y"}]}, 400, ""),
    ({"name": "n", "node_taints": {}}, 400,
     f"{WRONG}node_taints. Value: '{{}}'. Wrong type. Expected '<class 'list'>', got '<class 'dict'>'"),
    ({"name": "n", "flavor_id": "huge"}, 400, "Unable to find flavor huge."),
    ({"name": "n", "image_id": "nope"}, 400, "Image nope could not be found."),
    ({"name": "n", "node_count": 4998}, 400, "A cluster of 5001 nodes is too large: at most 5000 are allowed."),
])  # fmt: skip
async def test_what_a_group_may_not_be(api: Api, body: Any, status: int, text: str) -> None:
    answer = await api.post(PATH, body)
    assert answer.status_code == status
    assert not text or detail(answer) == text
    assert len((await api.get(PATH)).json()["nodegroups"]) == 2


@pytest.mark.parametrize(
    "label",
    [
        "kubernetes.io/arch",
        "kubelet.kubernetes.io/x",
        "sub.node.kubernetes.io/x",
        "topology.kubernetes.io/zone",
        "my.org/x",
        "plain",
    ],
)
async def test_node_labels_that_are_open(api: Api, label: str) -> None:
    assert (await api.post(PATH, {"name": "n", "node_labels": {label: "x"}})).status_code == 202


async def test_a_cluster_without_an_address_takes_no_groups(member: Api) -> None:
    await member.cluster()
    answer = await member.at("latest").post(PATH, {"name": "n"})
    assert (answer.status_code, detail(answer)) == (409, "Cluster API address is not available yet")


async def test_a_finished_cluster_without_a_floating_address_takes_groups(make: Maker) -> None:
    member = make(provider=FakeProvider(Cloud(), reachable=False)).as_("user-1").at("latest")
    uuid = await member.cluster()
    assert await member.finished(uuid) == "succeeded"
    shown = (await member.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["api_address"]) == ("CREATE_COMPLETE", None)
    assert (await member.post(PATH, {"name": "n"})).status_code == 202
    assert await member.finished(uuid) == "succeeded"


@pytest.mark.parametrize(("group", "changes", "status", "text"), [
    ("default-worker", [replace("/node_count", 5)], 400, "'/node_count' is an internal attribute and can not be updated"),
    ("default-worker", [replace("/uuid", "x")], 400, "'/uuid' is an internal attribute and can not be updated"),
    ("default-worker", [replace("/min_node_count", "1")], 400,
     f"{WRONG}min_node_count. Value: '1'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("default-worker", [replace("/min_node_count", 3)], 409,
     "min_node_count for default-worker is invalid (min_node_count (3) should be less or equal to node_count (2))."),
    ("default-worker", [replace("/max_node_count", 1)], 409,
     "max_node_count for default-worker is invalid (max_node_count (1) should be greater or equal to node_count (2))."),
    ("default-master", [replace("/node_labels", "{'a': 'b'}")], 409,
     "node_labels for default-master is invalid (node_labels are not supported on a master node group)."),
    ("default-master", [replace("/node_taints", "[{'key': 'a', 'effect': 'NoExecute'}]")], 409,
     "node_taints for default-master is invalid (node_taints are not supported on a master node group)."),
    ("nope", [], 404, "Nodegroup nope could not be found."),
])  # fmt: skip
async def test_what_a_patch_may_not_do(api: Api, group: str, changes: Any, status: int, text: str) -> None:
    answer = await api.patch(f"{PATH}/{group}", changes)
    assert (answer.status_code, detail(answer)) == (status, text)


async def test_zero_is_no_maximum(api: Api) -> None:
    answer = await api.patch(f"{PATH}/default-worker", [{"op": "add", "path": "/max_node_count", "value": 0}])
    assert (answer.status_code, answer.json()["max_node_count"]) == (202, 0)
    assert (await api.post("/v1/clusters/demo/actions/resize", {"node_count": 9})).status_code == 202


@pytest.mark.parametrize("group", ["default-master", "default-worker"])
async def test_default_groups_stay(api: Api, group: str) -> None:
    answer = await api.delete(f"{PATH}/{group}")
    assert (answer.status_code, detail(answer)) == (400, "Deleting a default nodegroup is not supported.")


@pytest.mark.parametrize(
    ("roles", "project", "statuses"),
    [
        ("member,reader", "project-1", (200, 200, 202, 202, 204)),
        ("reader", "project-1", (200, 200, 403, 403, 403)),
        ("member", "project-1", (403, 403, 202, 202, 204)),
        ("", "project-1", (403, 403, 403, 403, 403)),
        ("admin", "elsewhere", (200, 200, 404, 404, 404)),
        ("member,reader", "elsewhere", (404, 404, 404, 404, 404)),
    ],
)
async def test_every_role(api: Api, roles: str, project: str, statuses: tuple[int, ...]) -> None:
    await api.post(PATH, {"name": "old"})
    caller = api.as_("somebody", project, roles)
    calls: tuple[tuple[str, str, Any], ...] = (
        ("GET", PATH, None),
        ("GET", f"{PATH}/old", None),
        ("POST", PATH, {"name": "new"}),
        ("PATCH", f"{PATH}/old", []),
        ("DELETE", f"{PATH}/old", None),
    )
    assert tuple([(await caller.call(m, p, json=b)).status_code for m, p, b in calls]) == statuses


async def test_a_group_on_its_way_out(api: Api) -> None:
    await api.post(PATH, {"name": "n"})
    assert (await api.delete(f"{PATH}/n")).status_code == 204
    answer = await api.post("/v1/clusters/demo/actions/resize", {"node_count": 3, "nodegroup": "n"})
    assert answer.status_code == 202
    assert (await api.patch(f"{PATH}/n", [replace("/min_node_count", 1)])).status_code == 202
    newest, older, *_ = (await api.get("/ext/v1/clusters/demo/operations")).json()["operations"]
    for one, kind in ((newest, "nodegroup_update"), (older, "resize")):
        told = (one["kind"], one["state"], one["error"])
        assert told == (kind, "superseded", "Not begun: node group n is being deleted.")


async def test_a_group_that_could_not_be_deleted_is_deleted_by_asking_again(make: Maker) -> None:
    cloud = Cloud(faults=[Fault("delete_machine", "refuse", "*-n-0", "locked by an administrator", times=1)])
    api = make(provider=FakeProvider(cloud, boot_s=0)).as_("user-1").at("latest")
    cluster = await api.cluster()
    await api.finished(cluster)
    await api.post(PATH, {"name": "n"})
    assert await api.finished(cluster) == "succeeded"
    await api.delete(f"{PATH}/n")
    assert await api.finished(cluster) == "failed"
    shown = (await api.get("/v1/clusters/demo")).json()
    assert (shown["status"], shown["faults"]) == ("UPDATE_FAILED", {"n": "locked by an administrator"})
    assert (await api.get(f"{PATH}/n")).json()["status"] == "DELETE_FAILED"
    assert (await api.delete(f"{PATH}/n")).status_code == 204
    assert await api.finished(cluster) == "succeeded"
    assert (await api.get(f"{PATH}/n")).status_code == 404
    assert (await api.get("/v1/clusters/demo")).json()["status"] == "UPDATE_COMPLETE"


async def test_a_group_that_could_not_be_made_says_so_and_the_next_operation_makes_it(make: Maker) -> None:
    cloud = Cloud(faults=[Fault("ensure_machine", "refuse", "*-n-0", "no valid host was found", times=1)])
    api = make(provider=FakeProvider(cloud, boot_s=0)).as_("user-1").at("latest")
    cluster = await api.cluster()
    await api.finished(cluster)
    await api.post(PATH, {"name": "n"})
    assert await api.finished(cluster) == "failed"
    assert (await api.get(f"{PATH}/n")).json()["status"] == "CREATE_FAILED"
    assert (await api.get("/v1/clusters/demo")).json()["faults"] == {"n": "no valid host was found"}
    body = {"node_count": 1, "nodegroup": "default-worker"}
    assert (await api.post("/v1/clusters/demo/actions/resize", body)).status_code == 202
    assert await api.finished(cluster) == "succeeded"
    assert (await api.get(f"{PATH}/n")).json()["status"] == "CREATE_COMPLETE"


async def test_a_group_of_a_cluster_on_its_way_out(api: Api) -> None:
    await api.post(PATH, {"name": "n"})
    await api.delete("/v1/clusters/demo")
    assert (await api.delete(f"{PATH}/n")).status_code == 204
    answer = await api.post(PATH, {"name": "m"})
    assert answer.status_code == 409
    assert detail(answer).endswith("is being deleted.")

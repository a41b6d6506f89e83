"""Quotas, stats, services, federations, and what /ext/v1 adds. Contract: section 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.api.conftest import Api

HOST = "http://127.0.0.1:9511"
WRONG = "Invalid input for field/attribute "


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    return str(error["detail"])


# ---- quotas


async def test_a_quota_is_made_shown_changed_and_removed(member: Api, admin: Api) -> None:
    path = "/v1/quotas/project-1/Cluster"
    default = {"project_id": "project-1", "resource": "Cluster", "hard_limit": 20}
    assert (await member.get(path)).json() == default
    answer = await admin.post("/v1/quotas", {"project_id": "project-1", "hard_limit": "5"})
    made = default | {"id": 1, "hard_limit": 5, "created_at": "2026-01-02T03:04:05+00:00", "updated_at": None}
    assert (answer.status_code, answer.json()) == (201, made)
    assert (await member.get(path)).json() == made
    assert (await admin.get("/v1/quotas?all_tenants=True")).json() == {"quotas": [made]}
    assert (await admin.get("/v1/quotas")).json() == {"quotas": []}
    answer = await admin.patch(path, {"hard_limit": 7})
    changed = made | {"hard_limit": 7, "updated_at": "2026-01-02T03:04:05+00:00"}
    assert (answer.status_code, answer.json()) == (202, changed)
    assert (
        await admin.patch(path, {"project_id": "project-1", "resource": "Cluster", "hard_limit": 8})
    ).status_code == 202
    assert (await admin.patch(path, {})).json()["hard_limit"] == 1
    assert (await admin.delete(path)).status_code == 204
    assert (await member.get(path)).json() == default
    for answer in (await admin.delete(path), await admin.patch(path, {"hard_limit": 1})):
        assert (answer.status_code, detail(answer)) == (
            404, "Quota could not be found: project_id project-1 resource Cluster.",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({}, 400, f"{WRONG}project_id. Value: 'None'. Mandatory field missing."),
        (
            {"project_id": "p", "resource": "Disk"},
            400,
            f"{WRONG}resource. Value: 'Disk'. Value should be one of: Cluster",
        ),
        (
            {"project_id": "p", "hard_limit": -1},
            400,
            f"{WRONG}hard_limit. Value: '-1'. Value should be greater or equal to 0",
        ),
        ({"project_id": "p", "colour": 1}, 400, "Unknown attribute for argument quota: colour"),
        ({"project_id": "taken"}, 409, "Quota for project taken already exists for resource Cluster."),
    ],
)
async def test_what_a_quota_may_not_be(admin: Api, body: Any, status: int, text: str) -> None:
    await admin.post("/v1/quotas", {"project_id": "taken"})
    answer = await admin.post("/v1/quotas", body)
    assert (answer.status_code, detail(answer)) == (status, text)


@pytest.mark.parametrize("body", [[], None, "x", {"project_id": "other"}])
async def test_a_patch_of_a_quota_is_an_object(admin: Api, body: Any) -> None:
    await admin.post("/v1/quotas", {"project_id": "p"})
    assert (await admin.patch("/v1/quotas/p/Cluster", body)).status_code == 400


async def test_pages_of_quotas(admin: Api) -> None:
    for project in ("a", "b", "c"):
        await admin.post("/v1/quotas", {"project_id": project})
    first = (await admin.get("/v1/quotas?all_tenants=1&limit=2&sort_key=project_id")).json()
    assert [one["project_id"] for one in first["quotas"]] == ["a", "b"]
    assert first["next"] == f"{HOST}/v1/quotas?sort_key=project_id&sort_dir=asc&limit=2&marker=2"
    second = (await admin.get("/v1/quotas?all_tenants=1&limit=2&sort_key=project_id&marker=2")).json()
    assert [one["project_id"] for one in second["quotas"]] == ["c"]
    assert (await admin.get("/v1/quotas?all_tenants=1&marker=99")).status_code == 404
    assert (await admin.get("/v1/quotas?marker=x")).status_code == 400
    assert (await admin.get("/v1/quotas?all_tenants=zz")).status_code == 400


@pytest.mark.parametrize(
    ("roles", "project", "statuses"),
    [
        ("admin", "elsewhere", (200, 200, 201, 202, 204)),
        ("member,reader", "project-1", (200, 403, 403, 403, 403)),
        ("member", "project-1", (403, 403, 403, 403, 403)),
        ("reader", "elsewhere", (403, 403, 403, 403, 403)),
    ],
)
async def test_every_role(anonymous: Api, admin: Api, roles: str, project: str, statuses: tuple[int, ...]) -> None:
    await admin.post("/v1/quotas", {"project_id": "project-1"})
    caller = anonymous.as_("somebody", project, roles)
    calls: tuple[tuple[str, str, Any], ...] = (
        ("GET", "/v1/quotas/project-1/Cluster", None),
        ("GET", "/v1/quotas", None),
        ("POST", "/v1/quotas", {"project_id": "new"}),
        ("PATCH", "/v1/quotas/project-1/Cluster", {"hard_limit": 2}),
        ("DELETE", "/v1/quotas/project-1/Cluster", None),
    )
    assert tuple([(await caller.call(m, p, json=b)).status_code for m, p, b in calls]) == statuses


async def test_anothers_quota_and_stats_are_not_authorized(member: Api) -> None:
    for path in ("/v1/quotas/project-2/Cluster", "/v1/stats?project_id=project-2"):
        answer = await member.get(path)
        assert (answer.status_code, detail(answer)) == (403, "Not authorized.")


# ---- stats and services


async def test_stats(anonymous: Api, member: Api, admin: Api) -> None:
    assert (await member.get("/v1/stats")).json() == {"clusters": 0, "nodes": 0}
    await member.cluster(node_count=3)
    await anonymous.as_("user-2", "project-2").cluster()
    for api, query, found in (
        (member, "", (1, 4)),
        (member, "?project_id=project-1&type=CLUSTER", (1, 4)),
        (admin, "", (2, 6)),
        (admin, "?project_id=project-2", (1, 2)),
    ):
        assert (await api.get(f"/v1/stats{query}")).json() == {"clusters": found[0], "nodes": found[1]}
    answer = await member.get("/v1/stats?type=nodes")
    assert (answer.status_code, detail(answer)) == (400, "Invalid stats type. Allowed values are 'cluster'")


async def test_services(member: Api, admin: Api) -> None:
    await member.stage.store.heartbeat("ctl-1", "magnum-conductor")
    row = {
        "id": 1,
        "host": "ctl-1",
        "binary": "magnum-conductor",
        "state": "up",
        "report_count": 1,
        "disabled": False,
        "disabled_reason": None,
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": "2026-01-02T03:04:05+00:00",
    }
    assert (await admin.get("/v1/mservices")).json() == {"mservices": [row]}
    admin.clock.advance(180)
    assert (await admin.get("/v1/mservices")).json()["mservices"][0]["state"] == "up"
    admin.clock.advance(1)
    assert (await admin.get("/v1/mservices")).json()["mservices"][0]["state"] == "down"
    assert (await member.get("/v1/mservices")).status_code == 403
    assert (await admin.get("/v1/mservices?limit=1")).status_code == 400
    assert (await admin.get("/v1/mservices/1")).status_code in (404, 405)


# ---- federations


async def test_federations_are_checked_and_not_kept(member: Api) -> None:
    await member.cluster()
    body = {"hostcluster_id": "demo", "properties": {"dns-zone": "example.org"}}
    assert (await member.post("/v1/federations", body)).status_code == 202
    assert (await member.get("/v1/federations")).json() == {"federations": []}
    assert (await member.get("/v1/federations/detail")).json() == {"federations": []}
    assert (await member.post("/v1/federations", body | {"properties": {}})).status_code == 400
    assert (await member.post("/v1/federations", body | {"hostcluster_id": "nope"})).status_code == 404
    answer = await member.get("/v1/federations/x")
    assert (answer.status_code, detail(answer)) == (404, "Federation x could not be found.")


# ---- /ext/v1


async def test_an_operation_and_its_timeline(member: Api) -> None:
    uuid = await member.cluster(node_count=2)
    [operation] = (await member.get("/ext/v1/clusters/demo/operations")).json()["operations"]
    assert operation.pop("request_id").startswith("req-")
    ident = operation.pop("uuid")
    assert operation == {
        "cluster_uuid": uuid,
        "verb": "create",
        "kind": "create",
        "state": "queued",
        "summary": "create 1 control plane, 2 workers",
        "error": None,
        "error_class": None,
        "hint": None,
        "user_id": "user-1",
        "project_id": "project-1",
        "cancel_requested": False,
        "forced": False,
        "created_at": "2026-01-02T03:04:05.000+00:00",
        "started_at": None,
        "finished_at": None,
        "deadline_at": None,
    }
    member.clock.advance(1.5)
    await member.finished(uuid)
    shown = (await member.get(f"/ext/v1/operations/{ident}")).json()
    assert (shown["state"], shown["finished_at"]) == ("succeeded", "2026-01-02T03:04:06.500+00:00")
    steps = (await member.get(f"/ext/v1/operations/{ident}/steps")).json()["steps"]
    assert set(steps[0]) == {
        "id", "name", "target", "attempt", "started_at", "ended_at", "ok", "message", "error_class", "hint", "log",
    }  # fmt: skip
    assert (steps[0]["name"], steps[0]["attempt"], steps[0]["ok"]) == ("keys", 1, True)
    assert [one["id"] for one in steps] == sorted(one["id"] for one in steps)


async def test_the_story_outlives_the_cluster_in_its_own_project(anonymous: Api, member: Api, admin: Api) -> None:
    uuid = await member.cluster()
    await member.finished(uuid)
    await member.delete("/v1/clusters/demo")
    await member.finished(uuid)
    path = f"/ext/v1/clusters/{uuid}/operations"
    for caller in (member, admin):
        assert [one["verb"] for one in (await caller.get(path)).json()["operations"]] == ["delete", "create"]
    ident = (await member.get(path)).json()["operations"][0]["uuid"]
    stranger = anonymous.as_("user-2", "project-2")
    for gone in (
        path,
        "/ext/v1/clusters/demo/operations",
        f"/ext/v1/operations/{ident}",
        f"/ext/v1/operations/{ident}/steps",
    ):
        assert (await stranger.get(gone)).status_code == 404
    assert (await member.get("/ext/v1/clusters/demo/operations")).status_code == 404
    assert (await member.get(f"/ext/v1/clusters/{uuid.upper()}/operations")).status_code == 404
    nobody = anonymous.as_("user-1", "project-1", "")
    for forbidden in (path, f"/ext/v1/operations/{ident}"):
        assert (await nobody.get(forbidden)).status_code == 403


async def test_what_the_installation_offers(anonymous: Api, member: Api) -> None:
    assert (await member.get("/ext/v1/images")).json() == {
        "images": [
            {"id": "fake-image", "name": "fake-image", "properties": {"os_distro": "debian", "kube_version": "v1.34.4"}}
        ]
    }
    assert (await member.get("/ext/v1/flavors")).json()["flavors"][0] == {
        "id": "small", "name": "small", "vcpus": 1, "ram_mib": 1024, "disk_gib": 10,
    }  # fmt: skip
    [driver] = (await member.get("/ext/v1/drivers")).json()["drivers"]
    assert driver == {
        "name": "fake",
        "coe": "kubernetes",
        "server_types": ["bm", "container", "vm"],
        "os_distros": ["debian"],
        "control_plane_sizes": [1, 3, 5],
        "network_drivers": ["flannel", "calico", "cilium"],
        "resize": True,
        "upgrade": True,
        "rotate_ca": True,
        "rotate_credentials": True,
        "heal": True,
        "labels": [
            {
                "name": "kube_tag",
                "type": "version",
                "default": "v1.34.4",
                "meaning": "Version that the nodes claim to run.",
                "choices": [],
                "unit": "",
                "editable": False,
                "since": "0.1",
            }
        ],
    }
    for path in ("images", "flavors", "drivers"):
        assert (await anonymous.as_("x", "y", "").get(f"/ext/v1/{path}")).status_code == 403


async def test_errors_under_ext_have_the_same_shape_and_no_microversion(member: Api) -> None:
    answer = await member.at("9.9").get("/ext/v1/operations/nope")
    assert (answer.status_code, detail(answer)) == (404, "Operation nope could not be found.")
    assert "openstack-api-version" not in answer.headers

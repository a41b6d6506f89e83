"""Section 7, and 2.7 as far as it is the wire's: quotas, stats, services, federations, certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .wire import HOST, WRONG, detail

if TYPE_CHECKING:
    from tests.api.conftest import Api


@pytest.mark.parametrize("resource", ["Cluster", "Disk", "anything"])
async def test_a_default_limit_for_any_word(member: Api, resource: str) -> None:
    answer = await member.get(f"/v1/quotas/project-1/{resource}")
    assert answer.json() == {"project_id": "project-1", "resource": resource, "hard_limit": 20}


@pytest.mark.parametrize(
    ("body", "limit"), [({}, 1), ({"hard_limit": 0}, 0), ({"hard_limit": "7"}, 7), ({"hard_limit": None}, 1)]
)
async def test_limits_by_post_and_by_patch(admin: Api, body: Any, limit: int) -> None:
    answer = await admin.post("/v1/quotas", {"project_id": "p", **body})
    assert (answer.status_code, answer.json()["hard_limit"], answer.json()["resource"]) == (201, limit, "Cluster")
    assert (await admin.patch("/v1/quotas/p/Cluster", {"hard_limit": 9})).json()["hard_limit"] == 9
    answer = await admin.patch("/v1/quotas/p/Cluster", body)
    assert (answer.status_code, answer.json()["hard_limit"]) == (202, limit)


async def test_the_limit_counts_clusters_in_any_state_and_is_checked_at_post_only(admin: Api, member: Api) -> None:
    await admin.post("/v1/quotas", {"project_id": "project-1", "hard_limit": 1})
    uuid = await member.cluster()
    await member.finished(uuid)
    await member.delete(f"/v1/clusters/{uuid}")
    answer = await member.post("/v1/clusters", {"cluster_template_id": "k8s"})
    assert (answer.status_code, detail(answer)) == (
        403,
        "Resource limit exceeded: You have reached the maximum clusters per project, 1. "
        "You may delete a cluster to make room for a new one.",
    )
    await member.finished(uuid)
    assert (await member.post("/v1/clusters", {"cluster_template_id": "k8s"})).status_code == 202


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("type=cluster", 200),
        ("type=CLUSTER", 200),
        ("type=nodes", 400),
        ("type=", 400),
        ("project_id=project-1", 200),
        ("project_id=", 200),
        ("project_id=other", 403),
    ],
)
async def test_stats(member: Api, demo: str, query: str, status: int) -> None:
    answer = await member.get(f"/v1/stats?{query}")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"clusters": 1, "nodes": 3}
    elif status == 400:
        assert detail(answer) == "Invalid stats type. Allowed values are 'cluster'"
    else:
        assert detail(answer) == "Not authorized."


async def test_one_conductor_is_one_row_however_often_it_reports(admin: Api) -> None:
    for _ in range(3):
        await admin.stage.store.heartbeat("ctl-1", "magnum-conductor")
        admin.clock.advance(60)
    [row] = (await admin.get("/v1/mservices")).json()["mservices"]
    assert (row["id"], row["report_count"], row["state"]) == (1, 3, "up")
    assert (row["created_at"], row["updated_at"]) == ("2026-01-02T03:04:05+00:00", "2026-01-02T03:06:05+00:00")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"hostcluster_id": "demo", "properties": {"dns-zone": "x"}}, 202, ""),
        ({"hostcluster_id": "demo", "member_ids": ["demo"], "properties": {"dns-zone": "x"}}, 202, ""),
        ({"hostcluster_id": "nope", "properties": {"dns-zone": "x"}}, 404, "Cluster nope could not be found."),
        (
            {"hostcluster_id": "demo", "member_ids": ["nope"], "properties": {"dns-zone": "x"}},
            404,
            "Cluster nope could not be found.",
        ),
        ({"hostcluster_id": "demo"}, 400, "Property dns-zone is mandatory for a federation."),
    ],
)
async def test_federations(member: Api, demo: str, body: Any, status: int, text: str) -> None:
    answer = await member.post("/v1/federations", body)
    assert answer.status_code == status
    if text:
        assert detail(answer) == text
    else:
        assert set(answer.json()) == {"uuid"}
    assert (await member.get("/v1/federations")).json() == {"federations": []}


async def test_certificates_of_every_kind(member: Api, demo: str) -> None:
    seen: dict[str, set[str]] = {}
    for kind in ("", "kubernetes", "kubelet", "anything", "etcd", "front-proxy", "front_proxy"):
        answer = await member.get(f"/v1/certificates/{demo}", params={"ca_cert_type": kind} if kind else {})
        body = answer.json()
        assert body["links"] == [
            {"rel": "self", "href": f"{HOST}/v1/certificates/{demo}"},
            {"rel": "bookmark", "href": f"{HOST}/certificates/{demo}"},
        ]
        assert set(body) == {"cluster_uuid", "pem", "links"}
        seen.setdefault(body["pem"], set()).add(kind)
    assert sorted(map(sorted, seen.values())) == [
        ["", "anything", "kubelet", "kubernetes"],
        ["etcd"],
        ["front-proxy", "front_proxy"],
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"cluster_uuid": "demo", "csr": "junk"}, "Received invalid csr b'junk'."),
        ({"cluster_uuid": "nope", "csr": "junk"}, "Cluster nope could not be found."),
        ({"cluster_uuid": "demo"}, f"{WRONG}csr. Value: 'None'. Mandatory field missing."),
        ({"bay_uuid": "demo", "csr": "junk"}, "Unknown attribute for argument certificate: bay_uuid"),
    ],
)
async def test_what_is_not_signed(member: Api, demo: str, body: Any, text: str) -> None:
    answer = await member.post("/v1/certificates", body)
    assert (answer.status_code, detail(answer)) == (400, text)


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/certificates/nope"), ("PATCH", "/v1/certificates/nope")])
async def test_certificates_of_an_unknown_cluster(member: Api, method: str, path: str) -> None:
    answer = await member.call(method, path)
    assert (answer.status_code, detail(answer)) == (404, "Cluster nope could not be found.")

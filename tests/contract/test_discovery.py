"""Sections 1.1 to 1.3: documents, headers, and every gate at every version."""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from jeroboam import identity
from jeroboam.api import create_app
from jeroboam.domain.errors import ProviderUnavailable

from .wire import ABSENT, HOST, SERVICE, WRONG, detail, plain, replace

if TYPE_CHECKING:
    from tests.api.conftest import Api

    from jeroboam.contracts import Store

VERSION_HEADERS = (
    "openstack-api-minimum-version",
    "openstack-api-maximum-version",
    "openstack-api-version",
    "vary",
)
MINORS = range(1, 15)


def version_headers(answer: Any) -> list[str | None]:
    return [answer.headers.get(name) for name in VERSION_HEADERS]


def agreed(number: str) -> list[str]:
    return [f"{SERVICE} 1.1", f"{SERVICE} 1.14", f"{SERVICE} {number}", "OpenStack-API-Version"]


NONE = [None] * 4


def pair(name: str, slash: str = "/") -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{HOST}/v1/{name}{slash}"},
        {"rel": "bookmark", "href": f"{HOST}/{name}{slash}"},
    ]


async def test_the_v1_document_to_the_letter(anonymous: Api) -> None:
    assert (await anonymous.get("/v1")).json() == {
        "id": "v1",
        "media_types": [{"base": "application/json", "type": "application/vnd.openstack.magnum.v1+json"}],
        "links": [
            {"rel": "self", "href": f"{HOST}/v1/"},
            {
                "rel": "describedby",
                "type": "text/html",
                "href": "http://docs.openstack.org/developer/magnum/dev/api-spec-v1.html",
            },
        ],
        "clustertemplates": pair("clustertemplates"),
        "clusters": pair("clusters"),
        "quotas": pair("quotas"),
        "certificates": pair("certificates"),
        "mservices": pair("mservices"),
        "stats": pair("stats"),
        "federations": pair("federations"),
        "nodegroups": pair("clusters/{cluster_id}/nodegroups", slash=""),
        "credentials": pair("credentials"),
    }


@pytest.mark.parametrize("number", ["9.9", "bogus"])
async def test_the_v1_document_obeys_the_header(anonymous: Api, number: str) -> None:
    assert (await anonymous.at(number).get("/v1")).status_code == 406
    assert (await anonymous.at(number).get("/")).status_code == 200


@pytest.mark.parametrize(
    ("accept", "text"),
    [(None, "OK"), ("*/*", "OK"), ("text/plain", "OK"), ("application/json", '{"detailed":false,"reasons":["OK"]}')],
)
async def test_healthcheck(anonymous: Api, accept: str | None, text: str) -> None:
    answer = await anonymous.get("/healthcheck", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.text) == (200, text)
    assert "x-openstack-request-id" not in answer.headers
    assert version_headers(answer) == NONE


@pytest.mark.parametrize(("method", "status", "text"), [("HEAD", 204, ""), ("OPTIONS", 200, "OK"), ("POST", 200, "OK")])
async def test_a_load_balancer_may_ask_in_its_own_way(anonymous: Api, method: str, status: int, text: str) -> None:
    answer = await anonymous.call(method, "/healthcheck")
    assert (answer.status_code, answer.text) == (status, text)


class _Away:
    async def ping(self) -> None:
        raise ProviderUnavailable("The database does not answer.", after_s=3)


@pytest.mark.parametrize(
    ("method", "accept", "text"),
    [
        ("GET", "*/*", "The database does not answer."),
        ("GET", "application/json", '{"detailed":false,"reasons":["The database does not answer."]}'),
        ("HEAD", "*/*", ""),
    ],
)
async def test_healthcheck_while_the_database_is_away(member: Api, method: str, accept: str, text: str) -> None:
    broken = replaced(member.services, store=cast("Store", _Away()))
    app = create_app(services=broken, identity=identity.create("none", {}))
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        answer = await client.request(method, "/healthcheck", headers={"Accept": accept})
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, text, "3")


@pytest.mark.parametrize("path", ["/", "/v1"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_documents_are_read_only(anonymous: Api, path: str, method: str) -> None:
    answer = await anonymous.call(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.text == "" if method == "HEAD" else answer.json() == plain(405)


@pytest.mark.parametrize(
    "path",
    [
        "/clustertemplates",
        "/clustertemplates/detail",
        "/clusters",
        "/clusters/detail",
        "/clusters/demo",
        "/clusters/demo/nodegroups",
        "/clusters/demo/nodegroups/default-worker",
        "/certificates/demo",
        "/quotas/project-1/Cluster",
        "/stats",
        "/federations",
        "/federations/detail",
    ],
)
@pytest.mark.usefixtures("demo")
async def test_every_path_with_and_without_version_and_with_any_slashes(member: Api, path: str) -> None:
    asked = member.at("latest")
    answers = [
        await asked.call("GET", f"{HOST}{spelled}")
        for spelled in (f"/v1{path}", path, f"{path}/", f"/v1{path}//", f"//v1/{path}", path.replace("/", "//"))
    ]
    assert [one.status_code for one in answers] == [200] * 6
    assert all(one.json() == answers[0].json() for one in answers)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/clusters", None, 200),
        ("POST", "/v1/clusters", {}, 400),
        ("POST", "/v1/quotas", {"project_id": "p"}, 403),
        ("GET", "/v1/clusters/nope", None, 404),
        ("DELETE", "/v1/clusters/nope", None, 404),
        ("GET", "/v1/clusters?colour=red", None, 400),
    ],
)
async def test_answers_of_controllers_carry_the_four_headers(
    member: Api, method: str, path: str, body: Any, status: int
) -> None:
    answer = await member.at("1.13").call(method, path, json=body)
    assert (answer.status_code, version_headers(answer)) == (status, agreed("1.13"))
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert len(answer.headers["x-openstack-request-id"]) == 40


async def test_an_ambiguous_name_carries_them_too(member: Api) -> None:
    await member.template()
    await member.template()
    answer = await member.get("/v1/clustertemplates/k8s")
    assert (answer.status_code, version_headers(answer)) == (409, agreed("1.1"))


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/nothing", {}, 404),
        ("GET", "/v2", {}, 404),
        ("GET", "/v1.json", {}, 404),
        ("PUT", "/v1/clusters", {}, 405),
        ("HEAD", "/v1/clusters", {}, 405),
        ("GET", "/v1/clusters", {"Accept": "text/plain"}, 406),
        ("GET", "/v1/clusters", {"OpenStack-API-Version": "nonsense"}, 406),
        ("GET", "/v1/clusters/x/nodegroups", {"OpenStack-API-Version": "container-infra 1.8"}, 406),
        ("POST", "/v1/clusters/x/actions/resize", {}, 406),
    ],
)
async def test_answers_of_the_router_do_not(
    member: Api, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await member.call(method, path, headers=headers)
    assert (answer.status_code, version_headers(answer)) == (status, NONE)
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    if method != "HEAD":
        assert answer.json() == plain(status)


async def test_no_other_header_is_honoured(member: Api, demo: str) -> None:
    answer = await member.get("/v1/clusters/demo", headers={"X-OpenStack-Magnum-API-Version": "1.14"})
    assert answer.headers["openstack-api-version"] == f"{SERVICE} 1.1"
    assert "stack_id" in answer.json()


# ---- 1.3: the table, at every version. "Through" is any answer but the router's 406.


@pytest.mark.parametrize(
    ("method", "path", "body", "since"),
    [
        ("GET", "/v1/stats", None, 1),
        ("PATCH", f"/v1/certificates/{ABSENT}", None, 1),
        ("GET", "/v1/certificates/demo?ca_cert_type=etcd", None, 1),
        ("POST", "/v1/certificates", {"cluster_uuid": "demo", "csr": "x"}, 1),
        ("GET", "/v1/mservices", None, 1),
        ("GET", "/v1/federations", None, 1),
        ("GET", "/v1/quotas/project-1/Cluster", None, 1),
        ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 2}, 7),
        ("POST", "/v1/clusters/demo/actions/upgrade", {"cluster_template": "nope"}, 7),
        ("GET", "/v1/clusters/demo/nodegroups", None, 9),
        ("POST", "/v1/clusters/demo/nodegroups", {"name": "n"}, 9),
        ("GET", "/v1/clusters/demo/nodegroups/default-worker", None, 9),
        ("PATCH", "/v1/clusters/demo/nodegroups/default-worker", [], 9),
        ("DELETE", "/v1/clusters/demo/nodegroups/nope", None, 9),
        ("PATCH", f"/v1/credentials/{ABSENT}", None, 12),
    ],
)
@pytest.mark.usefixtures("demo")
async def test_endpoints_by_version(member: Api, method: str, path: str, body: Any, since: int) -> None:
    for minor in MINORS:
        answer = await member.at(f"1.{minor}").call(method, path, json=body)
        through = answer.status_code != 406
        assert (minor, through) == (minor, minor >= since)
        assert through or answer.json() == plain(406)


@pytest.mark.parametrize("minor", MINORS)
async def test_upgrade_by_version(member: Api, demo: str, minor: int) -> None:
    answer = await member.at(f"1.{minor}").post("/v1/clusters/demo/actions/upgrade", {"cluster_template": "nope"})
    if minor < 7:
        assert (answer.status_code, answer.json()) == (406, plain(406))
    elif minor == 7:
        text = "Cluster upgrade is not supported in the provided microversion."
        assert (answer.status_code, detail(answer)) == (400, text)
    else:
        assert (answer.status_code, detail(answer)) == (404, "ClusterTemplate nope could not be found.")


@pytest.mark.parametrize("minor", MINORS)
async def test_bays_are_gone_at_every_version(member: Api, minor: int) -> None:
    for path in ("/v1/bays", "/v1/baymodels"):
        assert (await member.at(f"1.{minor}").get(path)).status_code == 404


@pytest.mark.parametrize("minor", MINORS)
async def test_an_unknown_template_by_version(member: Api, minor: int) -> None:
    answer = await member.at(f"1.{minor}").post("/v1/clusters", {"cluster_template_id": "nope"})
    assert answer.status_code == (400 if minor <= 9 else 404)
    assert detail(answer) == "ClusterTemplate nope could not be found."


NO_ZERO = "Resizing a nodegroup to zero is not supported in the provided microversion."


@pytest.mark.parametrize("minor", MINORS)
async def test_zero_nodes_by_version(member: Api, minor: int) -> None:
    template = await member.template()
    asked = member.at(f"1.{minor}")
    answer = await asked.post("/v1/clusters", {"cluster_template_id": template, "node_count": 0})
    assert answer.status_code == (400 if minor <= 9 else 202)
    assert minor > 9 or detail(answer) == NO_ZERO


@pytest.mark.parametrize("minor", MINORS)
async def test_changing_to_zero_nodes_by_version(member: Api, demo: str, minor: int) -> None:
    asked, allowed = member.at(f"1.{minor}"), minor >= 10
    answer = await asked.patch("/v1/clusters/demo", [replace("/node_count", 0)])
    assert answer.status_code == (202 if allowed else 400)
    assert allowed or detail(answer) == NO_ZERO
    if minor >= 7:
        answer = await asked.post("/v1/clusters/demo/actions/resize", {"node_count": 0})
        assert answer.status_code == (202 if allowed else 400)
        assert allowed or detail(answer) == NO_ZERO
    if minor >= 9:
        answer = await asked.post("/v1/clusters/demo/nodegroups", {"name": "n", "node_count": 0})
        assert answer.status_code == 202


@pytest.mark.parametrize("minor", MINORS)
async def test_rollback_by_version(member: Api, demo: str, minor: int) -> None:
    for value in ("True", "false", "1", "0", "yes"):
        answer = await member.at(f"1.{minor}").patch(f"/v1/clusters/demo?rollback={value}", [])
        assert answer.status_code == (400 if minor < 3 else 202)
        assert minor >= 3 or detail(answer) == 'Unknown argument: "rollback"'
    answer = await member.at(f"1.{minor}").patch("/v1/clusters/demo?rollback=maybe", [])
    assert answer.status_code == 400
    if minor >= 3:
        assert detail(answer).startswith(f"{WRONG}rollback. Value: 'maybe'. Wrong type. Expected '<class 'bool'>'")


@pytest.mark.parametrize("minor", MINORS)
async def test_stack_id_and_cluster_id_by_version(member: Api, demo: str, minor: int) -> None:
    asked = member.at(f"1.{minor}")
    there, absent = ("stack_id", "cluster_id") if minor <= 12 else ("cluster_id", "stack_id")
    shown = [
        (await asked.get("/v1/clusters")).json()["clusters"][0],
        (await asked.get("/v1/clusters/detail")).json()["clusters"][0],
        (await asked.get("/v1/clusters/demo")).json(),
    ]
    assert [(one[there], absent in one) for one in shown] == [(f"net-{demo}", False)] * 3
    if minor >= 9:
        group = (await asked.get("/v1/clusters/demo/nodegroups/default-worker")).json()
        assert (group["stack_id"], group["cluster_id"]) == (f"net-{demo}", demo)
        assert (group["node_labels"], group["node_taints"]) == ({}, [])


@pytest.mark.parametrize("minor", MINORS)
async def test_writes_are_asynchronous_at_every_version(member: Api, minor: int) -> None:
    template = await member.template()
    asked = member.at(f"1.{minor}")
    answer = await asked.post("/v1/clusters", {"name": "c", "cluster_template_id": template})
    assert (answer.status_code, set(answer.json())) == (202, {"uuid"})
    assert "location" not in answer.headers
    answer = await asked.patch("/v1/clusters/c", [])
    assert (answer.status_code, set(answer.json())) == (202, {"uuid"})

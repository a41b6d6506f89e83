"""Version documents, microversions, paths, accept, request ids. Contract: section 1 and 2.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from jeroboam.api import ApiSettings, create_app
from jeroboam.contracts import Caller

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

HOST = "http://127.0.0.1:9511"
EMPTY = {"request_id": "", "title": "", "detail": "", "links": [], "code": ""}


async def test_the_root_document_needs_no_caller_and_knows_no_microversion(anonymous: Api) -> None:
    answer = await anonymous.at("9.9").get("/")
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "OpenStack Magnum API",
        "description": "Magnum is an OpenStack project which aims to provide container cluster management.",
        "versions": [
            {
                "id": "v1",
                "status": "CURRENT",
                "min_version": "1.1",
                "max_version": "1.14",
                "links": [{"rel": "self", "href": f"{HOST}/v1/"}],
            }
        ],
    }
    assert "openstack-api-version" not in answer.headers


@pytest.mark.parametrize("path", ["/v1", "/v1/", "//v1//"])
async def test_the_v1_document(anonymous: Api, path: str) -> None:
    answer = await anonymous.at("1.5").call("GET", f"{HOST}{path}")
    body = answer.json()
    assert (answer.status_code, body["id"]) == (200, "v1")
    assert answer.headers["openstack-api-version"] == "container-infrastructure-management 1.5"
    assert body["media_types"] == [{"base": "application/json", "type": "application/vnd.openstack.magnum.v1+json"}]
    assert body["clusters"] == [
        {"rel": "self", "href": f"{HOST}/v1/clusters/"},
        {"rel": "bookmark", "href": f"{HOST}/clusters/"},
    ]
    assert body["nodegroups"] == [
        {"rel": "self", "href": HOST + "/v1/clusters/{cluster_id}/nodegroups"},
        {"rel": "bookmark", "href": HOST + "/clusters/{cluster_id}/nodegroups"},
    ]
    assert set(body) == {
        "id", "media_types", "links", "clustertemplates", "clusters", "quotas", "certificates", "mservices", "stats",
        "federations", "nodegroups", "credentials",
    }  # fmt: skip


async def test_links_use_the_public_endpoint_if_there_is_one(make: Maker) -> None:
    api = make(api=ApiSettings(public_endpoint="https://cloud.example/infra/"))
    assert (await api.get("/")).json()["versions"][0]["links"][0]["href"] == "https://cloud.example/infra/v1/"


async def test_health(anonymous: Api) -> None:
    plain = await anonymous.get("/healthcheck")
    assert (plain.status_code, plain.text) == (200, "OK")
    assert "x-openstack-request-id" not in plain.headers
    as_json = await anonymous.get("/healthcheck", headers={"Accept": "application/json"})
    assert as_json.json() == {"detailed": False, "reasons": ["OK"]}


@pytest.mark.parametrize(
    ("header", "used"),
    [
        (None, "1.1"),
        ("container-infra 1.9", "1.9"),
        ("container-infrastructure 1.14", "1.14"),
        ("container-infrastructure-management 1.1", "1.1"),
        ("container-infra latest", "1.14"),
        ("LATEST", "1.14"),
        ("compute latest", "1.14"),
    ],
)
async def test_a_version_is_agreed_upon(member: Api, header: str | None, used: str) -> None:
    headers = {} if header is None else {"OpenStack-API-Version": header}
    answer = await member.get("/v1/clusters", headers=headers)
    assert answer.status_code == 200
    names = ("openstack-api-minimum-version", "openstack-api-maximum-version", "openstack-api-version", "vary")
    assert [answer.headers[name] for name in names] == [
        "container-infrastructure-management 1.1",
        "container-infrastructure-management 1.14",
        f"container-infrastructure-management {used}",
        "OpenStack-API-Version",
    ]
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize("number", ["1.0", "1.15", "2.0", "0.9", "1.999999"])
async def test_an_unsupported_number(member: Api, number: str) -> None:
    answer = await member.at(number).get("/v1/clusters")
    assert answer.status_code == 406
    assert answer.json() == {
        "errors": [
            {
                "code": "magnum.microversion-unsupported",
                "title": "Requested microversion is unsupported",
                "min_version": "1.1",
                "max_version": "1.14",
                "links": [{"rel": "help", "href": "http://docs.openstack.org/api-guide/compute/microversions.html"}],
            }
        ]
    }
    assert answer.headers["openstack-api-version"] == f"container-infrastructure-management {number}"


@pytest.mark.parametrize("header", [
    "compute 1.1", "Container-Infra 1.1", "1.9", "container-infra", "container-infra 1", "container-infra 1.x", "",
    "container-infra 1.1 more", "container-infra 1.1.1", "container-infra -1.1",
])  # fmt: skip
async def test_a_malformed_header(member: Api, header: str) -> None:
    answer = await member.get("/v1/clusters", headers={"OpenStack-API-Version": header})
    assert (answer.status_code, answer.json()) == (406, {"errors": [{**EMPTY, "status": 406}]})
    assert "openstack-api-version" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "since"),
    [
        ("GET", "/v1/clusters/x/nodegroups", 9),
        ("GET", "/v1/clusters/x/nodegroups/y", 9),
        ("POST", "/v1/clusters/x/nodegroups", 9),
        ("PATCH", "/v1/clusters/x/nodegroups/y", 9),
        ("DELETE", "/v1/clusters/x/nodegroups/y", 9),
        ("POST", "/v1/clusters/x/actions/resize", 7),
        ("POST", "/v1/clusters/x/actions/upgrade", 7),
        ("PATCH", "/v1/credentials/x", 12),
    ],
)
async def test_endpoints_that_begin_later(member: Api, method: str, path: str, since: int) -> None:
    before = await member.at(f"1.{since - 1}").call(method, path)
    assert (before.status_code, before.json()["errors"][0]) == (406, {**EMPTY, "status": 406})
    assert (await member.at(f"1.{since}").call(method, path)).status_code in (400, 404)


@pytest.mark.parametrize("path", ["/v1/clusters", "/clusters", "/clusters/", "//clusters//", "/v1//clusters/"])
async def test_paths_with_and_without_version_and_any_slashes(member: Api, path: str) -> None:
    answer = await member.call("GET", f"{HOST}{path}")
    assert (answer.status_code, answer.json()) == (200, {"clusters": []})


@pytest.mark.parametrize(
    "path", ["/v2", "/v1.json", "/v1/bays", "/v1/clusters/a/b/c", "/ext/v1/nothing", "/ext/v2/images"]
)
async def test_unknown_paths(member: Api, path: str) -> None:
    answer = await member.get(path)
    assert (answer.status_code, answer.json()) == (404, {"errors": [{**EMPTY, "status": 404}]})
    assert "openstack-api-version" not in answer.headers
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/clusters"),
        ("HEAD", "/v1/clusters"),
        ("PUT", "/v1/clustertemplates/x"),
        ("GET", "/v1/certificates"),
        ("DELETE", "/v1/certificates/x"),
        ("GET", "/v1/clusters/x/actions/resize"),
        ("GET", "/v1/credentials/x"),
    ],
)
async def test_wrong_methods(member: Api, method: str, path: str) -> None:
    answer = await member.at("latest").call(method, path)
    assert answer.status_code == 405
    assert "allow" in answer.headers


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("", 200),
        ("text/html, application/json;q=0.5", 200),
        ("text/plain", 406),
        ("application/vnd.openstack.magnum.v1+json", 406),
    ],
)
async def test_accept(member: Api, accept: str, status: int) -> None:
    answer = await member.get("/v1/clusters", headers={"Accept": accept})
    assert answer.status_code == status
    if status == 406:
        assert answer.json() == {"errors": [{**EMPTY, "status": 406}]}


async def test_a_clients_own_request_id_is_not_echoed(member: Api) -> None:
    answer = await member.get("/v1/clusters", headers={"X-Openstack-Request-Id": "req-mine"})
    assert answer.headers["x-openstack-request-id"] != "req-mine"


@pytest.mark.parametrize("path", ["/v1/clusters", "/v1/nothing", "/ext/v1/images", "/nothing"])
async def test_nobody_gets_anywhere_without_credentials(anonymous: Api, path: str) -> None:
    answer = await anonymous.get(path)
    assert answer.status_code == 401
    message = "The request you have made requires authentication."
    assert answer.json() == {"error": {"code": 401, "title": "Unauthorized", "message": message}}
    assert answer.headers["www-authenticate"] == 'Proxy realm="jeroboam"'
    assert answer.headers["x-openstack-request-id"].startswith("req-")


async def test_headers_that_say_who_calls_must_not_come_twice(member: Api) -> None:
    headers = [*member.headers.items(), ("x-roles", "admin")]
    async with httpx.AsyncClient(transport=member.transport, base_url=HOST) as client:
        doubled = await client.get("/v1/clusters", headers=headers)
    assert doubled.status_code == 400
    assert doubled.json()["errors"][0]["detail"] == "Header x-roles is given twice."


async def test_an_identity_that_breaks_is_an_incident_and_lets_nobody_in(member: Api) -> None:
    class Broken:
        async def authenticate(self, headers: Mapping[str, str], peer: str) -> Caller:
            raise RuntimeError("the secret is swordfish")

        def check_listen(self, host: str) -> None:
            raise NotImplementedError

    app = create_app(services=member.services, identity=Broken())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=cast("Any", app)), base_url=HOST) as client:
        answer = await client.get("/v1/clusters")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["detail"].startswith("An error of Jeroboam's own (incident ")
    assert "swordfish" not in answer.text

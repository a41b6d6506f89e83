"""What lies under every call: methods that nobody knows, Accept, the encoding of bodies, who calls, where links lead (2.1, 3.1, 6)."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import bcrypt
import httpx
import pytest

from jeroboam import identity
from jeroboam.api import create_app

from .wire import HOST, detail, plain

if TYPE_CHECKING:
    from tests.api.conftest import Api

BODY = {"coe": "kubernetes", "image_id": "fake-image", "name": "ü"}
TEXT = json.dumps(BODY, ensure_ascii=False)
GZIPPED = gzip.compress(TEXT.encode(), mtime=0)  # no time in it: a test bears the same name in every process
JSON = "application/json"
BROKEN = "Request is not in valid JSON format"


async def sent(api: Api, method: str, path: str, headers: list[tuple[str, str]], **more: Any) -> httpx.Response:
    """With these headers only, and each as often as it is there."""
    async with httpx.AsyncClient(transport=api.transport, base_url=HOST) as client:
        client.headers.clear()
        return await client.request(method, path, headers=headers, **more)


# ---- methods


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PURGE", "BREW", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/", "GET"),
        ("/v1", "GET"),
        ("/v1/clusters", "POST, GET"),
        ("/v1/clusters/x", "GET, PATCH, DELETE"),
        ("/v1/clusters/x/actions/resize", ""),
        ("/v1/quotas/p/Cluster", "GET, PATCH, DELETE"),
        ("/ext/v1/operations/x", "GET"),
    ],
)
async def test_a_method_that_nobody_knows_is_told_what_is_allowed(
    member: Api, method: str, path: str, allow: str
) -> None:
    answer = await sent(member, method, path, [*member.headers.items()])
    assert (answer.status_code, answer.headers["allow"], answer.json()) == (405, allow, plain(405))


# ---- Accept


@pytest.mark.parametrize(
    ("accepts", "status"),
    [
        ([], 200),
        ([""], 200),
        (["*/*"], 200),
        (["application/*"], 200),
        (["Application/JSON"], 200),
        (["application/json; charset=utf-8"], 200),
        (["text/html, application/json;q=0.2"], 200),
        (["text/html", "application/json"], 200),
        (["text/html, */*;q=0.001"], 200),
        (["application/json;q=0"], 406),
        (["*/*; q=0.0, text/html"], 406),
        (["text/html"], 406),
        (["text/*"], 406),
        (["application/vnd.openstack.magnum.v1+json"], 406),
        (["application/xml, nonsense"], 406),
    ],
)
async def test_accept(member: Api, accepts: list[str], status: int) -> None:
    headers = [*member.headers.items(), *(("Accept", one) for one in accepts)]
    answer = await sent(member, "GET", "/v1/clustertemplates", headers)
    assert answer.status_code == status
    assert answer.json() == ({"clustertemplates": []} if status == 200 else plain(406))


# ---- bodies


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (JSON, TEXT.encode()),
        ("APPLICATION/json", TEXT.encode()),
        (f"{JSON}; charset=utf-8", TEXT.encode()),
        (f'{JSON}; Charset="UTF-8"; x=y', TEXT.encode()),
        (f"{JSON}; charset=iso-8859-1", json.dumps(BODY).encode()),
        (JSON, TEXT.encode("utf-8-sig")),
        (f"{JSON}; charset=utf-16", TEXT.encode("utf-16")),
        (JSON, TEXT.encode("utf-16-be")),
        (JSON, TEXT.encode("utf-32")),
    ],
)
async def test_json_in_every_encoding_that_it_ever_had(member: Api, kind: str, content: bytes) -> None:
    answer = await member.call("POST", "/v1/clustertemplates", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["name"]) == (201, "ü")


@pytest.mark.parametrize(
    ("headers", "content", "status", "text"),
    [
        ({"Content-Type": f"{JSON}; charset=iso-8859-1"}, TEXT.encode("latin-1"), 400,
         f"{BROKEN}. It is no UTF-8, UTF-16 or UTF-32."),
        ({"Content-Type": JSON}, GZIPPED, 400, f"{BROKEN}. It is no UTF-8, UTF-16 or UTF-32."),
        ({"Content-Type": JSON}, "{".encode("utf-16"), 400, BROKEN),
        ({"Content-Type": JSON}, b"\xff\xfe{", 400, f"{BROKEN}. It is no UTF-8, UTF-16 or UTF-32."),
        ({"Content-Type": JSON}, b"[" * 100_000, 400, BROKEN),
        ({"Content-Type": JSON, "Content-Encoding": "gzip"}, GZIPPED, 415,
         "Unknown content encoding: gzip. Send the body as it is."),
        ({"Content-Type": JSON, "Content-Encoding": "br, identity"}, TEXT.encode(), 415,
         "Unknown content encoding: br, identity. Send the body as it is."),
        ({"Content-Type": "text/json"}, TEXT.encode(), 415, "Unknown mimetype: text/json"),
        ({"Content-Type": ";charset=utf-8"}, b"a=b", 400, 'Unknown argument: "a"'),
    ],
)  # fmt: skip
async def test_what_is_no_json(member: Api, headers: dict[str, str], content: bytes, status: int, text: str) -> None:
    answer = await member.call("POST", "/v1/clustertemplates", content=content, headers=headers)
    assert (answer.status_code, detail(answer)) == (status, text)


async def test_identity_is_no_encoding(member: Api) -> None:
    headers = {"Content-Type": JSON, "Content-Encoding": "Identity"}
    answer = await member.call("POST", "/v1/clustertemplates", content=TEXT.encode(), headers=headers)
    assert answer.status_code == 201


# ---- who calls

UNAUTHORIZED = {
    "error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
}
USER, PROJECT, ADMIN = ("X-User-Id", "u"), ("X-Project-Id", "p"), ("X-Roles", "admin")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([USER, ADMIN], 401),
        ([PROJECT, ADMIN], 401),
        ([USER, PROJECT, ADMIN, ("X-Identity-Status", "Invalid")], 401),
        ([USER, ADMIN, ("OpenStack-System-Scope", "all")], 403),
        ([USER, ADMIN, ("X-Domain-Id", "d")], 403),
        ([USER, PROJECT], 403),
        ([USER, PROJECT, ("X-Roles", "")], 403),
        ([USER, PROJECT, ("X-Roles", "administrator, ADMIN2")], 403),
        ([USER, PROJECT, ("X-Is-Admin", "True"), ("X-Roles", "member")], 403),
        ([USER, PROJECT, ADMIN], 200),
        ([USER, PROJECT, ("X-Roles", " member ,ADMIN,,")], 200),
        ([("x-user-id", "u"), ("X-PROJECT-ID", "p"), ("x-ROLES", "Admin")], 200),
        ([USER, PROJECT, ADMIN, ("X-Auth-Token", "anything"), ("X-Service-Roles", "x")], 200),
    ],
)
async def test_who_may_see_the_services(anonymous: Api, headers: list[tuple[str, str]], status: int) -> None:
    answer = await sent(anonymous, "GET", "/v1/mservices", headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == UNAUTHORIZED
        assert answer.headers["www-authenticate"] == 'Proxy realm="jeroboam"'
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize(
    "name", ["X-User-Id", "X-Project-Id", "X-Roles", "X-User-Domain-Id", "X-Identity-Status", "X-Auth-Token", "Host"]
)
async def test_who_calls_is_said_once(anonymous: Api, name: str) -> None:
    base = [one for one in (("Host", "127.0.0.1"), USER, PROJECT, ADMIN) if one[0] != name]
    answer = await sent(anonymous, "GET", "/v1/mservices", [*base, (name, "x"), (name.lower(), "x")])
    assert (answer.status_code, detail(answer)) == (400, f"Header {name.lower()} is given twice.")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("PUT", "/v1/clusters"), ("OPTIONS", "/v1/clusters"), ("GET", "/v2")]
)
async def test_strangers_learn_nothing_of_what_is_there(anonymous: Api, method: str, path: str) -> None:
    answer = await sent(anonymous, method, path, [("OpenStack-API-Version", "nonsense")])
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


async def asked_of(member: Api, mode: str, settings: dict[str, str], headers: list[tuple[str, str]]) -> httpx.Response:
    app = create_app(services=member.services, identity=identity.create(mode, settings))
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        return await client.get("/v1/clusters", headers=headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([("Authorization", "Bearer x")], 401),
        ([("Authorization", "Basic !!!")], 401),
        ([("Authorization", "Basic " + b64encode(b"alice:wrong").decode())], 401),
        ([("Authorization", "Basic " + b64encode(b"alice").decode())], 401),
        ([("Authorization", "Basic " + b64encode(b"alice:open").decode())], 200),
        ([("Authorization", "bAsIc " + b64encode(b"alice:open").decode())], 200),
        ([USER, PROJECT, ADMIN], 401),
    ],
)
async def test_basic(member: Api, tmp_path: Path, headers: list[tuple[str, str]], status: int) -> None:
    file = tmp_path / "passwords"
    file.write_text(f"alice:{bcrypt.hashpw(b'open', bcrypt.gensalt(4)).decode()}:web:Reader\n")
    answer = await asked_of(member, "basic", {"file": str(file)}, headers)
    assert answer.status_code == status
    if status == 401:
        assert (answer.json(), answer.headers["www-authenticate"]) == (UNAUTHORIZED, 'Basic realm="jeroboam"')
    else:
        assert answer.json() == {"clusters": []}


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:9511", 200), ("[::1]", 200), ("magnum.example", 401), ("127.0.0.1.x.example", 401)]
)
async def test_none(member: Api, host: str, status: int) -> None:
    answer = await asked_of(member, "none", {}, [("Host", host)])
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == UNAUTHORIZED
    else:
        assert answer.json() == {"clusters": []}
    assert ("www-authenticate" in answer.headers) is (status == 401)


# ---- links


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Prefix", "/x")],
        [("Forwarded", "host=evil.example;proto=https"), ("X-Forwarded-Port", "1")],
        [("X-Forwarded-For", "203.0.113.9"), ("X-Real-Ip", "203.0.113.9")],
    ],
)
async def test_a_proxys_headers_change_neither_links_nor_the_peer(member: Api, headers: list[tuple[str, str]]) -> None:
    """Magnum reads them only when its enable_proxy_headers_parsing is set, which it is not by default."""
    uuid = await member.template()
    known = [("Host", "magnum.example:9511"), *member.headers.items()]
    answer = await sent(member, "GET", f"/v1/clustertemplates/{uuid}", known + headers)
    assert [one["href"] for one in answer.json()["links"]] == [
        f"http://magnum.example:9511/v1/clustertemplates/{uuid}",
        f"http://magnum.example:9511/clustertemplates/{uuid}",
    ]

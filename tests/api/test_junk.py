"""Requests that no client means: each is answered in the contract's shape, by the status that says whose fault it is."""

from __future__ import annotations

import datetime
import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.fuzzing import BUDGET, shaped

if TYPE_CHECKING:
    import asyncio

    from tests.api.conftest import Api

JSON = {"Content-Type": "application/json"}
MIB = 1_048_576


async def raw(
    api: Api, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> httpx.Response:
    """With headers as they are, twice or not. `target` is put behind the host as it is."""
    sent = [*((key.encode(), value.encode()) for key, value in api.headers.items()), *headers]
    request = httpx.Request(method, f"http://127.0.0.1:9511{target}", headers=sent, content=body)
    async with httpx.AsyncClient(transport=api.transport, trust_env=False) as client:
        return await client.send(request)


# ---- bodies


@pytest.mark.parametrize("path", ["/v1/clusters", "/v1/clustertemplates", "/v1/certificates", "/v1/quotas"])
async def test_a_body_over_a_mebibyte_is_413(member: Api, path: str) -> None:
    answer = await member.call("POST", path, content=b'{"name": "' + b"a" * MIB + b'"}', headers=JSON)
    shaped(answer)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (413, "The request body is too large.")


async def test_a_body_of_a_mebibyte_is_read(member: Api) -> None:
    body = b'{"name": "' + b"a" * (MIB - 12) + b'"}'
    assert len(body) == MIB
    answer = await member.call("POST", "/v1/clustertemplates", content=body, headers=JSON)
    shaped(answer)
    assert answer.status_code == 400


NOT_JSON = "Request is not in valid JSON format"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"node_count": ' + b"9" * 5000 + b"}",
        b'{"node_count": 1e999}',
        b'{"node_count": NaN}',
        b'{"name": "\\ud800"}',
        b"{'name': 'n'}",
        b'{"name": "n"} {}',
        b"\0",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_no_json_is_400(member: Api, body: bytes) -> None:
    answer = await member.call("POST", "/v1/clusters", content=body, headers=JSON)
    shaped(answer)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (400, NOT_JSON)


@pytest.mark.parametrize("body", [b'{"name": "\xff\xfe"}', gzip.compress(b"{}")], ids=["latin-1", "gzip"])
async def test_what_is_no_text_is_400(member: Api, body: bytes) -> None:
    answer = await member.call("POST", "/v1/clusters", content=body, headers=JSON)
    shaped(answer)
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (
        400,
        "Request is not in valid JSON format. It is no UTF-8, UTF-16 or UTF-32.",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\0b"),
        ("keypair", "a\0b"),
        ("discovery_url", "\0"),
        ("labels", {"a": "\0"}),
        ("labels", {"\0": "a"}),
        ("health_status_reason", {"\0": "a"}),
        ("node_count", 10**25),
        ("node_count", -(10**25)),
        ("create_timeout", 1e300),
        ("docker_volume_size", 2**63),
        ("node_count", "9" * 4000),
    ],
)
async def test_values_that_no_database_holds_are_400_and_named(
    member: Api, template: str, field: str, value: Any
) -> None:
    answer = await member.post("/v1/clusters", {"cluster_template_id": template, field: value})
    shaped(answer)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"].startswith(f"Invalid input for field/attribute {field}. Value: ")


@pytest.fixture
async def template(member: Api) -> str:
    return await member.template()


# ---- headers


@pytest.mark.parametrize(
    "name", [b"Authorization", b"Host", b"Content-Type", b"OpenStack-API-Version", b"X-User-Id", b"X-Roles", b"X-Auth-Token"]
)  # fmt: skip
async def test_a_header_that_decides_must_not_come_twice(anonymous: Api, name: bytes) -> None:
    answer = await raw(anonymous, "GET", "/v1/clusters", [(name, b"a"), (name.lower(), b"a")])
    shaped(answer)
    told = answer.json()["errors"][0]["detail"]
    assert (answer.status_code, told) == (400, f"Header {name.decode().lower()} is given twice.")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        (b"Accept", b"\xff\xfe", 406),
        (b"Accept", b";" * 10_000, 200),
        (b"OpenStack-API-Version", b"container-infra \xb2.\xb9", 406),
        (b"OpenStack-API-Version", b"container-infra 1." + b"9" * 10_000, 406),
        (b"OpenStack-API-Version", b"container-infra 1.14\0", 406),
        (b"Content-Length", b"nonsense", 200),
        (b"X-Whatever", b"a" * 100_000, 200),
        (b"Range", b"bytes=9-1", 200),
        (b"Cookie", b"\xff=\xff; ;;=", 200),
    ],
)
async def test_odd_headers(member: Api, name: bytes, value: bytes, status: int) -> None:
    answer = await raw(member, "GET", "/v1/clusters", [(name, value)])
    shaped(answer)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/json; charset=utf-8", 202),
        (b"application/json; charset=nonsense", 202),
        (b"APPLICATION/JSON", 202),
        (b"application/json;;;", 202),
        (b"application/json, text/plain", 415),
        (b"text/plain", 415),
        (b"\xff/\xff", 415),
        (b"/", 415),
        (b"a" * 5000, 415),
        (b"multipart/form-data", 400),
        (b"application/x-www-form-urlencoded", 400),
    ],
)
async def test_odd_kinds_of_content(member: Api, template: str, kind: bytes, status: int) -> None:
    body = json.dumps({"cluster_template_id": template}).encode()
    answer = await raw(member, "POST", "/v1/clusters", [(b"Content-Type", kind)], body)
    shaped(answer)
    assert answer.status_code == status


# ---- query


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=" + "9" * 29, 200),
        ("limit=" + "9" * 5000, 400),
        ("limit=1.5", 400),
        ("limit=", 400),
        ("limit=%00", 400),
        ("limit=%D9%A3", 400),
        ("marker=%00", 400),
        ("marker=" + "a" * 10_000, 400),
        ("marker=0b6e8f0e-aaaa-4000-8000-000000000001", 404),
        ("sort_key=%ff", 400),
        ("sort_key=id;drop%20table", 400),
        ("sort_dir=ASC", 400),
        ("%ff=%ff", 400),
        ("=", 400),
        ("&&&", 200),
        ("limit=1&limit=2", 200),
        ("&".join(f"a{n}=1" for n in range(5000)), 400),
        ("%", 400),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_odd_queries(member: Api, query: str, status: int) -> None:
    answer = await raw(member, "GET", f"/v1/clusters?{query}", [])
    shaped(answer)
    assert answer.status_code == status


# ---- paths


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("%00", 400),
        ("a%00b", 400),
        ("%ff", 404),
        ("%ed%a0%80", 404),
        ("%f0%9f%8d%be", 404),
        ("a" * 20_000, 404),
        ("%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
        ("...", 404),
        (";", 404),
        ("%25s%25n", 404),
        ("'%20or%201=1--", 404),
        ("9" * 400, 404),
        ("{ident}", 404),
    ],
    ids=lambda value: str(value)[:24],
)
@pytest.mark.parametrize("collection", ["clusters", "clustertemplates", "certificates"])
async def test_odd_names_find_nothing(member: Api, collection: str, path: str, status: int) -> None:
    answer = await raw(member, "GET", f"/v1/{collection}/{path}", [])
    shaped(answer)
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["//v1//clusters//", "/v1/%00", "/%ff", "/v1/clusters/a/b/c/d/e/f", "/ext/v1/%00/%ff"])
async def test_every_method_on_odd_paths_is_answered(member: Api, method: str, path: str) -> None:
    shaped(await raw(member, method, path, []))


# ---- PEM


def csr() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ca")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = made.serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=1))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


SOUND = csr()
OTHERS = [
    SOUND,
    SOUND + SOUND,
    certificate(),
    SOUND + certificate(),
    SOUND.replace(b"\n", b"\r\n"),
    SOUND.replace(b" REQUEST", b""),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A request in which something was cut, doubled, changed or put in."""
    text = bytearray(draw(st.sampled_from(OTHERS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 40)))
        text[at:end] = draw(st.sampled_from([b"", text[at:end] * 2, b"\0", b"\n\n", b"-----"]) | st.binary(max_size=4))
    return text.decode("latin-1")


def test_no_pem_breaks_the_service(runner: asyncio.Runner, api: Api) -> None:
    @settings(
        max_examples=150 * BUDGET, deadline=None, derandomize=BUDGET == 1, suppress_health_check=list(HealthCheck)
    )
    @given(damaged() | st.text(max_size=200), st.sampled_from([None, "kubelet", "etcd", "front-proxy", "", "\0", "x"]))
    def sign(text: str, kind: str | None) -> None:
        body = {"cluster_uuid": "demo", "csr": text, "ca_cert_type": kind}
        answer = runner.run(api.post("/v1/certificates", body))
        shaped(answer)
        assert answer.status_code in (201, 400)
        if answer.status_code == 201:
            made = x509.load_pem_x509_certificate(answer.json()["pem"].encode())
            assert made.public_key() == x509.load_pem_x509_csr(text.encode()).public_key()

    sign()

"""Certificates and credentials. Contract: sections 2.7, 2.8, 8."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jeroboam.domain import Cluster
from jeroboam.drivers.fake import FakeDriver, StatefulFakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

HOST = "http://127.0.0.1:9511"


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    return str(error["detail"])


def request(*extensions: tuple[x509.ExtensionType, bool]) -> str:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "admin"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
async def demo(member: Api) -> str:
    uuid = await member.cluster()
    await member.finished(uuid)
    return uuid


async def test_the_ca_signs(member: Api, demo: str) -> None:
    shown = (await member.get("/v1/certificates/demo")).json()
    place = f"certificates/{demo}"
    links = [{"rel": "self", "href": f"{HOST}/v1/{place}"}, {"rel": "bookmark", "href": f"{HOST}/{place}"}]
    assert set(shown) == {"cluster_uuid", "pem", "links"}
    assert (shown["cluster_uuid"], shown["links"]) == (demo, links)
    csr = request()
    answer = await member.post("/v1/certificates", {"cluster_uuid": "demo", "csr": csr})
    made = answer.json()
    assert answer.status_code == 201
    assert {key: made[key] for key in made if key != "pem"} == {"cluster_uuid": demo, "csr": csr, "links": links}
    certificate = x509.load_pem_x509_certificate(made["pem"].encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(shown["pem"].encode()))
    assert certificate.subject.rfc4514_string() == "CN=admin,O=system:masters"
    [recorded] = await member.stage.store.list_certificates(demo)
    assert (recorded.serial, recorded.subject, recorded.ca, recorded.user_id, recorded.project_id) == (
        str(certificate.serial_number), "CN=admin,O=system:masters", "kubernetes", "user-1", "project-1",
    )  # fmt: skip


async def test_the_other_authorities(member: Api, demo: str) -> None:
    by_kind = {}
    for kind in ("", "kubernetes", "kubelet", "whatever", "etcd", "front-proxy", "front_proxy"):
        query = f"?ca_cert_type={kind}" if kind else ""
        by_kind[kind] = (await member.get(f"/v1/certificates/{demo}{query}")).json()["pem"]
    assert by_kind[""] == by_kind["kubernetes"] == by_kind["kubelet"] == by_kind["whatever"]
    assert by_kind["front-proxy"] == by_kind["front_proxy"]
    assert len(set(by_kind.values())) == 3
    body = {"cluster_uuid": demo, "csr": request(), "ca_cert_type": "etcd"}
    made = (await member.post("/v1/certificates", body)).json()
    assert made["ca_cert_type"] == "etcd"
    signed = x509.load_pem_x509_certificate(made["pem"].encode())
    signed.verify_directly_issued_by(x509.load_pem_x509_certificate(by_kind["etcd"].encode()))


async def test_what_was_signed_is_told_to_its_owner_and_to_administrators(member: Api, demo: str) -> None:
    assert (await member.get("/ext/v1/clusters/demo/certificates")).json() == {"certificates": []}
    body = {"cluster_uuid": demo, "csr": request(), "ca_cert_type": "front_proxy"}
    pem = (await member.post("/v1/certificates", body)).json()["pem"]
    serial = str(x509.load_pem_x509_certificate(pem.encode()).serial_number)
    seen = (await member.get("/ext/v1/clusters/demo/certificates")).json()
    [one] = seen["certificates"]
    assert {key: one[key] for key in one if key not in ("created_at", "not_after")} == {
        "serial": serial,
        "subject": "CN=admin,O=system:masters",
        "ca": "front-proxy",
        "purpose": None,
        "user_id": "user-1",
        "project_id": "project-1",
    }
    assert one["created_at"] < one["not_after"]
    place = f"/ext/v1/clusters/{demo}/certificates"
    assert (await member.as_("root", "elsewhere", "admin").get(place)).json() == seen
    assert (await member.as_("mate").get(place)).status_code == 403
    assert (await member.as_("stranger", "elsewhere").get(place)).status_code == 404


PLACE = "/ext/v1/clusters/demo/certificates"


async def test_a_certificate_for_one_use_ends_with_it(member: Api, demo: str) -> None:
    answer = await member.post(PLACE, {"csr": request(), "valid_s": 720, "purpose": "jeroboam ps"})
    made = answer.json()
    certificate = x509.load_pem_x509_certificate(made["pem"].encode())
    ca = (await member.get("/v1/certificates/demo")).json()["pem"]
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.encode()))
    ends = (member.clock.now() + timedelta(minutes=12)).replace(microsecond=0)
    assert certificate.not_valid_after_utc == ends
    record = {
        "serial": str(certificate.serial_number),
        "subject": "CN=admin,O=system:masters",
        "ca": "kubernetes",
        "purpose": "jeroboam ps",
        "not_after": ends.isoformat(),
    }
    assert (answer.status_code, made) == (201, {**record, "pem": made["pem"]})
    [listed] = (await member.get(PLACE)).json()["certificates"]
    assert {key: listed[key] for key in record} == record
    assert (listed["user_id"], listed["project_id"]) == ("user-1", "project-1")


async def test_a_certificate_without_further_wishes_is_as_magnum_signs_it(member: Api, demo: str) -> None:
    made = (await member.post(PLACE, {"csr": request()})).json()
    certificate = x509.load_pem_x509_certificate(made["pem"].encode())
    assert certificate.not_valid_after_utc == (member.clock.now() + timedelta(days=1825)).replace(microsecond=0)
    assert (made["ca"], made["purpose"]) == ("kubernetes", None)
    made = (await member.post(PLACE, {"csr": request(), "ca": "etcd"})).json()
    etcd = (await member.get("/v1/certificates/demo?ca_cert_type=etcd")).json()["pem"]
    leaf, ca = (x509.load_pem_x509_certificate(pem.encode()) for pem in (made["pem"], etcd))
    leaf.verify_directly_issued_by(ca)
    assert made["ca"] == "etcd"


async def test_a_request_with_its_own_key_identifier(member: Api, demo: str) -> None:
    csr = request((x509.SubjectKeyIdentifier(b"12345678901234567890"), False))
    assert (await member.post("/v1/certificates", {"cluster_uuid": demo, "csr": csr})).status_code == 201


WRONG = "Invalid input for field/attribute "


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"cluster_uuid": "demo"}, 400, f"{WRONG}csr. Value: 'None'. Mandatory field missing."),
        (
            {"cluster_uuid": "demo", "csr": ""},
            400,
            f"{WRONG}csr. Value: ''. Value should have a minimum character requirement of 1",
        ),
        ({"csr": "x"}, 400, f"{WRONG}cluster_uuid. Value: 'None'. Mandatory field missing."),
        ({"bay_uuid": "demo", "csr": "x"}, 400, "Unknown attribute for argument certificate: bay_uuid"),
        ({"cluster_uuid": "nope", "csr": "x"}, 400, "Cluster nope could not be found."),
        ({"cluster_uuid": "demo", "csr": "x"}, 400, "Received invalid csr b'x'."),
    ],
)
@pytest.mark.usefixtures("demo")
async def test_what_is_not_signed(member: Api, body: Any, status: int, text: str) -> None:
    answer = await member.post("/v1/certificates", body)
    assert (answer.status_code, detail(answer)) == (status, text)


TEXT = "Value should match the pattern ^[A-Za-z0-9][A-Za-z0-9 ._-]*$"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"csr": None}, f"{WRONG}csr. Value: 'None'. Mandatory field missing."),
        ({"csr": "x"}, "Received invalid csr b'x'."),
        ({"valid_s": 59}, f"{WRONG}valid_s. Value: '59'. Value should be greater or equal to 60"),
        ({"valid_s": -1}, f"{WRONG}valid_s. Value: '-1'. Value should be greater or equal to 60"),
        (
            {"valid_s": 157_680_001},
            f"{WRONG}valid_s. Value: '157680001'. Value should be lower or equal to 157680000",
        ),
        ({"valid_s": 10**30}, f"{WRONG}valid_s. Value: '{10**30}'. Value should be lower or equal to 157680000"),
        ({"valid_s": "1h"}, f"{WRONG}valid_s. Value: '1h'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
        (
            {"valid_s": True},
            f"{WRONG}valid_s. Value: 'True'. Wrong type. Expected '<class 'int'>', got '<class 'bool'>'",
        ),
        ({"purpose": ""}, f"{WRONG}purpose. Value: ''. Value should have a minimum character requirement of 1"),
        (
            {"purpose": "p" * 65},
            f"{WRONG}purpose. Value: '{'p' * 65}'. Value should have a maximum character requirement of 64",
        ),
        ({"purpose": "a\x1b[2Jb"}, f"{WRONG}purpose. Value: 'a\x1b[2Jb'. {TEXT}"),
        ({"purpose": "ps\n"}, f"{WRONG}purpose. Value: 'ps\n'. {TEXT}"),
        ({"purpose": "a\0b"}, f"{WRONG}purpose. Value: 'a\0b'. {TEXT}"),
        ({"purpose": " ps"}, f"{WRONG}purpose. Value: ' ps'. {TEXT}"),
        ({"purpose": 5}, f"{WRONG}purpose. Value: '5'. Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
        ({"ca": "mine"}, f"{WRONG}ca. Value: 'mine'. Value should be one of: kubernetes, etcd, front-proxy"),
        ({"cluster_uuid": "demo"}, "Unknown attribute for argument certificate: cluster_uuid"),
    ],
)
async def test_what_is_not_signed_for_a_use(member: Api, demo: str, changes: dict[str, Any], text: str) -> None:
    answer = await member.post(PLACE, {"csr": request(), **changes})
    assert (answer.status_code, detail(answer)) == (400, text)
    assert await member.stage.store.list_certificates(demo) == []


@pytest.mark.parametrize("place", ["/v1/certificates", PLACE])
async def test_a_critical_extension_that_is_not_allowed(member: Api, demo: str, place: str) -> None:
    csr = request((x509.OCSPNoCheck(), True))
    answer = await member.post(place, {"cluster_uuid": demo, "csr": csr} if place != PLACE else {"csr": csr})
    assert (answer.status_code, detail(answer)) == (400, "Extension '1.3.6.1.5.5.7.48.1.5' not allowed")


async def test_before_the_keys_are_made(member: Api) -> None:
    await member.cluster()
    for answer in (await member.get("/v1/certificates/demo"), await member.post(PLACE, {"csr": request()})):
        assert answer.status_code == 409
        assert detail(answer).startswith("The certificates of cluster demo are not made yet.")


@pytest.mark.parametrize(
    ("user", "roles", "project", "statuses"),
    [
        ("user-1", "member,reader", "project-1", (200, 201, 201, 202, 202)),
        ("user-1", "reader", "project-1", (200, 403, 403, 403, 403)),
        ("user-1", "member", "project-1", (403, 201, 201, 202, 202)),
        ("mate", "member,reader", "project-1", (403, 403, 403, 202, 202)),
        ("root", "admin", "project-1", (200, 201, 201, 202, 403)),
        ("root", "admin", "elsewhere", (404, 400, 404, 404, 404)),
        ("user-1", "member,reader", "elsewhere", (404, 400, 404, 404, 404)),
    ],
)
async def test_every_role(
    anonymous: Api, demo: str, user: str, roles: str, project: str, statuses: tuple[int, ...]
) -> None:
    caller = anonymous.as_(user, project, roles).at("latest")
    calls: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"/v1/certificates/{demo}", None),
        ("POST", "/v1/certificates", {"cluster_uuid": demo, "csr": request()}),
        ("POST", f"/ext/v1/clusters/{demo}/certificates", {"csr": request(), "valid_s": 60, "purpose": "test"}),
        ("PATCH", f"/v1/certificates/{demo}", None),
        ("PATCH", f"/v1/credentials/{demo}", None),
    )
    assert tuple([(await caller.call(m, p, json=b)).status_code for m, p, b in calls]) == statuses


class Plain(FakeDriver):
    """A driver without further abilities."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = replace(self.capabilities, rotate_ca=False, rotate_credentials=False)


async def test_rotations_are_refused_before_anything_is_touched(make: Maker) -> None:
    at = make(drivers={"fake": Plain()}).as_("user-1").at("latest")
    demo = await at.cluster()
    await at.finished(demo)
    answer = await at.call("PATCH", f"/v1/certificates/{demo}")
    assert (answer.status_code, detail(answer)) == (
        400,
        "Rotating the CA certificate is not supported by the driver fake.",
    )
    answer = await at.call("PATCH", f"/v1/credentials/{demo}")
    assert (answer.status_code, detail(answer)) == (400, "Credential rotation is not supported by driver.")
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "CREATE_COMPLETE"


class Giving(FakeProvider):
    """Has a login for each cluster."""

    gives_credentials = True
    unmake_machine = None  # type: ignore[assignment]

    def credential_name(self, cluster_uuid: str, operation_uuid: str) -> str:
        return f"{cluster_uuid}-{operation_uuid}"

    async def ensure_credential(self, cluster: Cluster, operation_uuid: str, *, renew: bool) -> str:
        return self.credential_name(cluster.uuid, operation_uuid)


@pytest.mark.parametrize(
    ("driver", "why"),
    [
        (Plain, "the driver fake rotates none"),
        (StatefulFakeDriver, "the provider fake makes no machine anew around its state"),
    ],
)
async def test_credentials_at_the_provider_are_rotated_whatever_the_driver_can(
    make: Maker, driver: type[FakeDriver], why: str
) -> None:
    at = make(drivers={"fake": driver()}, provider=Giving(Cloud(), boot_s=0)).as_("user-1").at("latest")
    demo = await at.cluster()
    await at.finished(demo)
    answer = await at.call("PATCH", f"/v1/credentials/{demo}")
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    await at.finished(demo)
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "UPDATE_COMPLETE"
    latest = (await at.get(f"/ext/v1/clusters/{demo}/operations")).json()["operations"][0]
    assert latest["summary"] == f"rotate the cluster's login at the provider; the nodes' own secrets stay: {why}"


class Bare(FakeProvider):
    """Makes no machine anew around its state."""

    unmake_machine = None  # type: ignore[assignment]


async def test_a_provider_without_volumes_is_named_where_the_nodes_state_must_be_kept(make: Maker) -> None:
    at = make(drivers={"fake": StatefulFakeDriver()}, provider=Bare(Cloud(), boot_s=0)).as_("user-1").at("latest")
    demo = await at.cluster()
    await at.finished(demo)
    for collection in ("certificates", "credentials"):
        answer = await at.call("PATCH", f"/v1/{collection}/{demo}")
        assert answer.status_code == 400
        assert "The provider fake makes no machine anew around its state, which it takes." in detail(answer)
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "CREATE_COMPLETE"


async def test_rotated_cas_are_shown_and_sign_when_the_rotation_is_done(member: Api, demo: str) -> None:
    at, headers = member.at("latest"), {"Accept": "*/*", "Content-Type": "application/octet-stream"}
    old = [(await at.get(f"/v1/certificates/{demo}?ca_cert_type={ca}")).json()["pem"] for ca in ("", "etcd")]
    answer = await at.call("PATCH", f"/v1/certificates/{demo}", headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "UPDATE_IN_PROGRESS"
    assert (await at.get(f"/v1/certificates/{demo}")).json()["pem"] == old[0]
    again = await at.call("PATCH", f"/v1/certificates/{demo}")
    assert (again.status_code, detail(again)) == (
        400,
        'Updating a cluster when status is "UPDATE_IN_PROGRESS" is not supported.',
    )
    assert await at.finished(demo) == "succeeded"
    assert (await at.get("/v1/clusters/demo")).json()["status"] == "UPDATE_COMPLETE"
    new = [(await at.get(f"/v1/certificates/{demo}?ca_cert_type={ca}")).json()["pem"] for ca in ("", "etcd")]
    assert not set(old) & set(new)
    signed = (await at.post("/v1/certificates", {"cluster_uuid": demo, "csr": request()})).json()["pem"]
    ca, leaf = (x509.load_pem_x509_certificate(pem.encode()) for pem in (new[0], signed))
    leaf.verify_directly_issued_by(ca)


async def test_rotated_credentials_leave_the_cas_alone(member: Api, demo: str) -> None:
    at = member.at("1.12")
    before, pem = await at.stage.store.get_secrets(demo), (await at.get(f"/v1/certificates/{demo}")).json()["pem"]
    answer = await at.call("PATCH", f"/v1/credentials/{demo}")
    assert (answer.status_code, answer.json()) == (202, {"uuid": demo})
    assert await at.finished(demo) == "succeeded"
    after = await at.stage.store.get_secrets(demo)
    assert set(before) == set(after)
    assert [name for name in before if before[name] != after[name]] == ["token/join"]
    assert (await at.get(f"/v1/certificates/{demo}")).json()["pem"] == pem
    assert (await member.at("1.11").call("PATCH", f"/v1/credentials/{demo}")).status_code == 406


async def test_credentials_are_not_rotated_while_the_cluster_is_made(member: Api) -> None:
    await member.cluster()
    answer = await member.at("latest").call("PATCH", "/v1/credentials/demo")
    text = 'Rotating credentials when cluster status is "CREATE_IN_PROGRESS" is not supported.'
    assert (answer.status_code, detail(answer)) == (400, text)


async def test_rotation_without_tls_or_in_the_wrong_state(member: Api) -> None:
    await member.cluster(name="plain", cluster_template_id=await member.template(name="t", tls_disabled=True))
    answer = await member.patch("/v1/certificates/plain")
    assert (answer.status_code, detail(answer)) == (
        400,
        "Rotating the CA certificate on a non-TLS cluster is not supported",
    )
    await member.cluster()
    answer = await member.patch("/v1/certificates/demo")
    assert (answer.status_code, detail(answer)) == (
        400, 'Updating a cluster when status is "CREATE_IN_PROGRESS" is not supported.',
    )  # fmt: skip

"""/ext/v1/clusters/{cluster}/certificates: what was signed, for whom and what for; and signing for as long as its use lasts."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from ... import pki
from ...domain import SignedCertificate
from ...service import certificates
from ..call import Call, Reply, Route
from ..v1 import kinds
from ..v1.bodies import ObjectBody
from ..v1.fields import Field
from .moments import moment

_LEAST_S, _MOST_S = 60, int(pki.TERM_OF_VALIDITY.total_seconds())
_WORDS = "^[A-Za-z0-9][A-Za-z0-9 ._-]*$"  # shown in terminals, and told apart by eye
_BODY = ObjectBody(
    "certificate",
    {
        "csr": Field(kinds.Text(most=None), mandatory=True),
        "valid_s": Field(kinds.Integer(least=_LEAST_S, most=_MOST_S), default=_MOST_S),
        "purpose": Field(kinds.Text(most=64, pattern=_WORDS)),
        "ca": Field(kinds.OneOf(("kubernetes", "etcd", "front-proxy")), default="kubernetes"),
    },
)


class SignedView(msgspec.Struct):
    """A certificate that was given out. The certificate itself is not kept. `purpose` is its asker's word, null if there is none."""

    serial: str
    subject: str
    ca: str
    purpose: str | None
    user_id: str
    project_id: str
    created_at: str | None
    not_after: str


class Signed(msgspec.Struct):
    """All of a cluster."""

    certificates: list[SignedView]


class NewCertificate(msgspec.Struct):
    """A certificate, PEM, and what is recorded of it. `not_after` is its own."""

    pem: str
    serial: str
    subject: str
    ca: str
    purpose: str | None
    not_after: str


async def sign(call: Call) -> Reply:
    """Sign a CSR for so many seconds; without `valid_s`, as /v1/certificates does."""
    values = await _BODY.read(call)
    lifetime = timedelta(seconds=values["valid_s"])
    wish = certificates.Wish(values["csr"], values["ca"], lifetime, values["purpose"])
    made = await certificates.sign(call.services, call.asker, call.path["ident"], wish)
    record = made.record
    ends = record.not_after.isoformat()
    return Reply(NewCertificate(made.pem, record.serial, record.subject, record.ca, record.purpose, ends))


async def signed(call: Call) -> Reply:
    """All that were signed for a cluster, in the order of their making."""
    found = await certificates.signed(call.services, call.caller, call.path["ident"])
    return Reply(Signed([_view(one) for one in found]))


def _view(one: SignedCertificate) -> SignedView:
    return SignedView(
        serial=one.serial,
        subject=one.subject,
        ca=one.ca,
        purpose=one.purpose,
        user_id=one.user_id,
        project_id=one.project_id,
        created_at=moment(one.created_at),
        not_after=one.not_after.isoformat(),
    )


ROUTES = (
    Route("GET", "/clusters/{ident:str}/certificates", signed, reply=Signed, rule="certificate:get"),
    Route(
        "POST",
        "/clusters/{ident:str}/certificates",
        sign,
        body=_BODY,
        status=201,
        reply=NewCertificate,
        rule="certificate:create",
    ),
)

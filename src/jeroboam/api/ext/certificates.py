"""/ext/v1/clusters/{cluster}/certificates: what the certificates API signed, and for whom."""

from __future__ import annotations

import msgspec

from ...domain import SignedCertificate
from ...service import certificates
from ..call import Call, Reply, Route
from .moments import moment


class SignedView(msgspec.Struct):
    """A certificate that was given out. The certificate itself is not kept."""

    serial: str
    subject: str
    ca: str
    user_id: str
    project_id: str
    created_at: str | None
    not_after: str


class Signed(msgspec.Struct):
    """All of a cluster."""

    certificates: list[SignedView]


async def signed(call: Call) -> Reply:
    """All that were signed for a cluster, in the order of their making."""
    found = await certificates.signed(call.services, call.caller, call.path["ident"])
    return Reply(Signed([_view(one) for one in found]))


def _view(one: SignedCertificate) -> SignedView:
    return SignedView(
        serial=one.serial,
        subject=one.subject,
        ca=one.ca,
        user_id=one.user_id,
        project_id=one.project_id,
        created_at=moment(one.created_at),
        not_after=one.not_after.isoformat(),
    )


ROUTES = (Route("GET", "/clusters/{ident:str}/certificates", signed, reply=Signed, rule="certificate:get"),)

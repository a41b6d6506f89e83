"""/v1/certificates and /v1/credentials."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ...domain.errors import InvalidRequest, NotFound
from ...service import abilities, certificates
from ..call import Call, Parameter, Reply, Route
from . import kinds, missing
from .bodies import ObjectBody
from .fields import Field
from .links import Accepted, Link, links

_BODY = ObjectBody(
    "certificate",
    {
        "cluster_uuid": Field(kinds.Text(), mandatory=True),
        "csr": Field(kinds.Text(most=None), mandatory=True),
        "ca_cert_type": Field(kinds.Text()),
        "pem": Field(kinds.Anything(), read_only=True),
        "links": Field(kinds.Anything(), read_only=True),
    },
)


class CertificateView(msgspec.Struct, kw_only=True):
    """A certificate and whose it is."""

    cluster_uuid: str
    csr: str | UnsetType = UNSET
    pem: str
    ca_cert_type: str | UnsetType = UNSET
    links: list[Link]


async def show(call: Call) -> Reply:
    """The certificate of a CA."""
    kind = call.query.get("ca_cert_type")
    made = await certificates.show(call.services, call.caller, call.path["ident"], kind)
    place = links(call.host, f"certificates/{made.cluster_uuid}")
    return Reply(data=CertificateView(cluster_uuid=made.cluster_uuid, pem=made.pem, links=place))


async def sign(call: Call) -> Reply:
    """Sign a CSR."""
    values = await _BODY.read(call)
    ident, kind, csr = values["cluster_uuid"], values["ca_cert_type"], values["csr"]
    try:
        made = await certificates.sign(call.services, call.asker, ident, certificates.Wish(csr, kind))
    except NotFound as error:
        raise InvalidRequest(error.message, field="cluster_uuid", value=ident) from None
    uuid = made.record.cluster_uuid
    shown = CertificateView(
        cluster_uuid=uuid,
        csr=csr,
        pem=made.pem,
        ca_cert_type=UNSET if kind is None else kind,
        links=links(call.host, f"certificates/{uuid}"),
    )
    return Reply(shown)


async def rotate(call: Call) -> Reply:
    """Renew all CAs of a cluster."""
    return Reply(Accepted(await abilities.rotate_ca(call.services, call.asker, call.path["ident"])))


async def rotate_credential(call: Call) -> Reply:
    """Renew the cloud credential of a cluster."""
    return Reply(Accepted(await abilities.rotate_credentials(call.services, call.asker, call.path["ident"])))


ROUTES = (
    Route(
        "GET",
        "/certificates/{ident:str}",
        show,
        query={"ca_cert_type": Parameter(kinds.Text(least=0, most=None))},
        reply=CertificateView,
        rule="certificate:get",
    ),
    Route(
        "POST",
        "/certificates",
        sign,
        body=_BODY,
        status=201,
        reply=CertificateView,
        rule="certificate:create",
        refuses=(409,),
    ),
    Route("PATCH", "/certificates/{ident:str}", rotate, status=202, reply=Accepted, rule="certificate:rotate_ca"),
    Route(
        "PATCH",
        "/credentials/{ident:str}",
        rotate_credential,
        since=12,
        status=202,
        reply=Accepted,
        rule="credential:rotate",
    ),
    *missing.routes("/certificates", "cluster_ident", "PATCH"),
    *missing.routes("/credentials", "cluster_ident", "PATCH", since=12),
)

"""/v1/certificates and /v1/credentials."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from ...service import abilities, certificates
from ..call import Call, Reply, Route
from . import fields, missing
from .fields import Field
from .links import Link, links

_FIELDS = {
    "cluster_uuid": Field(fields.text(), mandatory=True),
    "csr": Field(fields.text(most=None), mandatory=True),
    "ca_cert_type": Field(fields.text()),
    "pem": Field(fields.anything, read_only=True),
    "links": Field(fields.anything, read_only=True),
}


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
    values = fields.decode("certificate", _FIELDS, await call.json("certificate"))
    kind, csr = values["ca_cert_type"], values["csr"]
    made = await certificates.sign(call.services, call.asker, values["cluster_uuid"], csr, kind)
    shown = CertificateView(
        cluster_uuid=made.cluster_uuid,
        csr=csr,
        pem=made.pem,
        ca_cert_type=UNSET if kind is None else kind,
        links=links(call.host, f"certificates/{made.cluster_uuid}"),
    )
    return Reply(201, shown)


async def rotate(call: Call) -> Reply:
    """Renew all CAs of a cluster."""
    return Reply(202, {"uuid": await abilities.rotate_ca(call.services, call.asker, call.path["ident"])})


async def rotate_credential(call: Call) -> Reply:
    """Renew the cloud credential of a cluster."""
    return Reply(202, {"uuid": await abilities.rotate_credentials(call.services, call.asker, call.path["ident"])})


ROUTES = (
    Route("GET", "/certificates/{ident:str}", show, query=("ca_cert_type",)),
    Route("POST", "/certificates", sign),
    Route("PATCH", "/certificates/{ident:str}", rotate),
    Route("PATCH", "/credentials/{ident:str}", rotate_credential, since=12),
    *missing.routes("/certificates", "cluster_ident", "PATCH"),
    *missing.routes("/credentials", "cluster_ident", "PATCH", since=12),
)

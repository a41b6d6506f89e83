"""The certificates API: show a cluster's CAs, sign what tenants send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import pki
from ..contracts import Caller, CertificateAuthority, ClusterRow
from ..domain import SignedCertificate
from ..domain.errors import Conflict, InvalidRequest, NotFound
from . import clusters
from .services import Asker, Services


@dataclass(frozen=True)
class Authority:
    """A CA's certificate (PEM) and the cluster it is of."""

    cluster_uuid: str
    pem: str


async def show(services: Services, caller: Caller, ident: str, ca: str | None) -> Authority:
    """The certificate of a CA: "etcd", "front-proxy", anything else is the cluster's own. Raises NotFound, Forbidden, Conflict."""
    row = await clusters.authorised(services, caller, ident, "certificate:get")
    authority = await _authority(services, row, ca)
    return Authority(row.cluster.uuid, authority.cert_pem.decode())


async def sign(services: Services, asker: Asker, ident: str, csr: str, ca: str | None) -> Authority:
    """A certificate for the CSR, recorded before it is given out.

    Raises InvalidRequest (also for an unknown cluster), Forbidden, Conflict.
    """
    try:
        row = await clusters.authorised(services, asker.caller, ident, "certificate:create")
    except NotFound as error:
        raise InvalidRequest(error.message, field="cluster_uuid", value=ident) from None
    authority = await _authority(services, row, ca)
    signed = pki.sign_csr(authority, csr.encode(errors="replace"), services.clock.now())
    await services.store.record_certificate(
        SignedCertificate(
            cluster_uuid=row.cluster.uuid,
            serial=signed.serial,
            subject=signed.subject,
            ca=_name(ca),
            not_after=signed.not_after,
            user_id=asker.caller.user_id,
            project_id=asker.caller.project_id,
        )
    )
    return Authority(row.cluster.uuid, signed.pem.decode())


async def signed(services: Services, caller: Caller, ident: str) -> Sequence[SignedCertificate]:
    """What was signed for a cluster, for whoever may see its CA, and for administrators. Raises NotFound, Ambiguous, Forbidden."""
    across = "certificate:get" if services.policy.is_admin(caller) else None
    row = await clusters.authorised(services, caller, ident, "certificate:get", across=across)
    return await services.store.list_certificates(row.cluster.uuid)


async def _authority(services: Services, row: ClusterRow, ca: str | None) -> CertificateAuthority:
    packed = await services.store.get_secrets(row.cluster.uuid)
    if not packed:
        raise Conflict(
            f"The certificates of cluster {row.cluster.name} are not made yet.",
            hint="Try again in a few seconds; they are the first thing that its creation makes.",
        )
    keys = pki.unpack(packed)
    return {"etcd": keys.etcd_ca, "front-proxy": keys.front_proxy_ca}.get(_name(ca), keys.ca)


def _name(ca: str | None) -> str:
    if ca in ("front-proxy", "front_proxy"):
        return "front-proxy"
    return "etcd" if ca == "etcd" else "kubernetes"

"""The certificates API: show a cluster's CAs, sign what tenants send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from .. import pki
from ..contracts import Caller, CertificateAuthority, ClusterRow
from ..domain import SignedCertificate
from ..domain.errors import Conflict
from . import clusters
from .services import Asker, Services


@dataclass(frozen=True)
class Authority:
    """A CA's certificate (PEM) and the cluster it is of."""

    cluster_uuid: str
    pem: str


@dataclass(frozen=True)
class Wish:
    """What to sign: a CSR (PEM), by which CA, for how long, and what for."""

    csr: str
    ca: str | None = None
    lifetime: timedelta = pki.TERM_OF_VALIDITY
    purpose: str | None = None


@dataclass(frozen=True)
class Issued:
    """A certificate (PEM) and what is recorded of it."""

    pem: str
    record: SignedCertificate


async def show(services: Services, caller: Caller, ident: str, ca: str | None) -> Authority:
    """The certificate of a CA: "etcd", "front-proxy", anything else is the cluster's own. Raises NotFound, Forbidden, Conflict."""
    row = await clusters.authorised(services, caller, ident, "certificate:get")
    authority = await _authority(services, row, ca)
    return Authority(row.cluster.uuid, authority.cert_pem.decode())


async def sign(services: Services, asker: Asker, ident: str, wish: Wish) -> Issued:
    """A certificate for the CSR, recorded before it is given out. Raises NotFound, Ambiguous, Forbidden, Conflict, InvalidRequest."""
    row = await clusters.authorised(services, asker.caller, ident, "certificate:create")
    authority = await _authority(services, row, wish.ca)
    signed = pki.sign_csr(authority, wish.csr.encode(errors="replace"), services.clock.now(), wish.lifetime)
    record = SignedCertificate(
        cluster_uuid=row.cluster.uuid,
        serial=signed.serial,
        subject=signed.subject,
        ca=_name(wish.ca),
        not_after=signed.not_after,
        user_id=asker.caller.user_id,
        project_id=asker.caller.project_id,
        purpose=wish.purpose,
    )
    await services.store.record_certificate(record)
    return Issued(signed.pem.decode(), record)


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

"""All keys of one cluster, made at once, and their names in the sealed store."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ..contracts import CertificateAuthority, ClusterSecrets, FormerCa
from ..domain import Secret
from .authority import link_certificate, new_authority, new_key

_CAS = ("ca", "etcd-ca", "front-proxy-ca")
_TOKEN = "token/"  # noqa: S105 - a prefix of names, not a secret
_FORMER = "former/"


def new_cluster_secrets(name: str, token_names: Iterable[str], now: datetime) -> ClusterSecrets:
    """Three CAs, the service-account key and a random token (32 bytes, hex) for each name asked for."""
    return ClusterSecrets(
        ca=new_authority(name, "cluster", now),
        etcd_ca=new_authority(name, "etcd", now),
        front_proxy_ca=new_authority(name, "front-proxy", now),
        service_account_key=new_key()[1],
        tokens={token: Secret(secrets.token_hex(32).encode()) for token in token_names},
    )


def renewed(current: ClusterSecrets, name: str, now: datetime, *, cas: bool) -> ClusterSecrets:
    """New CAs (`cas`) with the former beside them, or new tokens; the rest stays, above all the key that workloads' identities are
    signed with."""
    fresh = new_cluster_secrets(name, current.tokens, now)
    if cas:
        former = {
            called: FormerCa(old.cert_pem, link_certificate(old, new))
            for (called, old), (_, new) in zip(_authorities(current), _authorities(fresh), strict=True)
        }
        return replace(fresh, service_account_key=current.service_account_key, tokens=current.tokens, former=former)
    return replace(current, tokens=fresh.tokens)


def settled(values: ClusterSecrets) -> ClusterSecrets:
    """The same without the former CAs."""
    return replace(values, former={})


def _authorities(values: ClusterSecrets) -> tuple[tuple[str, CertificateAuthority], ...]:
    return tuple(zip(_CAS, (values.ca, values.etcd_ca, values.front_proxy_ca), strict=True))


def fingerprint(values: ClusterSecrets) -> str:
    """Sixteen hex digits that differ when a CA, a former one or a token does. Tells nothing of either."""
    digest = hashlib.sha256()
    for _, ca in _authorities(values):
        digest.update(ca.cert_pem)
    for name in sorted(values.former):
        digest.update(values.former[name].cert_pem)
    for name in sorted(values.tokens):
        digest.update(name.encode() + b"\0" + values.tokens[name].reveal())
    return digest.hexdigest()[:16]


def pack(values: ClusterSecrets) -> dict[str, bytes]:
    """As named bytes for the sealed store."""
    packed = {"service-account.key": values.service_account_key.reveal()}
    for name, ca in _authorities(values):
        packed[f"{name}.crt"] = ca.cert_pem
        packed[f"{name}.key"] = ca.key_pem.reveal()
    for name, former in values.former.items():
        packed[f"{_FORMER}{name}.crt"] = former.cert_pem
        packed[f"{_FORMER}{name}.link.crt"] = former.link_pem
    packed.update({_TOKEN + name: token.reveal() for name, token in values.tokens.items()})
    return packed


def unpack(packed: Mapping[str, bytes]) -> ClusterSecrets:
    """The inverse of `pack`."""
    ca, etcd, front = (CertificateAuthority(packed[f"{n}.crt"], Secret(packed[f"{n}.key"])) for n in _CAS)
    tokens = {name.removeprefix(_TOKEN): Secret(value) for name, value in packed.items() if name.startswith(_TOKEN)}
    former = {
        name: FormerCa(packed[f"{_FORMER}{name}.crt"], packed[f"{_FORMER}{name}.link.crt"])
        for name in _CAS
        if f"{_FORMER}{name}.crt" in packed
    }
    return ClusterSecrets(ca, etcd, front, Secret(packed["service-account.key"]), tokens, former)

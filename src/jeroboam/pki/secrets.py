"""All keys of one cluster, made at once, and their names in the sealed store."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from ..contracts import CertificateAuthority, ClusterSecrets
from ..domain import Secret
from .authority import new_authority, new_key

_CAS = ("ca", "etcd-ca", "front-proxy-ca")
_TOKEN = "token/"  # noqa: S105 - a prefix of names, not a secret


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
    """New CAs (`cas`), or new tokens; the rest stays, above all the key that workloads' identities are signed with."""
    fresh = new_cluster_secrets(name, current.tokens, now)
    if cas:
        return replace(current, ca=fresh.ca, etcd_ca=fresh.etcd_ca, front_proxy_ca=fresh.front_proxy_ca)
    return replace(current, tokens=fresh.tokens)


def fingerprint(values: ClusterSecrets) -> str:
    """Sixteen hex digits that differ when a CA or a token does. Tells nothing of either."""
    digest = hashlib.sha256()
    for ca in (values.ca, values.etcd_ca, values.front_proxy_ca):
        digest.update(ca.cert_pem)
    for name in sorted(values.tokens):
        digest.update(name.encode() + b"\0" + values.tokens[name].reveal())
    return digest.hexdigest()[:16]


def pack(values: ClusterSecrets) -> dict[str, bytes]:
    """As named bytes for the sealed store."""
    packed = {"service-account.key": values.service_account_key.reveal()}
    for name, ca in zip(_CAS, (values.ca, values.etcd_ca, values.front_proxy_ca), strict=True):
        packed[f"{name}.crt"] = ca.cert_pem
        packed[f"{name}.key"] = ca.key_pem.reveal()
    packed.update({_TOKEN + name: token.reveal() for name, token in values.tokens.items()})
    return packed


def unpack(packed: Mapping[str, bytes]) -> ClusterSecrets:
    """The inverse of `pack`."""
    ca, etcd, front = (CertificateAuthority(packed[f"{n}.crt"], Secret(packed[f"{n}.key"])) for n in _CAS)
    tokens = {name.removeprefix(_TOKEN): Secret(value) for name, value in packed.items() if name.startswith(_TOKEN)}
    return ClusterSecrets(ca, etcd, front, Secret(packed["service-account.key"]), tokens)

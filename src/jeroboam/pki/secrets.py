"""All keys of one cluster, made at once, and their names in the sealed store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
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

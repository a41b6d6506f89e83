"""A kubeconfig as text."""

from __future__ import annotations

import base64

import yaml

from ..domain import Secret


def kubeconfig(name: str, user: str, server: str, ca_pem: bytes, cert_pem: bytes, key_pem: Secret) -> bytes:
    """One cluster, one user, one context, current. `name` is the cluster's and the context's."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _b64(ca_pem)}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": _b64(cert_pem), "client-key-data": _b64(key_pem.reveal())},
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

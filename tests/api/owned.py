"""Every request that names what is a tenant's: which routes these are, and how they are asked in order, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jeroboam.api import ext, v1
from jeroboam.api.call import Route

_OWNED = ("/clusters/{", "/clustertemplates/{", "/certificates/{", "/credentials/{", "/operations/{")
_CHANGED = {"/clusters/{ident:str}": ("node_count", 3), "/clustertemplates/{ident:str}": ("name", "other")}
_GROUP = "/clusters/{cluster:str}/nodegroups/{ident:str}"


@dataclass(frozen=True)
class Things:
    """Ids of what a tenant has: cluster, template, a node group and an operation of the cluster."""

    cluster: str
    template: str
    group: str
    operation: str


def requests(theirs: Things, own: Things) -> Iterator[tuple[Route, str, Any]]:
    """Each route that names something of `theirs`, the path and a body that is in order; what it names besides is the asker's `own`."""
    for root, routes in (("/v1", v1.ROUTES), ("/ext/v1", ext.ROUTES)):
        for route in routes:
            if route.path.startswith(_OWNED) and (route.rule or route.path.endswith("/plan")):
                yield route, root + _filled(route.path, theirs), _body(route.method, route.path, own)


def _filled(path: str, things: Things) -> str:
    ident = things.template if path.startswith("/clustertemplates") else things.cluster
    names = {"{cluster:str}": things.cluster, "{uuid:str}": things.operation}
    names["{ident:str}"] = things.group if path == _GROUP else ident
    for place, name in names.items():
        path = path.replace(place, name)
    assert "{" not in path, path
    return path


def _body(method: str, path: str, own: Things) -> Any:
    if method == "PATCH" and path.startswith(("/certificates", "/credentials")):
        return {}
    if method == "PATCH":
        field, value = _CHANGED.get(path, ("max_node_count", 3))
        return [{"op": "replace", "path": f"/{field}", "value": value}]
    bodies: Mapping[str, Any] = {
        "/actions/resize": {"node_count": 3},
        "/actions/upgrade": {"cluster_template": own.template},
        "/nodegroups": {"name": "more"},
        "/certificates": {"csr": csr(), "valid_s": 3600},
        "/plan": {"operation": "delete"},
    }
    return next((body for end, body in bodies.items() if method == "POST" and path.endswith(end)), None)


def csr() -> str:
    """Of an administrator."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    signed = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = signed.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()

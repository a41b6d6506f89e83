"""First boot of a Windows worker: Docker Engine as a service, and its way into the swarm. Pure.

The node image holds the engine (docs/drivers/swarm.md). None has been booted here: what is rendered is tested as text.
Sources: Docker Engine API v1.41, POST /swarm/join; Docker docs, Configure Docker on Windows.
"""

from __future__ import annotations

import base64
import json

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ... import pki
from ...contracts import ClusterContext, File, MachineSpec, NodeConfig
from .. import powershell

_DAEMON = r"C:\ProgramData\docker\config\daemon.json"  # where the engine looks on Windows
_IDENTITY = rf"{powershell.NODE}\join.json"
_NUMBER = 32  # bytes of a number of P-256


def node_config(context: ClusterContext, machine: MachineSpec, seed: str) -> NodeConfig:
    """Files and commands of one worker. `seed` names the token that keys of nodes are derived from."""
    files = (
        File(_DAEMON, _daemon(context)),
        File(_IDENTITY, _identity(context, machine, seed), 0o600),
        *powershell.proxies(context.cluster.shape),
        *(powershell.script(__package__, name) for name in ("engine", "join")),
    )
    commands = (
        powershell.step("engine", machine.name, timeout_s=120),
        powershell.step("join", context.endpoint.inside.host, timeout_s=600),
    )
    return NodeConfig(machine.name, files, commands, os="windows")


def _daemon(context: ClusterContext) -> bytes:
    """Windows containers ask the host's name servers by themselves."""
    shape = context.cluster.shape
    servers = [word.strip() for word in (shape.dns_nameserver or "").split(",") if word.strip()]
    settings: dict[str, object] = {"hosts": ["npipe:////./pipe/docker_engine"]}
    if servers:
        settings["dns"] = servers
    if shape.insecure_registry:
        settings["insecure-registries"] = [shape.insecure_registry]
    return json.dumps(settings, indent=1, sort_keys=True).encode() + b"\n"


def _identity(context: ClusterContext, machine: MachineSpec, seed: str) -> bytes:
    """What the node shows when it asks for a token, and whom it asks, in numbers: .NET Framework reads no PEM."""
    secrets = context.secrets
    cert, key = pki.derived_peer_certificate(secrets.etcd_ca, secrets.tokens[seed], "worker", [machine.name])
    private = serialization.load_pem_private_key(key.reveal(), None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("keys of nodes are of P-256")
    numbers = private.private_numbers()
    point = numbers.public_numbers
    former = secrets.former.get("etcd-ca")
    trusted = [secrets.etcd_ca.cert_pem, *([former.cert_pem] if former else [])]
    words = {
        "trusted": [_der(pem) for pem in trusted],
        "cert": _der(cert),
        "x": _number(point.x),
        "y": _number(point.y),
        "d": _number(numbers.private_value),
    }
    return json.dumps(words, indent=1).encode() + b"\n"


def _der(pem: bytes) -> str:
    der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


def _number(value: int) -> str:
    return base64.b64encode(value.to_bytes(_NUMBER)).decode()

"""First boot of a Docker host: the engine's settings, its certificate, and the command that starts it. Pure.

Source: Docker documentation, "Protect the Docker daemon socket" and "dockerd".
"""

from __future__ import annotations

import json

from jeroboam import pki
from jeroboam.contracts import ClusterContext, Command, File, MachineSpec, NodeConfig
from jeroboam.domain import Role

from . import engines

NODE_SEED = "node-seed"  # every host's key follows from it and the host's name; it never leaves the service
_TLS = "/etc/docker/tls"


def node_config(context: ClusterContext, machine: MachineSpec, log_mib: int) -> NodeConfig:
    """Files and commands of one machine."""
    files = (File("/etc/docker/daemon.json", _settings(log_mib)), *_identity(context, machine))
    return NodeConfig(machine.name, files, (Command("engine", ("systemctl", "enable", "--now", "docker"), 120),))


def _settings(log_mib: int) -> bytes:
    settings = {
        "hosts": ["unix:///var/run/docker.sock", f"tcp://0.0.0.0:{engines.PORT}"],
        "tlsverify": True,
        "tlscacert": f"{_TLS}/ca.pem",
        "tlscert": f"{_TLS}/cert.pem",
        "tlskey": f"{_TLS}/key.pem",
        "log-driver": "json-file",
        "log-opts": {"max-size": f"{log_mib}m", "max-file": "1"},
    }
    return json.dumps(settings, indent=1, sort_keys=True).encode() + b"\n"


def _identity(context: ClusterContext, machine: MachineSpec) -> tuple[File, ...]:
    """A certificate in the host's own name: addresses are not known before it is there. And the CA whose clients it lets in."""
    secrets, endpoint = context.secrets, context.endpoint
    names = {machine.name}
    if machine.role is Role.CONTROL_PLANE:
        names |= {"localhost", "127.0.0.1", endpoint.inside.host}
        names |= {endpoint.outside.host} if endpoint.outside else set()
    seed = secrets.tokens[NODE_SEED]
    cert, key = pki.derived_server_certificate(secrets.ca, seed, machine.name, sorted(names))
    return (
        File(f"{_TLS}/ca.pem", secrets.ca.cert_pem),
        File(f"{_TLS}/cert.pem", cert),
        File(f"{_TLS}/key.pem", key.reveal(), 0o600),
    )

"""First boot of a manager and of a worker. Pure.

The first manager makes the swarm. Every other node fetches its join token from it over TLS, showing a certificate that says
what it may become; so tokens are never stored anywhere, may be rotated at any time, and nothing reaches into a node.
"""

from __future__ import annotations

import json
from importlib import resources

from ... import bootstrap, pki
from ...contracts import CertificateAuthority, ClusterContext, Command, File, FormerCa, MachineSpec, NodeConfig
from ...domain import Role
from .. import checks
from . import windows
from .labels import Options, options

NODE_SEED = "node-seed"
TLS = "/etc/docker/tls"
JOIN = "/etc/jeroboam/join"
DNS_PLACE = "@DNS@"  # known on the node only; its first command puts it in
_DAEMON = "/etc/docker/daemon.json"
_NAMES = {Role.CONTROL_PLANE: "manager", Role.WORKER: "worker"}  # common names: what a node may become
_SWARM_PORT, _JOIN_PORT = 2377, 2378
_ENCRYPTED_NETWORK = (
    "docker network inspect encrypted >/dev/null 2>&1 || "
    "docker network create --driver overlay --attachable --opt encrypted encrypted"
)
INNER_PORTS = (_SWARM_PORT, _JOIN_PORT)


def node_config(context: ClusterContext, machine: MachineSpec) -> NodeConfig:
    """Files and commands of one machine."""
    if checks.is_windows(context.image):
        return windows.node_config(context, machine, NODE_SEED)
    chosen = options(context.cluster.shape.labels)
    manager = machine.role is Role.CONTROL_PLANE
    files = (
        File(_DAEMON, _daemon(context, machine, manager=manager)),
        *bootstrap.proxy_of("docker", context.cluster.shape),
        *_join_identity(context, machine),
        *(_api_identity(context, machine) if manager else ()),
    )
    begin = (
        Command("resolver", _script("resolver", _DAEMON), 10),
        Command("engine", bootstrap.enable_now("docker"), 120),
        Command("images", _script("images"), 300, background=True),
    )
    return NodeConfig(machine.name, files, (*begin, *_membership(context, machine, chosen, manager=manager)))


def _membership(
    context: ClusterContext, machine: MachineSpec, chosen: Options, *, manager: bool
) -> tuple[Command, ...]:
    managers = context.endpoint.inside.host
    serve = (Command("join-tokens", bootstrap.enable_now("jeroboam-swarm-join"), 30),) if manager else ()
    if machine.first:
        tries = "10" if context.endpoint.balanced else "0"
        found = ("swarm", _script("init", managers, tries, str(chosen.pool), str(chosen.subnet_bits)), 120)
    else:
        found = ("swarm", _script("join", managers), 600)
    network = (Command("encrypted-network", ("sh", "-c", _ENCRYPTED_NETWORK), 60),)
    # The only manager listens before there is a swarm, and says nothing until then: whoever asks it asks again. Where others share its
    # endpoint, nobody shall be led to one that knows nothing.
    steps = (Command(*found), *serve) if context.endpoint.balanced else (*serve, Command(*found))
    return (*steps, *(network if machine.first and chosen.encrypted else ()))


def _daemon(context: ClusterContext, machine: MachineSpec, *, manager: bool) -> bytes:
    servers = [word.strip() for word in (context.cluster.shape.dns_nameserver or "").split(",") if word.strip()]
    registry = context.cluster.shape.insecure_registry
    settings: dict[str, object] = {
        "hosts": ["unix:///var/run/docker.sock"],
        "storage-driver": "overlay2",
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3"},
        "dns": servers or [DNS_PLACE],
    }
    if registry:
        settings["insecure-registries"] = [registry]
    if manager:
        settings["hosts"] = ["unix:///var/run/docker.sock", f"tcp://0.0.0.0:{context.endpoint.inside.port}"]
        settings |= {"tlsverify": True}
        settings |= {f"tls{name}": f"{TLS}/{file}.pem" for name, file in _TLS_FILES.items()}
    return json.dumps(settings, indent=1, sort_keys=True).encode() + b"\n"


_TLS_FILES = {"cacert": "ca", "cert": "cert", "key": "key"}


def _api_identity(context: ClusterContext, machine: MachineSpec) -> tuple[File, ...]:
    """The Docker API's certificate and the CA whose clients it lets in."""
    endpoint, secrets = context.endpoint, context.secrets
    names = {"localhost", "127.0.0.1", machine.name, endpoint.inside.host}
    names |= {endpoint.outside.host} if endpoint.outside else set()
    cert, key = pki.derived_server_certificate(secrets.ca, secrets.tokens[NODE_SEED], machine.name, sorted(names))
    return _pem(TLS, secrets.ca, secrets.former.get("ca"), cert, key.reveal())


def _join_identity(context: ClusterContext, machine: MachineSpec) -> tuple[File, ...]:
    """What a node shows when it asks for a token, and shows to those who ask it. Of a CA of its own: no right at the Docker API."""
    secrets, name = context.secrets, _NAMES[machine.role]
    cert, key = pki.derived_peer_certificate(secrets.etcd_ca, secrets.tokens[NODE_SEED], name, [machine.name])
    return _pem(JOIN, secrets.etcd_ca, secrets.former.get("etcd-ca"), cert, key.reveal())


def _pem(folder: str, ca: CertificateAuthority, former: FormerCa | None, cert: bytes, key: bytes) -> tuple[File, ...]:
    """While the CA is rotated: whom the former let in is let in, and who trusts the former only is shown the way from it."""
    trusted = ca.cert_pem + (former.cert_pem if former else b"")
    shown = cert + (former.link_pem if former else b"")
    return (File(f"{folder}/ca.pem", trusted), File(f"{folder}/cert.pem", shown), File(f"{folder}/key.pem", key, 0o600))


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    folder = resources.files(__package__) / "scripts"
    text = folder.joinpath(f"{name}.sh").read_text()
    if name in ("init", "join"):
        text = folder.joinpath("membership.sh").read_text() + text
    return ("bash", "-c", text, name, *arguments)

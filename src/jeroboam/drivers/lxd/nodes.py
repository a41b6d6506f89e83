"""First boot of a member. Pure.

The first one makes the cluster; the others join with a password that is made for this cluster only, over TLS with certificates of
the cluster's CA on both sides. The cluster's own certificate is derived, too, so every member knows it beforehand.
"""

from __future__ import annotations

import json
from importlib import resources

from ... import bootstrap, pki
from ...contracts import ClusterContext, Command, File, MachineSpec, NodeConfig
from .labels import options

NODE_SEED, JOIN = "node-seed", "join"
INNER_PORTS = (8444,)  # where nodes wait for their turn to join
OWN_ADDRESS = "@ADDRESS@"  # known on the node only; its commands put it in
FOLDER = "/etc/jeroboam/lxd"
_POOL = {"name": "default", "driver": "dir"}
_PROFILE = {
    "name": "default",
    "config": {
        "cluster.evacuate": "migrate"
    },  # by itself LXD only stops what hangs on a bridge that it does not manage
    "devices": {
        "root": {"path": "/", "pool": "default", "type": "disk"},
        "eth0": {"name": "eth0", "nictype": "bridged", "parent": "jrbr0", "type": "nic"},
    },
}


def node_config(context: ClusterContext, machine: MachineSpec) -> NodeConfig:
    """Files and commands of one machine."""
    endpoint = context.endpoint
    files = (
        File("/etc/jeroboam/bridge", _bridge(context)),
        File(f"{FOLDER}/server.ca", context.secrets.ca.cert_pem),
        *_pair(context, "server", machine.name, [machine.name, "localhost"]),
        File(f"{FOLDER}/join.json", _join(context, machine), 0o600),
        *bootstrap.proxy_of("lxd", context.cluster.shape),
        *(_founding(context, machine) if machine.first else ()),
    )
    tries = "10" if endpoint.balanced else "0"
    member = _script("found", tries) if machine.first else _script("join")
    commands = (
        Command("bridge", bootstrap.enable_now("jeroboam-bridge", "jeroboam-dhcp"), 60),
        Command("lxd", bootstrap.enable_now("lxd"), 120),
        Command("cluster", member, 600),
        *(_FIRST_ONLY if machine.first else ()),
    )
    return NodeConfig(machine.name, files, commands)


def _bridge(context: ClusterContext) -> bytes:
    network = options(context.cluster.shape.labels).network
    prefix = str(network.network_address).rsplit(".", 2)[0]
    inside = context.endpoint.inside
    return f"PREFIX={prefix}\nENDPOINT={inside.host}\nPORT={inside.port}\n".encode()


def _founding(context: ClusterContext, machine: MachineSpec) -> tuple[File, ...]:
    """What only the first member has: the whole configuration, and the certificate that all members will serve."""
    port = context.endpoint.inside.port
    preseed = {
        "config": {
            "core.https_address": f"{OWN_ADDRESS}:{port}",
            "core.trust_password": context.secrets.tokens[JOIN].reveal().decode(),
            "core.trust_ca_certificates": "true",
            "images.auto_update_interval": "0",
        },
        "storage_pools": [_POOL],
        "profiles": [_PROFILE],
        "cluster": {"server_name": machine.name, "enabled": True},
    }
    return (
        File(f"{FOLDER}/found.json", _json(preseed), 0o600),
        *_cluster_pair(context),
    )


def _join(context: ClusterContext, machine: MachineSpec) -> bytes:
    inside = context.endpoint.inside
    cluster_cert = _cluster_pair(context)[0].content.decode()
    return _json(
        {
            "cluster": {
                "enabled": True,
                "server_name": machine.name,
                "server_address": f"{OWN_ADDRESS}:{inside.port}",
                "cluster_address": str(inside),
                "cluster_certificate": cluster_cert,
                "cluster_password": context.secrets.tokens[JOIN].reveal().decode(),
                "member_config": [{"entity": "storage-pool", "name": "default", "key": "source", "value": ""}],
            }
        }
    )


def _cluster_pair(context: ClusterContext) -> tuple[File, ...]:
    endpoint = context.endpoint
    names = {"localhost", "127.0.0.1", endpoint.inside.host} | ({endpoint.outside.host} if endpoint.outside else set())
    return _pair(context, "cluster", "lxd-cluster", sorted(names))


def _pair(context: ClusterContext, file: str, name: str, addresses: list[str]) -> tuple[File, File]:
    secrets = context.secrets
    cert, key = pki.derived_peer_certificate(secrets.ca, secrets.tokens[NODE_SEED], name, ["lxd-members"], addresses)
    return File(f"{FOLDER}/{file}.crt", cert), File(f"{FOLDER}/{file}.key", key.reveal(), 0o600)


def _json(document: object) -> bytes:
    """YAML, too, which is what `lxd init` reads."""
    return json.dumps(document, indent=1).encode()


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    folder = resources.files(__package__) / "scripts"
    text = folder.joinpath("membership.sh").read_text() + folder.joinpath(f"{name}.sh").read_text()
    return ("bash", "-c", text, name, *arguments)


_FIRST_ONLY = (
    Command("turns", bootstrap.enable_now("jeroboam-join-turn"), 30),
    Command("image", _script("image"), 120),
)

"""The balancer in front of several control-plane nodes: haproxy in a container of the node image. Pure.

The nodes' addresses are fixed by their numbers, so its configuration never changes. Source: HAProxy 2.6 configuration manual.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ...contracts import Address, NetworkSpec
from .labels import CLUSTER, PORT
from .network import CONTROL_PLANE_HOST, ENDPOINT_HOST, Net

CONFIG_PATH = "/etc/jeroboam/balancer.cfg"
_HEAD = """\
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 1s
  timeout check 1s
  timeout client 1h
  timeout server 1h
  timeout tunnel 24h
  retries 2
  option redispatch 1
  default-server check inter 1s fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
"""
_MEMORY = 256 * 1024 * 1024


def control_plane_address(network: Net, index: int) -> str:
    """The address of the control-plane machine of this number; there are at most seven."""
    return str(network[CONTROL_PLANE_HOST + index])


def balancer_file(spec: NetworkSpec, network: Net) -> bytes:
    """What haproxy reads: each port goes to the same port of a node that answers there."""
    addresses = [control_plane_address(network, index) for index in range(spec.control_planes)]
    parts = [_HEAD]
    for port in (spec.endpoint_port, *spec.inner_ports):
        parts.append(f"listen port-{port}\n  bind :{port}\n")
        parts += [f"  server node-{index} {address}:{port}\n" for index, address in enumerate(addresses)]
    return "".join(parts).encode()


def balancer_container(
    cluster_uuid: str, name: str, image: str, network_id: str, network: Net, publish: Address, spec: NetworkSpec
) -> dict[str, Any]:
    """Its container: no more rights than a program that opens ports needs."""
    key = f"{spec.endpoint_port}/{spec.endpoint_protocol}"
    address = str(ipaddress.IPv4Address(network[ENDPOINT_HOST]))
    return {
        "Image": image,
        "Hostname": name,
        "Cmd": ["haproxy", "-db", "-f", CONFIG_PATH],
        "Labels": {CLUSTER: cluster_uuid, PORT: str(publish.port)},
        "ExposedPorts": {key: {}},
        "HostConfig": {
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": _MEMORY,
            "RestartPolicy": {"Name": "unless-stopped"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
            "NetworkMode": network_id,
            "PortBindings": {key: [{"HostIp": publish.host, "HostPort": str(publish.port)}]},
        },
        "NetworkingConfig": {"EndpointsConfig": {network_id: {"IPAMConfig": {"IPv4Address": address}}}},
    }

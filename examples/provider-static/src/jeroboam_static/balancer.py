"""The balancer in front of several control-plane nodes: haproxy on a machine of its own. Pure. Source: HAProxy 2.6 configuration manual."""

from __future__ import annotations

from collections.abc import Mapping

from jeroboam.contracts import Command, File, NetworkSpec, NodeConfig

PROGRAM = "/usr/sbin/haproxy"
_PATH = "/etc/jeroboam/balancer.cfg"
_UNIT = "jeroboam-static-balancer.service"
_HEAD = """\
defaults
  mode tcp
  timeout connect 1s
  timeout check 1s
  timeout client 1h
  timeout server 1h
  option redispatch 1
  default-server check inter 1s fastinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
"""
_SERVICE = f"""\
[Unit]
Description=Balancer of a cluster of Jeroboam
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={PROGRAM} -W -db -f {_PATH}
ExecReload=/bin/kill -USR2 $MAINPID
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def configuration(ports: tuple[int, ...], nodes: Mapping[str, str]) -> bytes:
    """Each port goes to the same port of a node that answers there. `nodes`: addresses by name."""
    parts = [_HEAD]
    for port in ports:
        parts.append(f"listen port-{port}\n  bind :{port}\n")
        parts += [f"  server {name} {address}:{port}\n" for name, address in sorted(nodes.items())]
    return "".join(parts).encode()


def ports_of(spec: NetworkSpec) -> tuple[int, ...]:
    """The API's, and those that the cluster's own nodes need."""
    return (spec.endpoint_port, *spec.inner_ports)


def first_boot(hostname: str, config: bytes) -> NodeConfig:
    """A balancer is a node that runs nothing but haproxy."""
    files = (File(_PATH, config), File(f"/etc/systemd/system/{_UNIT}", _SERVICE.encode()))
    return NodeConfig(hostname, files, (Command("balancer", ("systemctl", "enable", "--now", _UNIT), 60),))

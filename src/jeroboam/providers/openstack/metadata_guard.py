"""Keeps containers from the cloud's metadata service, which shows whoever asks what its node was given as user data. Pure.

The node itself asks it, and so do pods in the node's own network. All others' packets are forwarded, whether through the bridge of
pods, Docker's or LXD's: those are dropped. They are so in a table that none of kube-proxy, flannel and Docker writes to, and after
the translation of addresses, so that no Service leads there either.
Source: iptables(8), mangle; Nova user guide, Metadata service (the address). The IPv6 one is of the link alone: nobody forwards to it.
"""

from __future__ import annotations

from dataclasses import replace

from ... import bootstrap
from ...contracts import Command, File, NodeConfig

_UNIT = "jeroboam-metadata-guard"
_RULE = "FORWARD -d 169.254.169.254/32 -j DROP"
_FILE = f"""\
[Unit]
Description=Keeps containers from the cloud's metadata service
Before=containerd.service docker.service kubelet.service lxd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'iptables -w -t mangle -C {_RULE} 2>/dev/null || exec iptables -w -t mangle -I {_RULE}'

[Install]
WantedBy=multi-user.target
"""


def guarded(config: NodeConfig) -> NodeConfig:
    """The boot with this as its first command, before it starts what runs containers. The unit does it again at each later boot."""
    return replace(
        config,
        files=(*config.files, File(f"/etc/systemd/system/{_UNIT}.service", _FILE.encode())),
        commands=(Command("metadata-guard", bootstrap.enable_now(_UNIT), 60), *config.commands),
    )

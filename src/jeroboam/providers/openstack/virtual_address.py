"""What a control plane needs to hold the cluster's endpoint in turn with others, where no load balancer does: see holder.py. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from ... import bootstrap
from ...contracts import Command, File, NodeConfig
from . import holder

_UNIT = "jeroboam-holder"
_PROGRAM = "/etc/jeroboam/node/holder.py"
_FILE = f"""\
[Unit]
Description=Holds the address of the cluster's API in turn with the other control planes
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/python3 {_PROGRAM}
ExecStopPost=/usr/bin/python3 {_PROGRAM} let-go
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""


def held(config: NodeConfig, address: str, ports: Sequence[int], rank: int, key: bytes) -> NodeConfig:
    """The boot with the holder as its first command. `ports`: at which a control plane answers that may hold the address; `rank`: no two
    have the same; `key`: the cluster's own."""
    settings = {"address": address, "ports": list(ports), "rank": rank, "key": key.hex()}
    own = (
        File(_PROGRAM, files(__package__).joinpath("holder.py").read_bytes()),
        File(holder.SETTINGS, json.dumps(settings).encode(), 0o600),
        File(f"/etc/systemd/system/{_UNIT}.service", _FILE.encode()),
    )
    commands = (Command("virtual-address", bootstrap.enable_now(_UNIT), 60), *config.commands)
    return replace(config, files=(*config.files, *own), commands=commands)

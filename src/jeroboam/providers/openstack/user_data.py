"""User data of a cloud server: how it reports, then its first boot, sealed.

Heat puts the node's way to report between the two, known only when the stack is made. Both are parts of one MIME message: a script
that cloud-init runs first at every boot, and the cloud-config. Source: cloud-init docs, User data formats (mime multi-part, gzip).
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from importlib.resources import files

from ... import bootstrap
from ...contracts import File, NodeConfig
from ...domain.errors import ProviderRefused
from . import windows_data
from .metadata_guard import guarded

NODE = "/etc/jeroboam/node"
SIGNAL_FILE = f"{NODE}/signal.json"
INSTANCE_FILE = f"{NODE}/instance"
SEALED = f"{NODE}/sealed"
CA_FILE = f"{NODE}/cloud-ca.pem"
_AGENT = ("opening", "report")  # modules that run on the node
_UNIT_FILE = "/etc/systemd/system/jeroboam-report.service"
_BOUNDARY = "jeroboam"
_MOST = 65_535  # characters of base64 that Nova takes. Source: Nova API reference, POST /servers, user_data
_LINE = 76  # Source: RFC 2045, 6.8

HEAD = f"""\
Content-Type: multipart/mixed; boundary="{_BOUNDARY}"
MIME-Version: 1.0

--{_BOUNDARY}
Content-Type: text/cloud-boothook; charset="us-ascii"

#cloud-boothook
#!/bin/sh
umask 077
mkdir -p {NODE}
echo "$INSTANCE_ID" >{INSTANCE_FILE}
cat >{SIGNAL_FILE} <<'JEROBOAM'
"""

HEADS = {"linux": HEAD, "windows": windows_data.HEAD}
"""What stands before the signal, by the operating system."""

_MIDDLE = f"""
JEROBOAM

--{_BOUNDARY}
Content-Type: application/gzip
Content-Transfer-Encoding: base64

"""

_UNIT = f"""\
[Unit]
Description=Opens what this node was given, and tells Heat how far its first boot is
ConditionPathExists=!/var/lib/jeroboam/done/all
After=network-online.target
Wants=network-online.target

[Service]
WorkingDirectory={NODE}
ExecStart=/usr/bin/python3 -m agent.opening
StandardOutput=journal+console
Restart=on-abnormal

[Install]
WantedBy=multi-user.target
"""


def render_boot(config: NodeConfig, seal: Callable[[bytes], bytes], ca: bytes = b"") -> str:
    """What follows the head of its system and the signal in a machine's user data. `seal` makes what others may see of the first boot;
    `ca`: certificates by which the node knows the cloud's APIs, PEM.

    Raises ProviderRefused when it is more than a cloud server takes.
    """
    boot = windows_data.render(config, seal, ca) if config.os == "windows" else _mime(config, seal, ca)
    size = (len(HEADS[config.os]) + 2_000 + len(boot)) * 4 // 3  # 2,000: a generous signal
    if size > _MOST:
        raise ProviderRefused(
            f"{config.hostname}: its user data of {size} characters is more than the {_MOST} that Nova takes.",
            hint="Use a node image that holds more of what the node needs, or fewer and shorter files.",
        )
    return boot


def _mime(config: NodeConfig, seal: Callable[[bytes], bytes], ca: bytes) -> str:
    sealed = seal(gzip.compress(bootstrap.render_tar(guarded(config)), mtime=0))
    start = ("systemctl", "enable", "--now", "--no-block", "jeroboam-report.service")
    document = bootstrap.render_cloud_config(config.hostname, _files(sealed, ca), [start])
    text = base64.b64encode(gzip.compress(document, mtime=0)).decode()
    lines = "\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))
    return f"{_MIDDLE}{lines}\n--{_BOUNDARY}--\n"


def _files(sealed: bytes, ca: bytes) -> tuple[File, ...]:
    """The boot, sealed, and what opens it and reports."""
    agent = files(__package__)
    own = (File(f"{NODE}/agent/{name}.py", agent.joinpath(f"{name}.py").read_bytes()) for name in _AGENT)
    trust = (File(CA_FILE, ca),) if ca else ()
    return (File(SEALED, sealed, 0o600), File(_UNIT_FILE, _UNIT.encode()), *own, *trust)

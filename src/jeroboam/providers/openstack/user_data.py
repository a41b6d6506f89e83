"""User data of a cloud server: how it reports, then its first boot, compressed. Pure.

Heat puts the node's way to report between the two, known only when the stack is made. Both are parts of one MIME message: a script
that cloud-init runs first at every boot, and the cloud-config. Source: cloud-init docs, User data formats (mime multi-part, gzip).
"""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from importlib.resources import files

from ... import bootstrap
from ...contracts import Command, File, NodeConfig
from ...domain.errors import ProviderRefused

SIGNAL_FILE = "/etc/jeroboam/node/signal.json"
INSTANCE_FILE = "/etc/jeroboam/node/instance"
REPORT = "/etc/jeroboam/node/report"
CA_FILE = "/etc/jeroboam/node/cloud-ca.pem"
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
mkdir -p /etc/jeroboam/node
echo "$INSTANCE_ID" >{INSTANCE_FILE}
cat >{SIGNAL_FILE} <<'JEROBOAM'
"""

_MIDDLE = f"""
JEROBOAM

--{_BOUNDARY}
Content-Type: application/gzip
Content-Transfer-Encoding: base64

"""

_UNIT = f"""\
[Unit]
Description=Tells Heat how far the first boot of this node is

[Service]
ExecStart=/usr/bin/python3 {REPORT}
"""


def render_boot(config: NodeConfig, ca: bytes = b"") -> str:
    """What follows HEAD and the signal in a machine's user data. `ca`: certificates by which the node knows the cloud's APIs, PEM.

    Raises ProviderRefused when it is more than a cloud server takes.
    """
    packed = gzip.compress(bootstrap.render_cloud_init(_reporting(config, ca)), mtime=0)
    text = base64.b64encode(packed).decode()
    lines = "\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))
    boot = f"{_MIDDLE}{lines}\n--{_BOUNDARY}--\n"
    size = (len(HEAD) + 2_000 + len(boot)) * 4 // 3  # 2,000: a generous signal
    if size > _MOST:
        raise ProviderRefused(
            f"{config.hostname}: its user data of {size} characters is more than the {_MOST} that Nova takes.",
            hint="Use a node image that holds more of what the node needs, or fewer and shorter files.",
        )
    return boot


def _reporting(config: NodeConfig, ca: bytes) -> NodeConfig:
    """The same node, which also reports: before its first command begins."""
    report = files(__package__).joinpath("report.py").read_bytes()
    trust = (File(CA_FILE, ca),) if ca else ()
    return replace(
        config,
        files=(*config.files, File(REPORT, report, 0o700), File(_UNIT_FILE, _UNIT.encode()), *trust),
        commands=(
            Command("report", ("systemctl", "start", "--no-block", "jeroboam-report.service"), timeout_s=60),
            *config.commands,
        ),
    )

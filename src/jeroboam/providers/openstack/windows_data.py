"""User data of a Windows server: one script for cloudbase-init, with how to report and the first boot, sealed, in its first lines. Pure.

Heat puts the node's way to report behind the head. All three are here-strings of PowerShell in single quotes: nothing in them is read but a
line that begins with `'@`, which neither JSON nor base64 nor PEM has.
Source: cloudbase-init docs, Userdata (#ps1_sysnative: the system's own PowerShell, of 64 bits); about_Quoting_Rules.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Callable
from importlib.resources import files

from ... import bootstrap
from ...contracts import NodeConfig

HEAD = "#ps1_sysnative\n$Signal = @'\n"
_LINE = 120
_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)  # what else stands there is not needed


def render(config: NodeConfig, seal: Callable[[bytes], bytes], ca: bytes) -> str:
    """What follows HEAD and the signal."""
    sealed = base64.b64encode(seal(gzip.compress(bootstrap.render_windows(config), mtime=0))).decode()
    lines = "\n".join(sealed[start : start + _LINE] for start in range(0, len(sealed), _LINE))
    script = files(__package__).joinpath("windows/first_boot.ps1").read_text()
    trusted = b"\n".join(_CERTIFICATE.findall(ca)).decode()
    return f"\n'@\n$Sealed = @'\n{lines}\n'@\n$Ca = @'\n{trusted}\n'@\n{script}"

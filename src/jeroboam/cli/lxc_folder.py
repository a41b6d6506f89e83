"""A folder for `LXD_CONF` that makes the lxc client know one cluster. Source: LXD 5.0, lxc/config (config.yml, client.ca, client.crt).

The client has one certificate for all its remotes, and ours is signed by the cluster's CA: hence a folder for each cluster.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import private_file
from .errors import Usage

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclass(frozen=True)
class LxcFolder:
    """One LXD cluster as the lxc client knows it. Raises Usage for a name that it would refuse."""

    name: str
    address: str
    ca_pem: str
    cert_pem: str
    key_pem: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in ("local", "images"):
            raise Usage(
                f"{self.name!r} cannot be the name of a remote of lxc.",
                hint="Choose one with --context: letters, digits, `_`, `.`, `-`.",
            )

    def files(self) -> dict[str, bytes]:
        """What lies in it; config.yml is JSON, which is YAML, too."""
        remote = {"addr": self.address, "auth_type": "tls", "protocol": "lxd", "public": False}
        config = {"default-remote": self.name, "remotes": {self.name: remote}}
        return {
            "client.ca": self.ca_pem.encode(),
            "client.crt": self.cert_pem.encode(),
            "client.key": self.key_pem.encode(),
            "config.yml": json.dumps(config, indent=1).encode() + b"\n",
        }


def place(environ: Mapping[str, str], name: str) -> Path:
    """jeroboam/lxc/NAME under the user's configuration folder."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "jeroboam" / "lxc" / name


def put(target: Path, folder: LxcFolder) -> None:
    """Write or renew it; config.yml last. Other files in it, such as a cookie jar of lxc, stay. Raises Usage."""
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in folder.files().items():
            private_file.replace(target / name, content)
    except OSError as error:
        raise Usage(f"{target} cannot be written: {error.strerror or error}.", hint="Set XDG_CONFIG_HOME.") from None

"""A folder for `LXD_CONF` that makes the lxc client know one cluster. Source: LXD 5.0, lxc/config (config.yml, client.ca, client.crt).

The client has one certificate for all its remotes, and ours is signed by the cluster's CA: hence a folder for each cluster.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from . import private_file
from .errors import Usage

MARK = "jeroboam-cluster"  # a file with the uuid of the cluster that the folder was written for
_CONFIG = "config.yml"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclass(frozen=True)
class LxcFolder:
    """One LXD cluster as the lxc client knows it. Raises Usage for a name that it would refuse."""

    name: str
    address: str
    cluster_uuid: str
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
            _CONFIG: json.dumps(config, indent=1).encode() + b"\n",
        }


def place(environ: Mapping[str, str], name: str) -> Path:
    """jeroboam/lxc/NAME under the user's configuration folder."""
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "jeroboam" / "lxc" / name


def put(target: Path, folder: LxcFolder, *, overwrite: bool = False) -> None:
    """Write or renew it; config.yml last. Other files in it, such as a cookie jar of lxc, stay.

    Raises Usage: the folder is that of another cluster (unless `overwrite`), or it cannot be written.
    """
    try:
        if not overwrite:
            _refuse_foreign(target, folder)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_file.replace(target / MARK, f"{folder.cluster_uuid}\n".encode())
        for name, content in folder.files().items():
            private_file.replace(target / name, content)
    except OSError as error:
        raise Usage(f"{target} cannot be written: {error.strerror or error}.", hint="Set XDG_CONFIG_HOME.") from None


def remove(environ: Mapping[str, str], cluster_uuid: str) -> list[Path]:
    """Remove the folders of a cluster; returns them. One that has come to know other remotes stays. Raises Usage."""
    gone: list[Path] = []
    try:
        for mark in sorted(place(environ, "x").parent.glob(f"*/{MARK}")):
            folder = mark.parent
            if cluster_uuid and mark.read_text().strip() == cluster_uuid and len(_remotes(folder)) <= 1:
                shutil.rmtree(folder)
                gone.append(folder)
    except OSError as error:
        raise Usage(f"{error.filename} cannot be removed: {error.strerror or error}.") from None
    return gone


def _refuse_foreign(target: Path, folder: LxcFolder) -> None:
    """A folder without a mark is of the time before there was one; then the address tells."""
    known = _remotes(target)
    if not known:
        return
    try:
        uuid = (target / MARK).read_text().strip()
    except FileNotFoundError:
        ours, whose = known.get(folder.name) == folder.address, "not known to be this cluster's"
    else:
        ours, whose = uuid == folder.cluster_uuid, f"that of another cluster, {uuid}"
    if not ours:
        raise Usage(
            f"{target} is {whose}.", hint="Choose another name with --context NAME, or replace it with --overwrite."
        )


def _remotes(folder: Path) -> dict[str, str]:
    """Name and address of each remote; of a file that is not readable as such, its name."""
    try:
        found = yaml.safe_load((folder / _CONFIG).read_text())
        return {str(name): str(one.get("addr")) for name, one in found["remotes"].items()}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError):
        return {_CONFIG: ""}

"""A swarm's entry among the contexts of the docker client. Source: docker/cli, cli/context/store (folders by SHA-256 of the name)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import private_file
from .errors import Usage

MARK = "jeroboam"  # key of the metadata that tells our contexts from others
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+")
_META = "meta.json"


@dataclass(frozen=True)
class DockerContext:
    """One swarm as the docker client knows it. Raises Usage for a name that it would refuse."""

    name: str
    host: str
    cluster_uuid: str
    ca_pem: str
    cert_pem: str
    key_pem: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == "default":
            raise Usage(
                f"{self.name!r} cannot be the name of a Docker context.",
                hint="Choose one with --context: two or more letters, digits, `_`, `.`, `+`, `-`.",
            )

    def meta(self) -> bytes:
        """meta.json."""
        metadata = {"Description": f"Swarm {self.name}", MARK: self.cluster_uuid}
        endpoints = {"docker": {"Host": self.host, "SkipTLSVerify": False}}
        return json.dumps({"Name": self.name, "Metadata": metadata, "Endpoints": endpoints}).encode()

    def pems(self) -> dict[str, bytes]:
        """The files of its TLS folder."""
        return {"ca.pem": self.ca_pem.encode(), "cert.pem": self.cert_pem.encode(), "key.pem": self.key_pem.encode()}

    def files(self) -> dict[str, bytes]:
        """What `docker context import` wants in its tar."""
        return {_META: self.meta()} | {f"tls/docker/{name}": pem for name, pem in self.pems().items()}


def home(environ: Mapping[str, str]) -> Path:
    """$DOCKER_CONFIG, else ~/.docker."""
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or os.path.expanduser("~")) / ".docker")


def put(folder: Path, context: DockerContext, *, overwrite: bool = False) -> Path:
    """Add or renew the context; returns its meta.json. Keys first: a context that is there can be used.

    Raises Usage: the name belongs to a context that is not ours (unless `overwrite`), or the folder cannot be written.
    """
    key = hashlib.sha256(context.name.encode()).hexdigest()
    meta, tls = folder / "contexts" / "meta" / key / _META, folder / "contexts" / "tls" / key / "docker"
    try:
        if not overwrite:
            _refuse_foreign(meta, context.name)
        for parent in (meta.parent, tls):
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, pem in context.pems().items():
            private_file.replace(tls / name, pem)
        private_file.replace(meta, context.meta())
    except OSError as error:
        raise Usage(f"{folder} cannot be written: {error.strerror or error}.", hint="Set DOCKER_CONFIG.") from None
    return meta


def _refuse_foreign(meta: Path, name: str) -> None:
    try:
        found = json.loads(meta.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        found = {}
    if not isinstance(found, dict) or MARK not in (found.get("Metadata") or {}):
        raise Usage(
            f"The Docker context {name} is not Jeroboam's.", hint="Choose another with --context, or use --overwrite."
        )

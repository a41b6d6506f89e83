"""A swarm's entry among the contexts of the docker client. Source: docker/cli, cli/context/store (folders by SHA-256 of the name)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

    Raises Usage: the name belongs to a context that is not this cluster's (unless `overwrite`), or the folder cannot be written.
    """
    meta, tls = _places(folder, context.name)
    try:
        if not overwrite:
            _refuse_foreign(meta, context)
        for parent in (meta.parent, tls):
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, pem in context.pems().items():
            private_file.replace(tls / name, pem)
        private_file.replace(meta, context.meta())
    except OSError as error:
        raise Usage(f"{folder} cannot be written: {error.strerror or error}.", hint="Set DOCKER_CONFIG.") from None
    return meta


def remove(folder: Path, cluster_uuid: str) -> list[str]:
    """Remove the contexts of a cluster, and the choice of one of them as the current one; returns their names. Raises Usage."""
    gone: list[str] = []
    try:
        for meta in sorted((folder / "contexts" / "meta").glob(f"*/{_META}")):
            found = _read(meta)
            if not cluster_uuid or _uuid(found) != cluster_uuid:
                continue
            shutil.rmtree(meta.parent)
            shutil.rmtree(folder / "contexts" / "tls" / meta.parent.name, ignore_errors=True)
            gone.append(str(found.get("Name")))
        if gone:
            _unset_current(folder / "config.json", gone)
    except OSError as error:
        raise Usage(f"{error.filename or folder} cannot be removed: {error.strerror or error}.") from None
    return gone


def _places(folder: Path, name: str) -> tuple[Path, Path]:
    """meta.json of a context, and the folder of its keys."""
    key = hashlib.sha256(name.encode()).hexdigest()
    return folder / "contexts" / "meta" / key / _META, folder / "contexts" / "tls" / key / "docker"


def _refuse_foreign(meta: Path, context: DockerContext) -> None:
    if not meta.exists():
        return
    uuid, hint = _uuid(_read(meta)), "Choose another name with --context NAME, or replace it with --overwrite."
    if uuid is None:
        raise Usage(f"The Docker context {context.name} is not Jeroboam's.", hint=hint)
    if uuid != context.cluster_uuid:
        raise Usage(f"The Docker context {context.name} is that of another cluster, {uuid}.", hint=hint)


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        found = None
    return found if isinstance(found, dict) else {}


def _uuid(meta: dict[str, Any]) -> str | None:
    """Of the cluster that we wrote the context for; None: it is not ours."""
    metadata = meta.get("Metadata")
    return str(metadata[MARK]) if isinstance(metadata, dict) and MARK in metadata else None


def _unset_current(config: Path, gone: list[str]) -> None:
    """A current context that is gone would make every command of the client fail."""
    settings = _read(config)
    if settings.get("currentContext") in gone:
        del settings["currentContext"]
        private_file.replace(config, json.dumps(settings, indent="\t").encode())

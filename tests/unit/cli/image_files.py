"""Archives of container images in small, as `docker save` and other tools write them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LAYER = b"a layer"


def write(path: Path, members: Mapping[str, bytes], mode: str = "w") -> Path:
    """A tar with these members."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def config(architecture: str = "amd64", note: str = "") -> tuple[bytes, str]:
    """An image's configuration and the hexadecimal digits of its digest."""
    content = json.dumps({"architecture": architecture, "os": "linux", "note": note}).encode()
    return content, hashlib.sha256(content).hexdigest()


def docker_archive(path: Path, *names: str, architecture: str = "amd64", mode: str = "w") -> Path:
    """One image under these names, as Docker 20.10 writes it."""
    content, digest = config(architecture)
    entry: dict[str, Any] = {"Config": f"{digest}.json", "RepoTags": list(names) or None, "Layers": ["1f/layer.tar"]}
    members = {"1f/layer.tar": LAYER, f"{digest}.json": content, "manifest.json": json.dumps([entry]).encode()}
    return write(path, members, mode)


def oci_archive(path: Path, annotations: Mapping[str, str] | None = None, platforms: tuple[str, ...] = ()) -> Path:
    """One image; with `platforms`, an index with an image for each of these architectures."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def manifest(architecture: str) -> dict[str, Any]:
        content = {"config": blob(config(architecture)[0]), "layers": [blob(LAYER), blob(LAYER)]}
        return blob(json.dumps(content).encode())

    top = manifest("amd64")
    if platforms:
        listed = [manifest(one) | {"platform": {"os": "linux", "architecture": one}} for one in platforms]
        listed.append(manifest("unknown") | {"platform": {"os": "unknown", "architecture": "unknown"}})
        top = blob(json.dumps({"manifests": listed}).encode())
    index = {"manifests": [top | {"annotations": dict(annotations or {})}]}
    return write(path, {"oci-layout": b"{}", "index.json": json.dumps(index).encode(), **blobs})

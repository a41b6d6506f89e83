"""An OCI image as one archive: an image layout that `docker load` of any age takes, too.

Source: OCI image specification 1.1 (image-layout.md, config.md, annotations.md); Docker image specification 1.2
(manifest.json of `docker save`).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .layer import Layer

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def write_archive(path: Path, reference: str, config: Mapping[str, object], layer: Layer) -> str:
    """Returns the image's digest ("sha256:..."). `config` is the image configuration without its rootfs."""
    full = {**config, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.sha256}"]}}
    blobs: dict[str, bytes] = {}
    described = _keep(blobs, _CONFIG, full)
    below = {"mediaType": _LAYER, "digest": f"sha256:{layer.sha256}", "size": layer.size}
    manifest = _keep(
        blobs, _MANIFEST, {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": [below]}
    )
    index = {"schemaVersion": 2, "manifests": [{**manifest, "annotations": _named(reference)}]}
    docker = [
        {
            "Config": _blob(str(described["digest"])),
            "RepoTags": [reference],
            "Layers": [_blob(f"sha256:{layer.sha256}")],
        }
    ]
    with tarfile.open(path, "x") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json(index))
        _add(tar, "manifest.json", _json(docker))
        for digest, content in blobs.items():
            _add(tar, _blob(digest), content)
        info = tarfile.TarInfo(_blob(f"sha256:{layer.sha256}"))
        info.size = layer.size
        with layer.path.open("rb") as file:
            tar.addfile(info, file)
    return str(manifest["digest"])


def _keep(blobs: dict[str, bytes], media_type: str, value: object) -> dict[str, object]:
    content = _json(value)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blobs[digest] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _named(reference: str) -> dict[str, str]:
    """containerd reads the first, other tools the second, in which the specification wants the tag alone."""
    return {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference.rpartition(":")[2]}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))

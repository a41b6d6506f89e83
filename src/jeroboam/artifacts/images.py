"""Container images of one layer as archives that `ctr images import` takes. Same input, same bytes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .catalogue import ContainerImage

_EPOCH = "2026-01-01T00:00:00Z"


def write_archive(path: Path, images: Mapping[str, tuple[ContainerImage, Path]], arch: str) -> None:
    """One archive with all images; each value is the image and the tar of its layer. Source: Docker image spec v1.2 (docker save)."""
    manifest = []
    with tarfile.open(path, "w") as archive:
        for name, (image, layer) in images.items():
            with layer.open("rb") as file:
                layer_id = hashlib.file_digest(file, "sha256").hexdigest()
            config = json.dumps(_config(image, layer_id, arch), sort_keys=True).encode()
            config_name = hashlib.sha256(config).hexdigest() + ".json"
            _add(archive, config_name, config)
            archive.add(layer, f"{layer_id}.tar", filter=_plain)
            manifest.append({"Config": config_name, "RepoTags": [name], "Layers": [f"{layer_id}.tar"]})
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def write_layer(path: Path, image: ContainerImage, binaries: Mapping[str, Path], iptables: Path | None) -> None:
    """The tar of an image's files: its binaries, and iptables with its libraries where it needs them."""
    with tarfile.open(path, "w") as layer:
        if image.iptables and iptables is not None:
            with tarfile.open(iptables) as extra:
                for member in extra:
                    layer.addfile(member, extra.extractfile(member) if member.isreg() else None)
        for folder in ("tmp", "run", "etc"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(info)
        for name in image.binaries:
            target = f"{image.prefix}/{name}" if image.prefix else name
            layer.add(binaries[name], target, filter=_program)


def _config(image: ContainerImage, layer_id: str, arch: str) -> dict[str, object]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"
    config: dict[str, object] = {"Env": [f"PATH={path}"], "WorkingDir": "/"}
    if image.entrypoint:
        config["Entrypoint"] = [image.entrypoint]
    return {
        "architecture": arch,
        "os": "linux",
        "created": _EPOCH,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_id}"]},
        "history": [{"created": _EPOCH, "created_by": "jeroboam"}],
    }


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


def _program(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode = 0o755
    return _plain(info)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))

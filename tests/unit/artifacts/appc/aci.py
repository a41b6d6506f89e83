"""ACI files for tests: a manifest that can be changed, and whatever tar entries a test wants."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MANIFEST: dict[str, Any] = {
    "acKind": "ImageManifest",
    "acVersion": "0.8.11",
    "name": "example.com/reduce-worker",
    "labels": [
        {"name": "version", "value": "1.0.0"},
        {"name": "os", "value": "linux"},
        {"name": "arch", "value": "amd64"},
    ],
    "app": {"exec": ["/bin/tool", "--quiet"], "user": "100", "group": "300"},
}


def member(name: str, content: bytes | None = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes | None]:
    """A file; a folder when there is no content; whatever `fields` make of it."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    info.mode = 0o755
    info.size = len(content or b"")
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def tool() -> list[tuple[tarfile.TarInfo, bytes | None]]:
    return [member("rootfs", None), member("rootfs/bin", None), member("rootfs/bin/tool", b"program")]


def packed(members: Iterable[tuple[tarfile.TarInfo, bytes | None]], manifest: dict[str, Any] | None = None) -> bytes:
    """The tar, with the manifest in front."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in [
            member("manifest", json.dumps(MANIFEST if manifest is None else manifest).encode()),
            *members,
        ]:
            tar.addfile(info, io.BytesIO(content) if content is not None else None)
    return buffer.getvalue()


def written(path: Path, manifest: dict[str, Any] | None = None, members: Iterable[Any] | None = None) -> Path:
    path.write_bytes(packed(tool() if members is None else members, manifest))
    return path


def changed(app: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The manifest with these fields; `app` holds fields of its app."""
    return {**MANIFEST, "app": {**MANIFEST["app"], **(app or {})}, **fields}

"""What a node boots with as a tar; files and commands as cloud-init user data (cloud servers)."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterable, Sequence

import yaml

from ..contracts import File, NodeConfig
from .script import RUN, render_run


def render_tar(config: NodeConfig) -> bytes:
    """A tar of absolute files owned by root, to be unpacked at / before the first start. Same input, same bytes."""
    return tar_of(_all_files(config))


def tar_of(files: Iterable[File]) -> bytes:
    """Files in the order of their paths, which lose a leading slash. Same input, same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(files, key=lambda f: f.path):
            info = tarfile.TarInfo(file.path.lstrip("/"))
            info.size, info.mode, info.mtime = len(file.content), file.mode, 0
            tar.addfile(info, io.BytesIO(file.content))
    return buffer.getvalue()


def render_cloud_config(hostname: str, files: Iterable[File], commands: Sequence[Sequence[str]]) -> bytes:
    """#cloud-config that names a server, writes files and runs commands. Source: cloud-init docs, modules write_files and runcmd."""
    document = {
        "hostname": hostname,
        "preserve_hostname": False,
        "write_files": [
            {
                "path": file.path,
                "permissions": f"{file.mode:04o}",
                "owner": "root:root",
                "encoding": "b64",
                "content": base64.b64encode(file.content).decode(),
            }
            for file in sorted(files, key=lambda f: f.path)
        ],
        "runcmd": [list(command) for command in commands],
    }
    return b"#cloud-config\n" + yaml.safe_dump(document, sort_keys=False, width=1_000_000).encode()


def _all_files(config: NodeConfig) -> list[File]:
    return [*config.files, File(RUN, render_run(config).encode(), 0o700)]

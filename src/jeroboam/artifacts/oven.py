"""A container in which a node image is made: started from a base, filled, committed. What a killed bake left behind is removed first."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib import resources
from pathlib import Path

from ..domain.errors import ArtifactUnavailable
from .docker import docker

LABEL = "jeroboam.node-image"
_CONTAINER = "jeroboam-bake-"
# What no container needs at its boot; systemd is `running` sooner without.
MASKED = (
    "systemd-udevd.service",
    "systemd-udevd-kernel.socket",
    "systemd-udevd-control.socket",
    "systemd-udev-trigger.service",
    "getty.target",
    "console-getty.service",
    "systemd-logind.service",
    "systemd-timesyncd.service",
    "systemd-modules-load.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-kernel-config.mount",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "e2scrub_reap.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "proc-sys-fs-binfmt_misc.automount",
)


class Oven:
    """One such container."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def unpack(self, tree: bytes) -> None:
        """A tar, unpacked at /."""
        await docker("cp", "-", f"{self.name}:/", timeout_s=300, stdin=tree)

    async def copy_in(self, path: Path, target: str) -> None:
        """A file of this machine."""
        await docker("cp", str(path), f"{self.name}:{target}", timeout_s=600)

    async def copy_out(self, source: str, path: Path) -> None:
        """A file to this machine."""
        await docker("cp", f"{self.name}:{source}", str(path))

    async def run(self, script: str) -> str:
        """A shell script inside; its output."""
        return await docker("exec", "-i", self.name, "sh", "-s", timeout_s=600, stdin=script.encode())

    async def commit(self, tag: str, labels: Mapping[str, str]) -> None:
        """Keep what it holds as an image that boots a node."""
        changes = [f"LABEL {key}={json.dumps(value)}" for key, value in {LABEL: "1", **labels}.items()]
        changes += ['CMD ["/usr/local/sbin/jeroboam-init"]', "ENV container=docker"]
        options = [word for change in changes for word in ("--change", change)]
        await docker("commit", *options, self.name, tag, timeout_s=600)


@asynccontextmanager
async def open_oven(recipe: str, base: str, tree: bytes) -> AsyncIterator[Oven]:
    """The container of a recipe, running, with `tree` unpacked; gone afterwards."""
    await _forget_abandoned()
    oven = Oven(_CONTAINER + recipe[:12])
    await _forget(oven.name)
    options = ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN"]
    options += ["--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "-v", f"{oven.name}:/bake"]
    try:
        await docker("create", "--name", oven.name, *options, base, "sleep", "3600")
        await oven.unpack(tree)
        await docker("start", oven.name)
        yield oven
    finally:
        await _forget(oven.name)


def file(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    """Add a file to a tree."""
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def node_files(folder: str) -> dict[str, Path]:
    """The files of a tree of `node/`, by path inside the image."""
    root = Path(str(resources.files(__package__))) / "node" / folder
    return {str(path.relative_to(root)): path for path in sorted(p for p in root.rglob("*") if p.is_file())}


def mode_of(path: Path) -> int:
    """Programs stay programs; nothing else of a checkout's modes counts."""
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


async def _forget_abandoned() -> None:
    """Containers of bakes that were killed end by themselves (they sleep for an hour) and are removed here."""
    filters = ["--filter", f"name=^{_CONTAINER}", "--filter", "status=exited"]
    for name in (await docker("ps", "-a", "--format", "{{.Names}}", *filters, timeout_s=60)).split():
        await _forget(name)


async def _forget(name: str) -> None:
    for argv in (["rm", "-f", "-v", name], ["volume", "rm", "-f", name]):
        with suppress(ArtifactUnavailable):  # not there is what is wanted
            await docker(*argv)

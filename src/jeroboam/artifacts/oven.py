"""A container in which a node image is made: started from a base, filled, committed. What a killed bake left behind is removed first."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import ArtifactUnavailable
from .cache import Cache
from .docker import docker
from .process import stream

LABEL = "jeroboam.node-image"
_CONTAINER = "jeroboam-bake-"
_BENCH = "-bench"
_SLEEPS_S = 3600  # a bake's longest; what was killed takes no room for longer
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
    """One such container, of an image."""

    def __init__(self, name: str, image: str = "") -> None:
        self.name = name
        self.image = image

    async def unpack(self, tree: bytes) -> None:
        """A tar, unpacked at /."""
        await docker("cp", "-", f"{self.name}:/", timeout_s=300, stdin=tree)

    async def copy_in(self, path: Path, target: str) -> None:
        """A file of this machine."""
        await docker("cp", str(path), f"{self.name}:{target}", timeout_s=600)

    async def copy_out(self, source: str, path: Path) -> None:
        """A file to this machine."""
        await docker("cp", f"{self.name}:{source}", str(path))

    async def read(self, source: str, sink: Callable[[bytes], None]) -> None:
        """A file's bytes, in order."""
        await stream(["docker", "exec", self.name, "cat", source], sink, timeout_s=600)

    async def run(self, script: str, *words: str, timeout_s: float = 600) -> str:
        """A shell script inside, with these parameters; its output."""
        argv = ["exec", "-i", self.name, "sh", "-s", *(["-", *words] if words else [])]
        return await docker(*argv, timeout_s=timeout_s, stdin=script.encode())

    async def commit(self, tag: str, labels: Mapping[str, str]) -> None:
        """Keep what it holds as an image that boots a node."""
        changes = [f"LABEL {key}={json.dumps(value)}" for key, value in {LABEL: "1", **labels}.items()]
        changes += ['CMD ["/usr/local/sbin/jeroboam-init"]', "ENV container=docker"]
        options = [word for change in changes for word in ("--change", change)]
        await docker("commit", *options, self.name, tag, timeout_s=600)


# What becomes of a filled oven, and what is to be known of it.
Keep = Callable[[Oven, Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True)
class Form:
    """What a node image needs beside its container tool, by what its nodes are: packages, trees of `node/`, and its last script."""

    name: str
    finish: str
    packages: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()

    def files(self) -> dict[str, Path]:
        """By path inside the image."""
        return {name: path for tree in self.trees for name, path in node_files(tree).items()}

    def fingerprint(self) -> str:
        """All of it that goes into an image; nothing for a form that adds nothing to a recipe."""
        text = repr((self.finish, self.packages)) if self.trees else ""
        return text + "".join(
            f"{name}{path.stat().st_mode & 0o111}{path.read_text()}" for name, path in self.files().items()
        )


DOCKER = Form("docker", f"systemctl mask {' '.join(MASKED)}")


@asynccontextmanager
async def bake_alone(cache: Cache, recipe: str, progress: Progress, what: str) -> AsyncIterator[Path]:
    """An empty work folder, for one bake of a recipe at a time. All that a bake has is named by the recipe of what is inside, whatever
    it is kept as: of one recipe come a disk and its compressed form, and of one version many recipes."""
    async with cache.lock(f"bake-{recipe}", progress, what=what):
        with cache.work(f"bake-{recipe}") as work:
            yield work


@asynccontextmanager
async def open_oven(work: Path, base: str, tree: bytes) -> AsyncIterator[Oven]:
    """The container of the bake that works in this folder, running, with `tree` unpacked and a volume at /bake; gone afterwards.
    Another cache's bake of the same recipe, which no lock of ours holds back, has another folder, and so another container."""
    name = _name(work)
    await _forget(name + _BENCH)  # of a bake that was killed: it would hold the volume
    options = ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN"]
    options += ["--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "-v", f"{name}:/bake"]
    async with _container(name, options, base) as oven:
        await oven.unpack(tree)
        await docker("start", oven.name)
        yield oven


def _name(work: Path) -> str:
    return _CONTAINER + hashlib.sha256(str(work.absolute()).encode()).hexdigest()[:12]


@asynccontextmanager
async def open_bench(oven: Oven, tools: str) -> AsyncIterator[Oven]:
    """A container of the image `tools` without a network, running, with the oven's /bake; gone afterwards."""
    async with _container(oven.name + _BENCH, [f"--volumes-from={oven.name}", "--network=none"], tools) as bench:
        await docker("start", bench.name)
        yield bench


@asynccontextmanager
async def _container(name: str, options: Sequence[str], image: str) -> AsyncIterator[Oven]:
    await _forget_abandoned()
    await _forget(name)
    try:
        await docker("create", "--name", name, *options, image, "sleep", str(_SLEEPS_S))
        yield Oven(name, image)
    finally:
        await _forget(name)


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
    """Containers of bakes that were killed end by themselves (they sleep for an hour) and are removed here, as are those that never
    started. Then the volumes that nobody holds: one whose oven went before its bench could not go with it."""
    for name in await _in_state("exited"):
        await _forget(name)
    for name in await _in_state("created"):
        with suppress(ArtifactUnavailable):  # gone, or started, meanwhile
            made = datetime.fromisoformat((await docker("inspect", "-f", "{{.Created}}", name)).strip())
            if datetime.now(UTC) - made > timedelta(seconds=_SLEEPS_S):
                await _forget(name)
    unused = ["--filter", f"name={_CONTAINER}", "--filter", "dangling=true"]
    for volume in (await docker("volume", "ls", "-q", *unused, timeout_s=60)).split():
        if volume.startswith(_CONTAINER):  # the filter looks for it anywhere in the name
            await _forget(volume)


async def _in_state(state: str) -> list[str]:
    filters = ["--filter", f"name=^{_CONTAINER}", "--filter", f"status={state}"]
    return (await docker("ps", "-a", "--format", "{{.Names}}", *filters, timeout_s=60)).split()


async def _forget(name: str) -> None:
    for argv in (["rm", "-f", "-v", name], ["volume", "rm", "-f", name]):
        with suppress(ArtifactUnavailable):  # not there is what is wanted
            await docker(*argv)

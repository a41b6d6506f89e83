"""What this host and its Docker daemon can do, found out by trying, with the cure for what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...domain.errors import HostUnsupported, JeroboamError, ProviderUnavailable
from .daemon import Daemon, Missing, Taken
from .engine import MENDED, may_lock_up
from .kernel import kernel_features
from .labels import NODE_IMAGE
from .limits import INOTIFY, limit
from .trial import trial

_MIN_DISK_GIB = 10
_MIN_RAM_GIB = 3
_OF_THE_KERNEL = (
    ("ip_vs", "swarm routing mesh", "without it publish ports in host mode, as `jeroboam run` does."),
    ("esp4", "swarm encrypted overlay", "without it overlay networks are not encrypted."),
    ("wireguard", "flannel over wireguard", "without it take the backend vxlan or host-gw."),
)
_FILESYSTEMS = ("overlay", "tmpfs", "cgroup")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor. `level` is ok, warn (works, with a limit) or fail (clusters cannot be made)."""

    name: str
    level: str
    value: str
    cure: str = ""


async def inspect_host(url: str) -> list[Finding]:
    """Everything worth knowing before a cluster is made here. Changes nothing, but for a container that lives a second."""
    daemon = Daemon(url)
    try:
        try:
            info = await daemon.start()
        except HostUnsupported as error:
            return [Finding("docker", "fail", error.message, error.hint), *_host_findings(None)]
        return [
            Finding("docker", "ok", f"{info['ServerVersion']} at {url}"),
            *_engine(str(info["ServerVersion"])),
            Finding("cgroup", "ok", f"version {info.get('CgroupVersion', '1')}, driver {info.get('CgroupDriver')}"),
            *_memory(info),
            *_daemon_findings(info),
            *(await _image_findings(daemon)),
            *_host_findings(info.get("DockerRootDir")),
        ]
    except ProviderUnavailable as error:
        return [Finding("docker", "fail", error.message, "Restart the Docker daemon and try again.")]
    finally:
        await daemon.stop()


async def extra_capabilities(daemon: Daemon, image: str) -> tuple[str, ...]:
    """SYS_RESOURCE where the daemon can give it: a container that only ends is started with it."""
    config = {
        "Image": image,
        "Entrypoint": ["/bin/true"],
        "Cmd": [],
        "NetworkDisabled": True,
        "HostConfig": {"CapAdd": ["SYS_RESOURCE"], "NetworkMode": "none"},
    }
    try:
        async with trial(daemon, config):
            return ("SYS_RESOURCE",)
    except (JeroboamError, Taken, Missing):
        return ()


async def _image_findings(daemon: Daemon) -> list[Finding]:
    images = await daemon.images(f"{NODE_IMAGE}=1")
    tags = sorted(tag for one in images for tag in one["RepoTags"] or [] if ":<" not in tag)
    if not tags:
        cure = "jeroboam image build"
        return [
            Finding("node images", "warn", "none yet", cure),
            Finding("capabilities", "warn", "not tried: no image", cure),
        ]
    extra = await extra_capabilities(daemon, images[0]["Id"])
    full = (
        Finding("capabilities", "ok", "all")
        if extra
        else Finding("capabilities", "ok", "all but SYS_RESOURCE: nodes do without")
    )
    kernel = _kernel_findings(await kernel_features(daemon, images[0]["Id"]))
    return [Finding("node images", "ok", ", ".join(tags)), full, *kernel]


def _engine(version: str) -> Iterator[Finding]:
    """A note, no warning: we step around the fault."""
    if may_lock_up(version):
        value = "may lock up when containers of one network end side by side; nodes are ended one by one"
        yield Finding("docker engine", "ok", value, f"Docker {'.'.join(map(str, MENDED))} or newer has no such fault.")


def _kernel_findings(can: dict[str, bool]) -> Iterator[Finding]:
    """What some clusters ask for; there is a way without each."""
    for feature, called, instead in _OF_THE_KERNEL:
        if can.get(feature, False):
            yield Finding(called, "ok", f"{feature} is there")
        else:
            value = f"the kernel has no {feature}" if feature in can else "not tried: the probe did not run"
            yield Finding(called, "warn", value, f"modprobe {feature}, if there is such a module; {instead}")


def _memory(info: dict[str, Any]) -> Iterator[Finding]:
    gib = int(info.get("MemTotal") or 0) / 2**30
    value = f"{gib:.1f} GiB, {info.get('NCPU')} CPUs"
    if gib < _MIN_RAM_GIB:
        yield Finding("memory", "warn", value, f"A cluster of 1+2 nodes takes about {_MIN_RAM_GIB} GiB.")
    else:
        yield Finding("memory", "ok", value)


def _daemon_findings(info: dict[str, Any]) -> Iterator[Finding]:
    if info.get("Driver") in ("overlay2", "overlayfs"):
        yield Finding("storage driver", "ok", str(info["Driver"]))
    else:
        yield Finding(
            "storage driver",
            "warn",
            str(info.get("Driver")),
            "Use overlay2: node images are linked, not copied, there.",
        )
    if not info.get("MemoryLimit", True):
        yield Finding("limits", "warn", "no memory limits", "Flavors are not enforced; enable the memory cgroup.")
    rootless = any("rootless" in str(option) for option in info.get("SecurityOptions") or [])
    if rootless:
        yield Finding("rootless", "fail", "rootless daemon", "Kubernetes nodes need a daemon that runs as root.")


def _host_findings(root_dir: str | None) -> Iterator[Finding]:
    """What can be read on this machine; meaningful where the daemon is on it too."""
    known = Path("/proc/filesystems")
    if not known.exists():
        return
    missing = [
        name for name in _FILESYSTEMS if not any(line.split()[-1:] == [name] for line in known.read_text().splitlines())
    ]
    cure = f"modprobe {' '.join(missing)}" if missing else ""
    yield Finding(
        "kernel", "warn" if missing else "ok", f"{os.uname().release}, missing: {', '.join(missing) or 'nothing'}", cure
    )
    yield from _bridge()
    yield from _inotify()
    yield _disk(Path(root_dir) if root_dir and Path(root_dir).exists() else Path("/"))


def _bridge() -> Iterator[Finding]:
    if Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        yield Finding("bridge netfilter", "ok", "there")
    else:
        yield Finding(
            "bridge netfilter",
            "warn",
            "not loaded",
            "modprobe br_netfilter (Services between pods of one node need it)",
        )


def _inotify() -> Iterator[Finding]:
    for name, least in INOTIFY.items():
        value = limit(name)
        if value is None:
            continue
        cure = f"sysctl -w fs.inotify.{name}={least} (the service does it where it may: [docker] raise_limits)"
        yield Finding(f"inotify {name}", "ok" if value >= least else "warn", str(value), "" if value >= least else cure)


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free / 2**30
    if free < _MIN_DISK_GIB:
        return Finding(
            "disk",
            "warn",
            f"{free:.1f} GiB free at {path}",
            f"Have {_MIN_DISK_GIB} GiB free: image, build and nodes take them.",
        )
    return Finding("disk", "ok", f"{free:.1f} GiB free at {path}")

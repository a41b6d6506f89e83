"""The Debian under every node: systemd, containerd, runc, iptables, CNI plugins; made by mmdebstrap, without any image registry."""

from __future__ import annotations

import hashlib
import os
import shutil

from ..contracts import Progress
from ..domain.errors import HostUnsupported
from .cache import Cache
from .process import run

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "containerd",
    "runc",
    "iptables",
    "iproute2",
    "conntrack",
    "ethtool",
    "socat",
    "kmod",
    "mount",
    "util-linux",
    "containernetworking-plugins",
    "ca-certificates",
    "procps",
)
SUITE = "bookworm"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")


def base_tag() -> str:
    """The tag of the base image; another list of packages is another tag."""
    return "jeroboam/base:" + hashlib.sha256(repr((SUITE, PACKAGES, _LEFT_OUT)).encode()).hexdigest()[:12]


async def ensure_base(cache: Cache, progress: Progress) -> str:
    """Make the base image unless Docker has it. Raises HostUnsupported where it cannot be made."""
    tag = base_tag()
    if await run(["docker", "images", "-q", tag], timeout_s=60):
        return tag
    if os.geteuid() != 0:
        raise HostUnsupported(
            "The base image is made by mmdebstrap, which needs root.", hint="Run as root on Debian or Ubuntu."
        )
    if shutil.which("mmdebstrap") is None:
        raise HostUnsupported("mmdebstrap is not installed.", hint="apt-get install mmdebstrap")
    task = f"debian {SUITE}"
    progress.start(task)
    progress.advance(task, 0, note=f"{len(PACKAGES)} packages and what they need")
    tar = cache.work("base") / "base.tar"
    options = [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    argv = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}", *options]
    try:
        await run([*argv, SUITE, str(tar)], timeout_s=1200)
        await run(["docker", "import", str(tar), tag], timeout_s=300)
    finally:
        tar.unlink(missing_ok=True)
        progress.finish(task)
    return tag

"""The Debian under every node: systemd, containerd, runc, iptables, CNI plugins; made by mmdebstrap,
without any image registry, or, where mmdebstrap cannot be used, from a registry's Debian. Both end in the same tag."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..contracts import Progress
from ..domain.errors import ArtifactUnavailable, DeadlineExceeded, HostUnsupported
from .cache import Cache
from .catalogue import Newer
from .docker import docker
from .process import run
from .task import under_way

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
REGISTRY_IMAGE = f"debian:{SUITE}-slim"
_CONTAINER = "jeroboam-base-"
# Run with the root of the tree: the newer suite is had from wherever apt was told to get the base's, under the same keys.
_SUITE_BESIDE = """set -e
for file in "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*; do
  [ ! -f "$file" ] || sed 's/{suite}/{newer}/g' "$file" >"$1/etc/apt/sources.list.d/{newer}-${{file##*/}}"
done
cat >"$1/etc/apt/preferences.d/{newer}" <<'END'
Package: *
Pin: release n={newer}*
Pin-Priority: 100

Package: {packages}
Pin: release n={newer}*
Pin-Priority: 990
END
"""
_APT = """
set -e
export DEBIAN_FRONTEND=noninteractive
cat >/etc/dpkg/dpkg.cfg.d/jeroboam <<END
{excludes}
END
{apt}apt-get update -q
apt-get install -y -q --no-install-recommends {packages}
apt-get clean
rm -rf {left_out} /var/lib/apt/lists/* /usr/sbin/policy-rc.d /.dockerenv
"""


def base_tag(more: Sequence[str] = (), newer: Newer | None = None, least: Sequence[str] = PACKAGES) -> str:
    """The tag of the base image with `more` packages than the `least`; another list of packages is another tag."""
    made_of: tuple[object, ...] = (SUITE, (*least, *more), _LEFT_OUT)
    if newer:
        made_of += (newer.packages, suite_beside(newer))
    return "jeroboam/base:" + hashlib.sha256(repr(made_of).encode()).hexdigest()[:12]


def suite_beside(newer: Newer | None) -> str:
    """What makes apt take these packages, and no other, from their newer suite; a shell's text, "" for none."""
    return _SUITE_BESIDE.format(suite=SUITE, newer=newer.suite, packages=" ".join(newer.packages)) if newer else ""


async def ensure_base(
    cache: Cache,
    progress: Progress,
    more: Sequence[str] = (),
    newer: Newer | None = None,
    least: Sequence[str] = PACKAGES,
) -> str:
    """Make the base image unless Docker has it: by mmdebstrap where we may, else from the Debian image of a registry.
    Raises HostUnsupported naming what is missing for either way."""
    tag = base_tag(more, newer, least)
    packages = tuple(dict.fromkeys((*least, *more, *(newer.packages if newer else ()))))
    async with cache.lock("base", progress):
        if not await docker("images", "-q", tag, timeout_s=60):
            await _make(tag, packages, suite_beside(newer), cache, progress)
    return tag


async def _make(tag: str, packages: Sequence[str], apt: str, cache: Cache, progress: Progress) -> None:
    task = f"debian {SUITE}"
    with under_way(progress, task), cache.work("base") as work:
        progress.advance(task, 0, note=f"{len(packages)} packages and what they need")
        tar, obstacle = work / "base.tar", bootstrap_obstacle()
        if obstacle:
            await from_registry(tar, obstacle, packages=packages, apt=apt)
        else:
            await _from_packages(tar, packages, apt)
        await docker("import", str(tar), tag, timeout_s=300)


def bootstrap_obstacle() -> str:
    """Why mmdebstrap cannot be used here; empty when it can."""
    if shutil.which("mmdebstrap") is None:
        return "mmdebstrap is not installed"
    return "" if os.geteuid() == 0 else "mmdebstrap needs root"


async def _from_packages(tar: Path, packages: Sequence[str], apt: str) -> None:
    options = [f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT]
    if apt:
        (kept := tar.parent / "suite-beside").write_text(apt)
        options.append(f'--setup-hook=sh {shlex.quote(str(kept))} "$1"')
    argv = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}", *options]
    await run([*argv, SUITE, str(tar)], timeout_s=1200)


async def from_registry(
    tar: Path,
    obstacle: str,
    image: str = REGISTRY_IMAGE,
    packages: Sequence[str] = PACKAGES,
    apt: str = "",
) -> None:
    """The same file tree from a registry's Debian and apt. Uses the host's network, since that is where its proxy is known."""
    try:
        if not await docker("images", "-q", image, timeout_s=60):
            await docker("pull", "-q", image, timeout_s=300)
    except (ArtifactUnavailable, DeadlineExceeded) as error:
        raise HostUnsupported(
            f"The base image needs mmdebstrap or an image registry: {obstacle}, and {image} cannot be pulled ({error.message}).",
            hint="As root on Debian or Ubuntu: apt-get install mmdebstrap",
        ) from error
    name = _CONTAINER + hashlib.sha256(repr(tuple(packages)).encode()).hexdigest()[:12]
    proxies = [f"--env={key}" for key in ("http_proxy", "https_proxy", "no_proxy") if key in os.environ]
    await docker("rm", "-f", "-v", name)
    try:
        excludes = "\n".join(f"path-exclude {path}" for path in _LEFT_OUT)
        beside = f"set -- ''\n{apt}" if apt else ""
        script = _APT.format(excludes=excludes, apt=beside, packages=" ".join(packages), left_out=" ".join(_LEFT_OUT))
        options = ["-i", "--name", name, "--network=host", *proxies]
        await docker("run", *options, image, "sh", "-s", timeout_s=1200, stdin=script.encode())
        await docker("export", "-o", str(tar), name, timeout_s=300)
    finally:
        await docker("rm", "-f", "-v", name)

"""Node images whose container tool is the distribution's own: Docker Engine for Swarm, LXD. Nothing is compiled but the demo's program."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import ArtifactUnavailable, NotFound
from . import images
from .base import base_tag, ensure_base
from .cache import Cache, default_cache
from .catalogue import ContainerImage, Newer, catalogue
from .docker import docker
from .held import NodeImage, drop_replaced, find_node_image, list_node_images
from .node_image import architecture
from .oven import DOCKER, MASKED, Form, Keep, Oven, bake_alone, file, mode_of, node_files, open_oven
from .sources import SourceSettings, Wanted, open_sources
from .space import check_space
from .task import under_way

_HELLO = ContainerImage("jeroboam.local/hello:1", ("hello",), prefix="", entrypoint="/hello")
# What every kind of node has.
_SHARED = (
    "etc/jeroboam/node-dns/tcp",
    "etc/jeroboam/node-dns/udp",
    "etc/systemd/journald.conf.d/jeroboam.conf",
    "etc/systemd/system/jeroboam-bootstrap.service",
    "etc/systemd/system/node-dns@.service",
    "usr/local/sbin/jeroboam-init",
)
_FINISH = (
    "systemctl enable jeroboam-bootstrap.service node-dns@udp.service node-dns@tcp.service; "
    "rm -rf /var/lib/apt/lists/* /var/cache/apt /etc/machine-id; : >/etc/machine-id; mkdir -p /var/lib/jeroboam; "
)
# A system container of 1 MiB: busybox and nothing else. Source: LXD 5.0, image format (metadata.yaml, rootfs/).
_SMALL = """
set -e
mkdir -p /tmp/small/rootfs/bin /tmp/small/rootfs/etc /tmp/small/rootfs/dev /tmp/small/rootfs/proc /tmp/small/rootfs/sys
cd /tmp/small
mkdir -p rootfs/tmp rootfs/run rootfs/root rootfs/var rootfs/sbin
cp /opt/jeroboam/bin/hello /bin/busybox rootfs/bin/
for name in $(/bin/busybox --list); do [ -e rootfs/bin/$name ] || ln -s busybox rootfs/bin/$name; done
ln -s ../bin/busybox rootfs/sbin/init
ln -s ../bin/udhcpc rootfs/sbin/udhcpc
cat >rootfs/etc/inittab <<'END'
::sysinit:/etc/rc
::respawn:/sbin/udhcpc -f -i eth0 -s /etc/udhcpc.script -t 5 -A 2
::respawn:/bin/hello serve
::ctrlaltdel:/bin/poweroff
::shutdown:/bin/true
END
cat >rootfs/etc/rc <<'END'
#!/bin/sh
hostname -F /etc/hostname 2>/dev/null
ip link set lo up
ip link set eth0 up
END
cat >rootfs/etc/udhcpc.script <<'END'
#!/bin/sh
case $1 in
  deconfig) ip address flush dev $interface ;;
  bound | renew)
    ip address flush dev $interface
    ip address add $ip/${mask:-24} dev $interface
    for gateway in $router; do ip route replace default via $gateway; done
    : >/etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/etc/resolv.conf; done ;;
esac
END
chmod 755 rootfs/etc/rc rootfs/etc/udhcpc.script
echo 'root:x:0:0:root:/root:/bin/sh' >rootfs/etc/passwd
echo 'root:x:0:' >rootfs/etc/group
cat >metadata.yaml <<END
architecture: $(uname -m)
creation_date: 1767225600
properties: {os: busybox, release: "1", description: "Small system container of Jeroboam"}
END
mkdir -p /opt/jeroboam/images
tar --sort=name --mtime=@0 --owner=0 --group=0 -czf /opt/jeroboam/images/small.tar.gz metadata.yaml rootfs
rm -rf /tmp/small /opt/jeroboam/bin
"""


@dataclass(frozen=True)
class Tool:
    """A container tool of the distribution: packages (the first is the tool), file tree under node/, last words of the bake."""

    packages: tuple[str, ...]
    tree: str
    version_label: str
    finish: str


TOOLS: Mapping[str, Tool] = {
    "swarm": Tool(
        ("docker.io", "haproxy"),
        "swarm",
        "docker_version",
        "systemctl disable docker.service docker.socket haproxy.service; systemctl enable containerd; mkdir -p /etc/docker",
    ),
    "lxd": Tool(
        ("lxd", "dnsmasq-base", "busybox-static", "haproxy"),
        "lxd",
        "lxd_version",
        "systemctl disable containerd haproxy.service; systemctl mask lxd.socket lxd-containers.service lxcfs.service; "
        + _SMALL,
    ),
}


async def build_distro_image(
    coe: str,
    version: str | None = None,
    *,
    progress: Progress | None = None,
    force: bool = False,
    cache_root: Path | None = None,
    sources: SourceSettings | None = None,
) -> NodeImage:
    """Build (or find, when nothing changed) the node image of a tool in TOOLS, in a version that Debian has, the default one if none
    is given. Resumable. Raises NotFound (unknown version), ConfigError, HostUnsupported, ArtifactUnavailable, ArtifactCorrupt,
    DeadlineExceeded."""
    shown = progress or NoProgress()
    _, release = catalogue().find_distro(coe, version)
    cache = Cache(cache_root or default_cache())
    recipe = tool_recipe(coe, release.newer, DOCKER)
    if not force and (present := await _current(coe, recipe)) is not None:
        return present
    with cache.guard():
        async with cache.lock(f"node-image-{coe}", shown):
            if not force and (present := await _current(coe, recipe)) is not None:
                return present  # somebody else built it while we waited
            kept = _InDocker(coe)
            await bake_tool(cache, shown, sources, coe, version, DOCKER, kept)
            made = await find_node_image(kept.tag)
            if made is None:
                raise NotFound("Node image", kept.tag)
            await drop_replaced(kept.before, made)
    return made


class _InDocker:
    """Keeps the image of a tool in Docker: its tag has the version that Debian turned out to have."""

    def __init__(self, coe: str) -> None:
        self._coe, self.tag = coe, ""
        self.before: NodeImage | None = None

    async def __call__(self, oven: Oven, labels: Mapping[str, str]) -> None:
        self.tag = f"jeroboam/node-{self._coe}:{labels[TOOLS[self._coe].version_label]}"
        self.before = await find_node_image(self.tag)
        await oven.commit(self.tag, labels)


async def bake_tool(
    cache: Cache,
    shown: Progress,
    sources: SourceSettings | None,
    coe: str,
    version: str | None,
    form: Form,
    keep: Keep,
) -> None:
    """Bake a tool in a version that Debian has, as a form; what it is made of is had first. One bake of a recipe at
    a time. Raises as build_distro_image."""
    full, release = catalogue().find_distro(coe, version)
    await check_space(cache.root, cold=False)
    async with open_sources(sources or SourceSettings()) as ordered:
        binaries = await ordered.obtain([_wanted()], cache, shown)
    tool = TOOLS[coe]
    base = await ensure_base(cache, shown, (*tool.packages, *form.packages), release.newer)
    held = await _version(base, tool.packages[0])
    if version is not None:
        check_held(coe, version, full, held)
    task, recipe = f"node image {coe} {held}", tool_recipe(coe, release.newer, form)
    async with bake_alone(cache, recipe, shown, task) as work:
        with under_way(shown, task, total=2, unit="steps"):
            tree = await asyncio.to_thread(_tree, work, coe, held, binaries["hello"], form)
            async with open_oven(work, base, tree) as oven:
                shown.advance(task, note="programs in place")
                await oven.run("; ".join((form.finish, _FINISH + tool.finish)))
                await keep(oven, _labels(coe, held, recipe))
                shown.advance(task)


def _tree(work: Path, coe: str, version: str, hello: Path, form: Form) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in (_files(TOOLS[coe]) | form.files()).items():
            file(tar, name, path.read_bytes(), mode_of(path))
        file(tar, "etc/jeroboam/image.json", json.dumps(_manifest(coe, version), indent=1).encode(), 0o644)
        if coe == "swarm":
            layer, archive = work / "layer.tar", work / "hello.tar"
            images.write_layer(layer, _HELLO, {"hello": hello}, None)
            images.write_archive(archive, {_HELLO.name: (_HELLO, layer)}, architecture())
            file(tar, "opt/jeroboam/images/hello.tar", archive.read_bytes(), 0o644)
        else:
            file(tar, "opt/jeroboam/bin/hello", hello.read_bytes(), 0o755)
    return buffer.getvalue()


def _files(tool: Tool) -> dict[str, Path]:
    shared = node_files("rootfs")
    return {name: shared[name] for name in _SHARED} | node_files(tool.tree)


def _manifest(coe: str, version: str) -> dict[str, object]:
    return {"coe": coe, "version": version}


def _labels(coe: str, version: str, recipe: str) -> dict[str, str]:
    return {
        "jeroboam.coe": coe,
        "os_distro": "debian",
        TOOLS[coe].version_label: version,
        "jeroboam.recipe": recipe,
        "jeroboam.manifest": json.dumps(_manifest(coe, version), separators=(",", ":")),
    }


def _wanted() -> Wanted:
    version, part = next(iter(catalogue().parts["hello"].items()))
    return Wanted("hello", version, architecture(), part)


def check_held(coe: str, asked: str, full: str, held: str) -> None:
    """A point release of Debian may bring another patch than the catalogue knows: who named the one that is gone is not given another.
    Raises ArtifactUnavailable."""
    if held == full or asked.removeprefix("v") != full.removeprefix("v"):
        return
    title, series = catalogue().distro[coe].title, full.removeprefix("v").rpartition(".")[0]
    raise ArtifactUnavailable(
        f"Debian has {title} {held} now, and {full} no more.",
        hint=f"Take the newest of {series}: jeroboam image build --coe {coe} --version {series}",
    )


def tool_recipe(coe: str, newer: Newer | None, form: Form) -> str:
    """The hash of all that goes into the image of a tool."""
    tool = TOOLS[coe]
    base = base_tag((*tool.packages, *form.packages), newer)
    text = repr((base, MASKED, _FINISH, tool, _HELLO)) + _wanted().recipe + form.fingerprint()
    for name, path in _files(tool).items():
        text += f"{name}{path.stat().st_mode & 0o111}{path.read_text()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def _current(coe: str, recipe: str) -> NodeImage | None:
    return next((one for one in await list_node_images() if one.coe == coe and one.recipe == recipe), None)


async def _version(base: str, package: str) -> str:
    """Debian writes 20.10.24+dfsg1-1+deb12u1+b6 or 5.0.2-5+deb12u6; the tool's own part of it is enough."""
    said = await docker("run", "--rm", "--network=none", base, "dpkg-query", "-W", "-f", "${Version}", package)
    return "v" + said.strip().partition("+")[0].partition("~")[0].partition("-")[0]

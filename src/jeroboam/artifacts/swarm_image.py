"""The Swarm node image: Debian with Docker Engine of the distribution, and the demo's container image as an archive."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import NotFound
from . import images
from .base import base_tag, ensure_base
from .cache import Cache, default_cache
from .catalogue import ContainerImage, catalogue
from .docker import docker
from .held import NodeImage, drop_replaced, find_node_image, list_node_images
from .node_image import architecture
from .oven import MASKED, file, mode_of, node_files, open_oven
from .sources import SourceSettings, Wanted, open_sources

REPOSITORY = "jeroboam/node-swarm"
_PACKAGES = ("docker.io", "haproxy")
_HELLO = ContainerImage("jeroboam.local/hello:1", ("hello",), prefix="", entrypoint="/hello")
_ARCHIVE = "opt/jeroboam/images/hello.tar"
# What both kinds of node have.
_SHARED = (
    "etc/jeroboam/node-dns/tcp",
    "etc/jeroboam/node-dns/udp",
    "etc/systemd/journald.conf.d/jeroboam.conf",
    "etc/systemd/system/jeroboam-bootstrap.service",
    "etc/systemd/system/node-dns@.service",
    "usr/local/sbin/jeroboam-init",
)
_ENABLE = (
    "systemctl disable docker.service docker.socket haproxy.service; "
    "systemctl enable containerd jeroboam-bootstrap.service node-dns@udp.service node-dns@tcp.service; "
    "rm -rf /var/lib/apt/lists/* /var/cache/apt /etc/machine-id; : >/etc/machine-id; "
    "mkdir -p /var/lib/jeroboam /etc/docker"
)


async def build_swarm_image(
    *,
    progress: Progress | None = None,
    force: bool = False,
    cache_root: Path | None = None,
    sources: SourceSettings | None = None,
) -> NodeImage:
    """Build (or find, when nothing changed) the node image of Swarm. The engine is the distribution's. Resumable.
    Raises ConfigError, HostUnsupported, ArtifactUnavailable, ArtifactCorrupt, DeadlineExceeded."""
    shown = progress or NoProgress()
    cache = Cache(cache_root or default_cache())
    recipe = _recipe()
    if not force and (present := await _current(recipe)) is not None:
        return present
    async with cache.lock("node-image-swarm", shown):
        if not force and (present := await _current(recipe)) is not None:
            return present  # somebody else built it while we waited
        async with open_sources(sources or SourceSettings()) as ordered:
            binaries = await ordered.obtain([_wanted()], cache, shown)
        base = await ensure_base(cache, shown, _PACKAGES)
        version = await _engine_version(base)
        before = await find_node_image(f"{REPOSITORY}:{version}")
        tag = await _bake(cache, recipe, base, version, binaries["hello"], shown)
        made = await find_node_image(tag)
        if made is None:
            raise NotFound("Node image", tag)
        await drop_replaced(before, made)
    return made


async def _bake(cache: Cache, recipe: str, base: str, version: str, hello: Path, progress: Progress) -> str:
    task, tag = f"node image swarm {version}", f"{REPOSITORY}:{version}"
    progress.start(task, total=2, unit="steps")
    work = cache.work("node-image-swarm")
    try:
        tree = await asyncio.to_thread(_tree, work, version, hello)
        async with open_oven(recipe, base, tree) as oven:
            progress.advance(task, note="programs in place")
            await oven.run(f"systemctl mask {' '.join(MASKED)}; " + _ENABLE)
            await oven.commit(tag, _labels(version, recipe))
            progress.advance(task)
    except BaseException:
        progress.finish(task, note="stopped")
        raise
    else:
        progress.finish(task)
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    return tag


def _tree(work: Path, version: str, hello: Path) -> bytes:
    layer, archive = work / "layer.tar", work / "hello.tar"
    images.write_layer(layer, _HELLO, {"hello": hello}, None)
    images.write_archive(archive, {_HELLO.name: (_HELLO, layer)}, architecture())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, path in _files().items():
            file(tar, name, path.read_bytes(), mode_of(path))
        file(tar, "etc/jeroboam/image.json", json.dumps(_manifest(version), indent=1).encode(), 0o644)
        file(tar, _ARCHIVE, archive.read_bytes(), 0o644)
    return buffer.getvalue()


def _files() -> dict[str, Path]:
    shared = node_files("rootfs")
    return {name: shared[name] for name in _SHARED} | node_files("swarm")


def _manifest(version: str) -> dict[str, object]:
    return {"coe": "swarm", "docker": version, "images": [_HELLO.name]}


def _labels(version: str, recipe: str) -> dict[str, str]:
    return {
        "jeroboam.coe": "swarm",
        "os_distro": "debian",
        "docker_version": version,
        "jeroboam.recipe": recipe,
        "jeroboam.manifest": json.dumps(_manifest(version), separators=(",", ":")),
    }


def _wanted() -> Wanted:
    version, part = next(iter(catalogue().parts["hello"].items()))
    return Wanted("hello", version, architecture(), part)


def _recipe() -> str:
    text = repr((base_tag(_PACKAGES), MASKED, _ENABLE, _HELLO)) + _wanted().recipe
    for name, path in _files().items():
        text += f"{name}{path.stat().st_mode & 0o111}{path.read_text()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def _current(recipe: str) -> NodeImage | None:
    return next((one for one in await list_node_images() if one.coe == "swarm" and one.recipe == recipe), None)


async def _engine_version(base: str) -> str:
    """Debian writes 20.10.24+dfsg1-1+deb12u1+b6; the engine's own part of it is enough."""
    said = await docker("run", "--rm", "--network=none", base, "dpkg-query", "-W", "-f", "${Version}", _PACKAGES[0])
    return "v" + said.strip().partition("+")[0].partition("~")[0]

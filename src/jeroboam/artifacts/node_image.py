"""The Kubernetes node image: Debian with containerd, the kubelet and every container image baked in unpacked, as a Docker image.

Starting a node copies no container image: the snapshots stay in the Docker image and are linked (see node/rootfs, jeroboam-init).
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import NotFound
from .bake import PACKAGES, Plan, bake, fingerprint
from .base import base_tag, ensure_base
from .cache import Cache, default_cache
from .catalogue import Release, catalogue
from .held import NodeImage, drop_replaced, find_node_image
from .oven import DOCKER, Form, Keep
from .sources import SourceSettings, Wanted, open_sources
from .space import check_space

REPOSITORY = "jeroboam/node-kubernetes"
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's, in Go's words."""
    return _ARCHES.get(platform.machine(), platform.machine())


async def build_node_image(
    version: str | None = None,
    *,
    runtimes: Sequence[str] = (),
    progress: Progress | None = None,
    force: bool = False,
    cache_root: Path | None = None,
    sources: SourceSettings | None = None,
) -> NodeImage:
    """Build (or find, when nothing changed) the node image of a Kubernetes version. Resumable; one build of a version at a time.
    `runtimes` of the catalogue are added, and to the tag. `force` bakes it again all the same. Raises NotFound (unknown version or
    runtime), ConfigError, HostUnsupported, ArtifactUnavailable, ArtifactCorrupt, DeadlineExceeded."""
    shown = progress or NoProgress()
    full, _ = catalogue().find(version)
    extra = catalogue().check_runtimes(runtimes)
    cache = Cache(cache_root or default_cache())
    name = "-".join((full, *extra))
    tag, recipe = f"{REPOSITORY}:{name}", release_recipe(full, extra, DOCKER)
    present = await find_node_image(tag)
    if not force and present is not None and present.recipe == recipe:
        return present
    with cache.guard():
        async with cache.lock(f"node-image-{name}", shown):
            present = await find_node_image(tag)  # somebody else may have built it while we waited
            if not force and present is not None and present.recipe == recipe:
                return present
            await bake_release(
                cache, shown, sources, full, extra, DOCKER, lambda oven, labels: oven.commit(tag, labels)
            )
            made = await find_node_image(tag)
            if made is None:
                raise NotFound("Node image", tag)
            await drop_replaced(present, made)
    return made


async def bake_release(
    cache: Cache,
    shown: Progress,
    sources: SourceSettings | None,
    version: str,
    runtimes: tuple[str, ...],
    form: Form,
    keep: Keep,
) -> None:
    """Bake a version of the catalogue, whole as `find` tells it, as a form; what it is made of is had first. Raises as build_node_image."""
    full, release = catalogue().find(version)
    wanted = wanted_parts(release, runtimes)
    await check_space(cache.root, cold=not all(cache.holds(one.part, one.version, one.arch) for one in wanted))
    async with open_sources(sources or SourceSettings()) as ordered:
        binaries = await ordered.obtain(wanted, cache, shown)
    base = await ensure_base(cache, shown, (*PACKAGES, *form.packages))
    added = tuple(name for one in _runtime_parts(runtimes) for name in one.spec.binaries)
    recipe = release_recipe(full, runtimes, form)
    plan = Plan(full, release, recipe, base, binaries, architecture(), runtimes, added, form)
    await bake(cache, plan, shown, keep)


def wanted_parts(release: Release, runtimes: Sequence[str] = ()) -> list[Wanted]:
    """What a release and these runtimes are made of, for this machine's architecture."""
    return [_wanted(part, version) for part, version in release.parts.items()] + _runtime_parts(runtimes)


def _runtime_parts(runtimes: Sequence[str]) -> list[Wanted]:
    return [_wanted(one.part, one.version) for one in (catalogue().runtimes[name] for name in runtimes)]


def _wanted(part: str, version: str) -> Wanted:
    return Wanted(part, version, architecture(), catalogue().parts[part][version])


def binary_path(version: str | None, name: str, *, cache_root: Path | None = None) -> Path:
    """A binary of a release in the cache, such as kubectl. Raises NotFound when it was not built yet."""
    _, release = catalogue().find(version)
    cache = Cache(cache_root or default_cache())
    for part, part_version in release.parts.items():
        path = cache.folder(part, part_version, architecture()) / name
        if path.exists():
            return path
    raise NotFound("Binary", name, hint="Run `jeroboam image build` first.")


def release_recipe(version: str, runtimes: Sequence[str], form: Form) -> str:
    """The hash of all that goes into the image of a version, whole as `find` tells it."""
    _, release = catalogue().find(version)
    base = base_tag((*PACKAGES, *form.packages))
    text = repr((version, release, base, runtimes)) + fingerprint() + form.fingerprint()
    for wanted in wanted_parts(release, runtimes):
        text += wanted.recipe
    return hashlib.sha256(text.encode()).hexdigest()[:32]

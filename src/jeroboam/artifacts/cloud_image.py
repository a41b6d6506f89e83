"""Node images for clouds: the recipes of the Docker images, with cloud-init and what a server of a kind needs, as one file.

All is made in containers, so that the machine needs nothing but Docker, and no rights but those for it.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import HostUnsupported
from .cache import Cache, default_cache, digest
from .catalogue import catalogue
from .cloud_file import CloudWish, ToFile
from .cloud_form import CONTAINER, FORMS, Wrapping, tree_script, wrapping
from .cloud_part import open_part, writing
from .cloud_record import CloudImage, find_record
from .distro_image import TOOLS, bake_tool, tool_recipe
from .node_image import bake_release, release_recipe
from .sources import SourceSettings
from .space import check_disk_space


async def build_cloud_image(
    wish: CloudWish,
    *,
    progress: Progress | None = None,
    force: bool = False,
    cache_root: Path | None = None,
    sources: SourceSettings | None = None,
) -> tuple[Path, CloudImage]:
    """Build the image, or find it where it is to be, unchanged. The file is there whole or not at all; its record is beside it.

    Raises NotFound (unknown version or runtime), ConfigError, HostUnsupported, ArtifactUnavailable, ArtifactCorrupt, DeadlineExceeded.
    """
    shown, cache = progress or NoProgress(), Cache(cache_root or default_cache())
    if wish.server_type != CONTAINER and platform.machine() != "x86_64":
        raise HostUnsupported(
            f"Disks that boot are made for x86-64 only, and this machine is {platform.machine()}.",
            hint="Build on another machine, or an image for system containers: --server-type container.",
        )
    wrapped, version = wrapping(wish.format, wish.server_type), _full_version(wish)
    recipe = _recipe(wish, version, wrapped)
    path = wish.path(version)
    if not force and (present := _unchanged(path, recipe)) is not None:
        return path, present
    if not path.parent.is_dir():
        raise HostUnsupported(f"The output's folder {path.parent} is not there.", hint="Make it, or name another one.")
    with cache.guard():
        async with cache.lock(_output_lock(path), shown, what=path.name):
            if not force and (present := _unchanged(path, recipe)) is not None:
                return path, present  # somebody else built it while we waited
            await check_disk_space(path.parent)
            with open_part(path) as part:
                made = ToFile(wish, wrapped, recipe, part, cache, shown)
                if wish.coe in TOOLS:
                    await bake_tool(cache, shown, sources, wish.coe, wish.version, FORMS[wish.server_type], made)
                else:
                    await bake_release(cache, shown, sources, version, wish.runtimes, FORMS[wish.server_type], made)
    return made.result()


def _output_lock(path: Path) -> str:
    """Two builds of one file: an image and its record belong together."""
    return "cloud-image-" + hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]


def _full_version(wish: CloudWish) -> str:
    if wish.coe in TOOLS:
        return catalogue().find_distro(wish.coe, wish.version)[0]
    catalogue().check_runtimes(wish.runtimes)
    return catalogue().find(wish.version)[0]


def _recipe(wish: CloudWish, version: str, wrapped: Wrapping) -> str:
    form = FORMS[wish.server_type]
    if wish.coe in TOOLS:
        inside = tool_recipe(wish.coe, catalogue().find_distro(wish.coe, version)[1].newer, form)
    else:
        inside = release_recipe(version, wish.runtimes, form)
    return hashlib.sha256(repr((inside, wish.format, tree_script(), wrapped.text())).encode()).hexdigest()[:32]


def _unchanged(path: Path, recipe: str) -> CloudImage | None:
    with writing(path):
        record = find_record(path)
        if record is None or record.recipe != recipe or record.size != path.stat().st_size:
            return None
        return record if digest(path) == record.sha256 else None

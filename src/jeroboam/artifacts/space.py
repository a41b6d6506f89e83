"""Free disk space, looked at before anything starts rather than found out half way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..domain.errors import HostUnsupported
from .docker import docker

_GIB = 1 << 30
# A cold build leaves about 1 GiB in our cache, 3 to 4 GiB in Go's, 1.6 GiB in Docker's; its unfinished files need 1.5 GiB.
_COLD_BYTES, _WARM_BYTES = 6 * _GIB, 2 * _GIB
_DOCKER_BYTES = 3 * _GIB
# A disk's tree, the disk itself and its compressed form lie there at once; the output has at most 2 GiB.
_DISK_DOCKER_BYTES, _DISK_BYTES = 6 * _GIB, 2 * _GIB


async def check_space(cache_root: Path, *, cold: bool) -> None:
    """Raises HostUnsupported naming the folder, what is free there and what a build needs; `cold`: binaries are still to be had."""
    needed = _COLD_BYTES if cold else _WARM_BYTES
    demand("The cache", cache_root, needed, "Free some space, or name another place in XDG_CACHE_HOME.")
    await _demand_of_docker(_DOCKER_BYTES)


async def check_disk_space(folder: Path) -> None:
    """The same for the image of a disk that is to lie in a folder."""
    demand("The output", folder, _DISK_BYTES, "Free some space, or name another place by --output.")
    await _demand_of_docker(_DISK_DOCKER_BYTES)


async def _demand_of_docker(needed: int) -> None:
    images = (await docker("info", "--format", "{{.DockerRootDir}}")).strip()
    if os.access(images, os.F_OK):  # else the daemon runs elsewhere
        demand("Docker", Path(images), needed, "Free some space: `jeroboam image list`, `docker system df`.")


def demand(what: str, folder: Path, needed: int, hint: str) -> None:
    """Raises HostUnsupported unless `needed` bytes are free where the folder is or will be."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise HostUnsupported(
            f"{what} has {free / _GIB:.1f} GiB of disk left in {folder}; a build needs {needed / _GIB:.0f} GiB.",
            hint=hint,
        )

"""Writing a mirror: the binaries of some releases in a folder, for machines that have neither Go nor a way to the release sites.

Layout: <part>/<version>/<arch>/<binary> and SHA256SUMS, the same as in the cache. The folder may be copied, or served over HTTP as it is.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..contracts import NoProgress, Progress
from ..domain.errors import HostUnsupported
from .cache import Cache, default_cache
from .catalogue import catalogue
from .node_image import wanted_parts
from .sources import SourceSettings, Wanted, open_sources


async def mirror_parts(
    folder: Path,
    versions: Sequence[str] = (),
    *,
    runtimes: Sequence[str] = (),
    progress: Progress | None = None,
    cache_root: Path | None = None,
    sources: SourceSettings | None = None,
) -> list[Path]:
    """Write the parts of these Kubernetes versions (none named: the default one) and of these runtimes; return their folders. What
    the cache lacks is had from the sources first. A part is replaced whole. Raises NotFound, HostUnsupported and what the sources raise."""
    known, shown = catalogue(), progress or NoProgress()
    releases = [known.find(version)[1] for version in versions or (known.default,)]
    extra = known.check_runtimes(runtimes)
    wanted = list({one.title: one for release in releases for one in wanted_parts(release, extra)}.values())
    cache = Cache(cache_root or default_cache())
    with cache.guard():
        async with open_sources(sources or SourceSettings()) as ordered:
            await ordered.obtain(wanted, cache, shown)
    try:
        return [await asyncio.to_thread(_copy, cache, one, folder) for one in wanted]
    except OSError as error:
        raise HostUnsupported(
            f"The mirror {folder} cannot be written: {error}.", hint="Name another folder."
        ) from error


def _copy(cache: Cache, wanted: Wanted, folder: Path) -> Path:
    target = folder / wanted.part / wanted.version / wanted.arch
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(cache.folder(wanted.part, wanted.version, wanted.arch), fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target

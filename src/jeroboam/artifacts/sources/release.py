"""Source "release": what the makers publish on their own sites, verified by the checksums that they publish beside it.

Nothing is used that has no published checksum: such a part is left to the next source.
"""

from __future__ import annotations

import asyncio
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

import httpx

from ...contracts import Progress
from ...domain.errors import ArtifactCorrupt, ArtifactUnavailable
from ..cache import Cache, Checksums, published_by
from ..catalogue import Published, catalogue
from ..download import Downloads
from .source import Wanted
from .together import together


class Release:
    """Implements Source. `sites`: base addresses by part, where they are not the makers' own (a proxy, a copy, a test)."""

    name = "release"

    def __init__(self, downloads: Downloads, sites: Mapping[str, str]) -> None:
        self._downloads = downloads
        self._published = catalogue().published
        self._bases = {part: sites.get(part, site.base).rstrip("/") for part, site in self._published.items()}
        self._silent: dict[str, str] | None = None
        self._probing = asyncio.Lock()

    def offers(self, wanted: Wanted) -> bool:
        return wanted.part in self._published

    async def fetch(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        base, site = self._bases[wanted.part], self._published[wanted.part]
        if base in await self._unreachable():
            raise ArtifactUnavailable("; ".join(sorted(set((await self._unreachable()).values()))) + ".")
        with cache.work(f"{wanted.part}-{wanted.version}-release") as made:
            work = self._archive if site.member else self._binaries
            await work(wanted, site, cache, made, progress)
            return await asyncio.to_thread(
                cache.put, wanted.part, wanted.version, wanted.arch, made, published_by(base)
            )

    async def _binaries(self, wanted: Wanted, site: Published, cache: Cache, made: Path, progress: Progress) -> None:
        """All of them, then in their place: what was finished before another one failed is there for the next run."""
        names = wanted.spec.binaries
        work = [
            self._verified(wanted, site, name, cache, f"download {name} {wanted.version}", progress) for name in names
        ]
        for name, file in zip(names, await together(work), strict=True):
            file.replace(made / name)

    async def _archive(self, wanted: Wanted, site: Published, cache: Cache, made: Path, progress: Progress) -> None:
        archive = await self._verified(wanted, site, "", cache, f"download {wanted.title}", progress)
        try:
            for name in wanted.spec.binaries:
                await asyncio.to_thread(_extract, archive, self._path(site.member, wanted, name), made / name)
        except (ArtifactCorrupt, ArtifactUnavailable):
            archive.unlink()  # of no use to the next run either
            raise
        archive.unlink()

    async def _verified(
        self, wanted: Wanted, site: Published, name: str, cache: Cache, task: str, progress: Progress
    ) -> Path:
        address = f"{self._bases[wanted.part]}/{self._path(site.file, wanted, name)}"
        sums = f"{self._bases[wanted.part]}/{self._path(site.sums, wanted, name)}"
        try:
            text = await self._downloads.text(sums)
        except ArtifactUnavailable as error:
            raise ArtifactUnavailable(
                f"{wanted.title} has no published checksum there ({error.message.rstrip('.')}), and nothing unverified is used."
            ) from error
        sha256 = _checksum(text, address.rpartition("/")[2], sums)
        return await self._downloads.file(address, cache.download(sha256), sha256, task, progress)

    async def _unreachable(self) -> dict[str, str]:
        """Bases that do not answer, with the reason; each site is asked once, all at the same time."""
        async with self._probing:
            if self._silent is None:
                sites = {_site(base): base for base in self._bases.values()}
                reasons = await asyncio.gather(*(self._downloads.refusal(base) for base in sites.values()))
                refused = dict(zip(sites, reasons, strict=True))
                self._silent = {b: r for b in self._bases.values() if (r := refused[_site(b)]) is not None}
            return self._silent

    def _path(self, template: str, wanted: Wanted, name: str) -> str:
        number = wanted.version.removeprefix("v")
        return template.format(version=wanted.version, number=number, arch=wanted.arch, name=name)


def _site(base: str) -> str:
    url = httpx.URL(base)
    return f"{url.scheme}://{url.netloc.decode()}"


def _checksum(text: str, name: str, sums: str) -> str:
    """The checksum of a file: the only word of the text, or its line in it (a path before the name does not matter)."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text.strip()):
        return text.strip().lower()
    try:
        files = {path.rpartition("/")[2]: value for path, value in Checksums.parse(text).files.items()}
    except ValueError as error:
        raise ArtifactCorrupt(f"{sums}: {error}.", hint="See what that address holds.") from error
    if name not in files:
        raise ArtifactUnavailable(f"{sums} has no checksum of {name}.")
    return files[name]


def _extract(archive: Path, member: str, target: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for info in tar:
                if info.name.removeprefix("./") == member and info.isreg():
                    content = tar.extractfile(info)
                    if content is not None:
                        with target.open("wb") as file:
                            while chunk := content.read(1_048_576):
                                file.write(chunk)
                        return
    except tarfile.TarError as error:
        raise ArtifactCorrupt(f"{archive.name} is no tar archive: {error}.") from error
    raise ArtifactUnavailable(f"The published archive holds no file {member}.")

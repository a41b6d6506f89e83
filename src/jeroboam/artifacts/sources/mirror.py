"""Source "mirror": a folder or an address laid out as <part>/<version>/<arch>/<binary>, with a SHA256SUMS file beside the binaries.

`jeroboam image mirror FOLDER` writes one from the cache. Binaries that we built bear the hash of their recipe in the first line of
SHA256SUMS and are refused once the recipe is another one; without that line the checksums are taken as the operator's word.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from ...contracts import Progress
from ...domain.errors import ArtifactCorrupt, ArtifactUnavailable
from ..cache import SUMS, Cache, Checksums, digest, published_by
from ..download import Downloads
from .source import Wanted
from .together import together


class Mirror:
    """Implements Source. `place` is a folder, or an address that begins with http:// or https://."""

    name = "mirror"

    def __init__(self, downloads: Downloads, place: str) -> None:
        self._downloads = downloads
        self._place = place.rstrip("/")
        self._remote = is_address(place)
        self._asked: str | None = None
        self._probing = asyncio.Lock()

    def offers(self, wanted: Wanted) -> bool:
        return True

    async def fetch(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        await self._check_reachable()
        base = f"{self._place}/{wanted.part}/{wanted.version}/{wanted.arch}"
        sums = await self._sums(base, wanted)
        origin = sums.origin or published_by(self._place)
        with cache.work(f"{wanted.part}-{wanted.version}-mirror") as made:
            if self._remote:
                await self._download(base, sums, made, cache, wanted, progress)
            else:
                copies = [_copy(f"{base}/{name}", made / name, sums.files[name]) for name in wanted.spec.binaries]
                await together(copies)
            return await asyncio.to_thread(cache.put, wanted.part, wanted.version, wanted.arch, made, origin)

    async def _check_reachable(self) -> None:
        async with self._probing:
            if self._asked is None:
                self._asked = (await self._downloads.refusal(self._place) or "") if self._remote else ""
        if self._asked:
            raise ArtifactUnavailable(f"{self._asked}.")

    async def _sums(self, base: str, wanted: Wanted) -> Checksums:
        try:
            text = await self._downloads.text(f"{base}/{SUMS}") if self._remote else (Path(base) / SUMS).read_text()
            sums = Checksums.parse(text)
        except OSError as error:
            raise ArtifactUnavailable(f"{base}/{SUMS} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise ArtifactCorrupt(
                f"{base}: {error}.", hint="Make the mirror anew: `jeroboam image mirror FOLDER`."
            ) from error
        missing = [name for name in wanted.spec.binaries if name not in sums.files]
        if missing:
            raise ArtifactUnavailable(f"{base}/{SUMS} does not name {', '.join(missing)}.")
        if not sums.suits(wanted.recipe):
            raise ArtifactUnavailable(f"{base} holds {wanted.title} built by another release of Jeroboam.")
        return sums

    async def _download(
        self, base: str, sums: Checksums, made: Path, cache: Cache, wanted: Wanted, progress: Progress
    ) -> None:
        async def one(name: str) -> Path:
            sha256, task = sums.files[name], f"fetch {name} {wanted.version}"
            return await self._downloads.file(f"{base}/{name}", cache.download(sha256), sha256, task, progress)

        files = await together([one(name) for name in wanted.spec.binaries])
        for name, file in zip(wanted.spec.binaries, files, strict=True):
            file.replace(made / name)


async def _copy(place: str, target: Path, sha256: str) -> None:
    try:
        await asyncio.to_thread(shutil.copyfile, place, target)
    except OSError as error:
        raise ArtifactUnavailable(f"{place} cannot be read: {error.strerror}.") from error
    found = await asyncio.to_thread(digest, target)
    if found != sha256:
        raise ArtifactCorrupt(
            f"{place} is damaged: its SHA-256 is {found}, and {SUMS} beside it says {sha256}.",
            hint="Copy the mirror again, or make it anew: `jeroboam image mirror FOLDER`.",
        )


def is_address(place: str) -> bool:
    """Whether a mirror is asked over HTTP; else it is a folder."""
    return place.startswith(("http://", "https://"))

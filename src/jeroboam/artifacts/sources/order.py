"""The operator's order of sources: who is asked first, who next, and what is said when one is passed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...contracts import Progress
from ...domain.errors import ArtifactUnavailable, ConfigError
from ..cache import Cache
from ..catalogue import catalogue
from ..download import DownloadLimits, open_downloads
from .mirror import Mirror, is_address
from .modules import Modules
from .release import Release
from .source import Source, Wanted
from .together import together

SOURCE_NAMES = ("release", "mirror", "modules")


@dataclass(frozen=True)
class SourceSettings:
    """`order` of sources (empty: the mirror if there is one, release, modules); `mirror`: folder or address;
    `sites`: base addresses of release sites by part, where they are not the makers' own."""

    order: tuple[str, ...] = ()
    mirror: str = ""
    sites: Mapping[str, str] = field(default_factory=dict)
    limits: DownloadLimits = field(default_factory=DownloadLimits)

    def names(self) -> tuple[str, ...]:
        """The order in force. Raises ConfigError naming the setting, its value and what would be right."""
        order = self.order or (("mirror",) if self.mirror else ()) + ("release", "modules")
        for name in order:
            if name not in SOURCE_NAMES:
                raise ConfigError(f"Source {name!r} is not known; known are: {', '.join(SOURCE_NAMES)}.")
        if "mirror" in order and not self.mirror:
            raise ConfigError(
                "The source mirror needs to know where the mirror is.", hint="Give its folder or address."
            )
        if self.mirror and not is_address(self.mirror) and not Path(self.mirror).is_dir():
            raise ConfigError(
                f"The mirror {self.mirror} is neither a folder nor an address (http://... or https://...)."
            )
        self._check_sites()
        return tuple(dict.fromkeys(order))

    def _check_sites(self) -> None:
        known = catalogue().published
        for part, address in self.sites.items():
            if part not in known:
                raise ConfigError(f"No release site of {part!r} is known; known are those of {', '.join(known)}.")
            if not is_address(address):
                raise ConfigError(f"The release site of {part}, {address!r}, must begin with http:// or https://.")


class Sources:
    """The sources of one build."""

    def __init__(self, ordered: Sequence[Source]) -> None:
        self._ordered = ordered
        self._told: set[str] = set()

    async def obtain(self, wanted: Sequence[Wanted], cache: Cache, progress: Progress) -> dict[str, Path]:
        """All binaries by name, from the cache or from the first source that supplies them. Downloads run side by side.
        Raises ArtifactUnavailable with every source's reason, ArtifactCorrupt."""
        folders = await together([self._part(one, cache, progress) for one in wanted])
        pairs = zip(wanted, folders, strict=True)
        return {name: folder / name for one, folder in pairs for name in one.spec.binaries}

    async def _part(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        async with cache.lock(f"part-{wanted.part}-{wanted.version}-{wanted.arch}", progress):
            names = wanted.spec.binaries
            found = await asyncio.to_thread(cache.find, wanted.part, wanted.version, wanted.arch, names, wanted.recipe)
            return found or await self._first(wanted, cache, progress)

    async def _first(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        reasons, hint = [], ""
        asked = [source for source in self._ordered if source.offers(wanted)]
        for source, following in zip(asked, [*asked[1:], None], strict=True):
            try:
                return await source.fetch(wanted, cache, progress)
            except ArtifactUnavailable as error:
                reasons.append(f"{source.name}: {error.message}")
                hint = error.hint or hint
                if following is not None:
                    self._tell(f"source {source.name}", f"{error.message} Going on with {following.name}.", progress)
        if len(reasons) == 1:
            raise ArtifactUnavailable(f"{wanted.title} cannot be had from {reasons[0]}", hint=hint)
        why = "\n ".join(reasons) or f"none of {', '.join(s.name for s in self._ordered)} has it."
        raise ArtifactUnavailable(f"No source supplies {wanted.title}:\n {why}", hint=hint)

    def _tell(self, task: str, note: str, progress: Progress) -> None:
        if note not in self._told:
            self._told.add(note)
            progress.start(task)
            progress.finish(task, note=note)


@asynccontextmanager
async def open_sources(settings: SourceSettings) -> AsyncIterator[Sources]:
    """The sources in the order of the settings; their connections are closed at the end. Raises ConfigError."""
    names = settings.names()
    async with open_downloads(settings.limits) as downloads:
        made: dict[str, Source] = {
            "release": Release(downloads, settings.sites),
            "mirror": Mirror(downloads, settings.mirror),
            "modules": Modules(),
        }
        yield Sources([made[name] for name in names])

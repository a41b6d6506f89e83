"""What a source of binaries is: somebody who can put a part into the cache, verified."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...contracts import Progress
from .. import gomodules
from ..cache import Cache
from ..catalogue import Part


@dataclass(frozen=True)
class Wanted:
    """One part that is needed: its binaries at a version, for an architecture in Go's words ("amd64")."""

    part: str
    version: str
    arch: str
    spec: Part

    @property
    def title(self) -> str:
        return f"{self.part} {self.version}"

    @property
    def recipe(self) -> str:
        """The hash of how we build it; published binaries are good whatever it is."""
        return gomodules.recipe(self.part, self.version, self.spec)


class Source(Protocol):
    """One place that binaries come from. Holds what it learnt during one build, such as which sites answer."""

    name: str

    def offers(self, wanted: Wanted) -> bool:
        """Whether asking makes sense at all. No I/O."""

    async def fetch(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        """Put the part into the cache and return its folder. Raises ArtifactUnavailable when the next source should be asked, and
        ArtifactCorrupt when what came is not what was published: then nobody else is asked, since somebody should look."""

"""Source "modules": built here from the Go module proxy (see gomodules.py), one build at a time since each uses all cores."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ...contracts import Progress
from .. import gomodules
from ..cache import Cache
from .source import Wanted


class Modules:
    """Implements Source. Needs Go, and a C compiler for flannel."""

    name = "modules"

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    def offers(self, wanted: Wanted) -> bool:
        return gomodules.module_folder(wanted.part, wanted.version).is_dir()

    async def fetch(self, wanted: Wanted, cache: Cache, progress: Progress) -> Path:
        async with self._turn:
            return await gomodules.build(cache, wanted.part, wanted.version, wanted.spec, wanted.arch, progress)

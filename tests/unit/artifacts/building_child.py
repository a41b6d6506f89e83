"""A process that has parts built or fetched, for tests that run two of them or kill one."""

import asyncio
import json
import sys
from pathlib import Path

from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.catalogue import Part, catalogue
from jeroboam.artifacts.process import run
from jeroboam.artifacts.sources import SourceSettings, Wanted, open_sources


class Said:
    def start(self, task: str, *, total: int | None = None, unit: str = "") -> None:
        print(f"start {task}", flush=True)

    def advance(self, task: str, amount: int = 1, *, note: str | None = None) -> None:
        """Not told."""

    def finish(self, task: str, *, note: str | None = None) -> None:
        print(f"finish {task}", flush=True)


async def obtain(root: str, part: str, version: str, names: list[str], order: list[str], sites: dict[str, str]) -> None:
    spec = catalogue().parts[part][version]
    wanted = Wanted(part, version, "amd64", Part(go=spec.go, binaries=tuple(names) or spec.binaries))
    async with open_sources(SourceSettings(order=tuple(order), sites=sites)) as sources:
        await sources.obtain([wanted], Cache(Path(root)), Said())


if __name__ == "__main__":
    if sys.argv[1] == "run":
        asyncio.run(run(sys.argv[2:], timeout_s=300))
    else:
        asyncio.run(obtain(*json.loads(sys.argv[2])))

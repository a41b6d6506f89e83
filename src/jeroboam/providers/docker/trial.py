"""Containers that are started once to see what the host can do, and removed; also those that a killed process left."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ...domain.errors import JeroboamError
from .daemon import Daemon, Found, Missing, Taken
from .labels import TRIAL

_OLD_S = 300.0  # no trial takes that long


@asynccontextmanager
async def trial(daemon: Daemon, config: Found) -> AsyncIterator[str]:
    """The name of a container made and started as `config` says. Raises what Daemon does."""
    await remove_left(daemon)
    name = f"jeroboam-probe-{uuid.uuid4().hex[:12]}"
    try:
        await daemon.create(name, {**config, "Labels": {TRIAL: "1"}})
        await daemon.run(name)
        yield name
    finally:
        with suppress(JeroboamError, Missing, Taken):
            await daemon.remove(name)


async def remove_left(daemon: Daemon, older_s: float = _OLD_S) -> None:
    """Those of processes that were killed meanwhile. `older_s`: a younger one may be at work."""
    for one in await daemon.containers({TRIAL: None}):
        if time.time() - one["Created"] >= older_s:
            with suppress(Missing, Taken):
                await daemon.remove(one["Id"])

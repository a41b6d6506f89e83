"""Loops that live and end together: `asyncio.gather` alone lets the others go on when one of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*loops: Coroutine[Any, Any, None]) -> None:
    """Run them until one ends or this is cancelled; none is left then. Raises what the first that ended raised."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

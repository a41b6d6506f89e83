"""An answer that costs much and that anybody may ask for: found for one who asks at a time, and then good for all for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """What `find` returned within the last `fresh`. Whoever asks while it is being found waits for that, and hears of its failure;
    the next one tries again."""

    def __init__(
        self, find: Callable[[], Awaitable[T]], fresh: timedelta, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._find, self._fresh_s, self._seconds = find, fresh.total_seconds(), seconds
        self._found: tuple[float, T] | None = None
        self._finding: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._found is not None and self._seconds() - self._found[0] < self._fresh_s:
            return self._found[1]
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._once())
        return await asyncio.shield(self._finding)  # who asked first may leave, and the others wait on

    async def _once(self) -> T:
        found = await self._find()
        self._found = (self._seconds(), found)
        return found

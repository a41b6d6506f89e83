"""Turns at a provider: so many calls that change something at once in this process, and tenants take turns where they queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from ..domain.errors import ProviderUnavailable
from .watch import words


class Turns:
    """A tenant with a thousand machines to make waits behind its own, not before those of others."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # the tenant whose turn is next comes first

    @asynccontextmanager
    async def of(self, tenant: str, *, limit: timedelta | None = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it; without a limit as long as it takes: every call that holds one has a deadline. Raises
        ProviderUnavailable when the limit is over first."""
        if limit is None:
            await self._take(tenant)
        else:
            await self._take_within(limit, tenant)
        try:
            yield
        finally:
            self._pass_on()

    async def _take_within(self, limit: timedelta, tenant: str) -> None:
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._take(tenant)
        except TimeoutError as error:
            raise ProviderUnavailable(
                f"The provider had no turn to give within {words(limit)}: all calls that it may get at once are at work."
            ) from error

    async def _take(self, tenant: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the same moment: somebody else may have it
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            tenant = next(iter(self._waiting))
            queue = self._waiting.pop(tenant)
            turn = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # at the end
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

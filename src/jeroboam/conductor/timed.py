"""An end for each call of a scan, which has many clusters to look at: whoever does not answer keeps it from none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from ..domain.errors import RetryLater
from ..reconcile.watch import words

T = TypeVar("T")


async def within(limit: timedelta, work: Awaitable[T], party: str, what: str, late: type[RetryLater]) -> T:
    """What the call of the `party` answers or raises. Raises `late` when it was cut at its limit; a thread of a provider's goes on."""
    try:
        async with asyncio.timeout(limit.total_seconds()) as clock:
            return await work
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise late(f"{party} did not answer within {words(limit)}, so the call was cut: {what}.") from error

"""The watch over one run of an operation: how long nothing has moved, and the end of calls that do not answer.

It acts on calls alone: those are cut at their deadline. Of everything else it only tells, before that thing's own deadline. What it
remembers is this run's; a process that takes the operation over begins to look anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from ..contracts import Clock

T = TypeVar("T")
_LOOK_S = 1.0  # how often somebody who asked the operation to stop is noticed while a call hangs


class Cut(Exception):
    """A call had no more time: it was given up `after` so long."""

    def __init__(self, after: timedelta) -> None:
        super().__init__()
        self.after = after


@dataclass
class Watch:
    """`silence`: after so long without a change something is told of, and again each time as long."""

    clock: Clock
    silence: timedelta
    _seen: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)

    def silent(self, step: str, target: str, sign: str) -> str:
        """For how long `sign`, what can be seen of a step, has been the same, as words; "" while that is not long."""
        now = self.clock.now()
        known = self._seen.get((step, target))
        if known is None or known[0] != sign:
            self._seen[step, target] = (sign, now)
            return ""
        times = (now - known[1]) // self.silence
        return words(times * self.silence) if times else ""

    async def answer(
        self,
        work: Awaitable[T],
        *,
        limit: timedelta,
        hangs: Callable[[str], Awaitable[bool]],
    ) -> T:
        """What the call answers or raises. While it hangs, `hangs` is told for how long; when that returns True the call is cut.

        Raises Cut. What runs in a thread of the provider's goes on there: calls are idempotent.
        """
        task = asyncio.ensure_future(work)
        try:
            return await self._awaited(task, limit.total_seconds(), hangs)
        finally:
            if not task.done():
                task.add_done_callback(_forget)
                task.cancel()

    async def _awaited(self, task: asyncio.Future[T], limit_s: float, hangs: Callable[[str], Awaitable[bool]]) -> T:
        loop = asyncio.get_running_loop()
        began, silence_s = loop.time(), self.silence.total_seconds()
        pause = silence_s
        while True:
            waited = loop.time() - began
            await asyncio.wait({task}, timeout=max(0.0, min(pause, limit_s - waited)))
            if task.done():
                return task.result()
            waited = loop.time() - began
            if waited >= limit_s:
                raise Cut(timedelta(seconds=limit_s))
            times = waited // silence_s
            if times and await hangs(words(times * self.silence)):
                raise Cut(timedelta(seconds=round(waited, 1)))
            pause = min(_LOOK_S, silence_s)


def words(time: timedelta) -> str:
    """ "6 min", "2.5 s"."""
    seconds = time.total_seconds()
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"


def _forget(task: asyncio.Future[T]) -> None:
    if not task.cancelled():
        task.exception()  # nobody waits for it any more

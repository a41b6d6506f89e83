"""Empties the outbox: at least once, in order for each cluster, with growing pauses, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from ..contracts import Clock, ClusterEvent, EventStore, Sender
from ..domain.errors import JeroboamError, RetryLater

_LONGEST_PAUSE = timedelta(minutes=5)
_log = structlog.get_logger(__name__)


@dataclass
class Courier:
    """A crash between arrival and `close_event` sends the event once more."""

    store: EventStore
    sender: Sender
    clock: Clock
    poll: timedelta = timedelta(seconds=1)
    deadline: timedelta = timedelta(seconds=30)  # of one event, above what the sender itself allows
    max_age: timedelta = timedelta(days=1)
    max_events: int = 100_000
    batch: int = 8
    mine: Callable[[], bool] = lambda: True  # whether the outbox is ours to empty: of several conductors it is one's

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                carried = await self.once() if self.mine() else 0
            except RetryLater as error:
                _log.warning("the outbox cannot be read", why=error.message)
                carried = 0
            if not carried:
                await asyncio.sleep(self.poll.total_seconds())

    async def once(self) -> int:
        """One round; how many events arrived."""
        dropped = await self.store.drop_events(before=self.clock.now() - self.max_age, keep=self.max_events)
        if dropped:
            _log.error("notifications were given up: too old or too many", events=dropped)
        due = await self.store.due_events(self.batch)
        return sum(await asyncio.gather(*(self._carry(event) for event in due)))

    async def _carry(self, event: ClusterEvent) -> bool:
        if event.id is None:
            return False
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                await self.sender.send(event)
        except (RetryLater, TimeoutError) as error:
            return await self._later(event, event.id, error)
        except JeroboamError as error:
            _log.error("a notification is not taken, and given up", event_id=event.uuid, why=error.message)
        await self.store.close_event(event.id)
        return True

    async def _later(self, event: ClusterEvent, row: int, error: Exception) -> bool:
        pause = min(timedelta(seconds=2.0 ** min(event.attempts, 16)), _LONGEST_PAUSE)
        _log.warning("a notification waits", event_id=event.uuid, pause_s=pause.total_seconds(), why=str(error))
        await self.store.postpone_event(row, self.clock.now() + pause)
        return False

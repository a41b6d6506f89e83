"""Keeps this conductor's lease, and takes over from conductors that are silent or have left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from ..contracts import Engine, Lease, LeaseStore
from ..domain.errors import LeaseOver, RetryLater
from .pulse import Pulse, seconds
from .together import together
from .watch import Watch

_log = structlog.get_logger(__name__)


@dataclass
class LeaseKeeper:
    """Beats once a `beat`; a lease without a new beat for `lease` is ended by whoever sees it first.

    From a kill to the work's going on: `lease`, two beats, and the engine's pause between two looks at its queue.
    """

    store: LeaseStore
    engine: Engine
    executor_id: str
    host: str
    pulse: Pulse
    beat: timedelta = timedelta(seconds=1)
    lease: timedelta = timedelta(seconds=5)
    # Looks for work of the dead though nobody left: a taker may have died over it.
    sweep: timedelta = timedelta(seconds=30)
    first: bool = False  # this is the oldest conductor that lives: what only one may do at a time is its own
    _alive: Sequence[Lease] = ()
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self) -> None:
        """Before the engine starts: whoever takes over from the dead must see us alive before we own work."""
        self.first, self._alive = False, ()
        begun = seconds()
        await self.store.take_lease(self.executor_id, self.host)
        self.pulse.felt(begun, starting=True)
        self._alive = await self.store.list_leases()

    def alive(self) -> Sequence[str]:
        """The executors that lived at the last look."""
        return [lease.executor_id for lease in self._alive]

    async def run(self) -> None:
        """Until cancelled. Raises LeaseOver when it is."""
        await together(self._beats(), self._take_overs())

    async def _beats(self) -> None:
        watch = Watch(self.lease)
        while True:
            try:
                await self._look(watch)
            except LeaseOver as error:
                self.first = False
                _log.error("the lease is over", why=str(error))
                raise
            except RetryLater as error:
                _log.warning("no sign of life written", why=error.message)
            await asyncio.sleep(self.beat.total_seconds())

    async def _look(self, watch: Watch) -> None:
        """One beat and one look at the others."""
        begun = seconds()
        await self.store.beat()
        self.pulse.felt(begun)
        leases = await self.store.list_leases()
        ended = set()
        for lease in watch.silent(leases, seconds()):
            if lease.executor_id != self.executor_id and await self.store.end_lease(lease):
                ended.add(lease.token)
                _log.warning(
                    "a conductor is silent; its work is taken over", host=lease.host, executor=lease.executor_id
                )
        alive = [lease for lease in leases if lease.token not in ended]
        if {lease.token for lease in self._alive} - {lease.token for lease in alive} or ended:
            self._left.set()
        self.first = bool(alive) and alive[0].executor_id == self.executor_id
        self._alive = alive

    async def _take_overs(self) -> None:
        """Apart from the beats, which wait for nothing."""
        while True:
            self._left.clear()
            try:
                alive = [lease.executor_id for lease in await self.store.list_leases()]
                taken = await self.engine.adopt(alive)
                if taken:
                    _log.info("operations of other conductors are queued again", operations=taken)
            except RetryLater as error:
                _log.warning("nothing is taken over", why=error.message)
            try:
                async with asyncio.timeout(self.sweep.total_seconds()):
                    await self._left.wait()
            except TimeoutError:
                continue

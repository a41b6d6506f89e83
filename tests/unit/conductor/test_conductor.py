"""A conductor that lost its lease begins anew, and tries until it has one."""

import asyncio
from datetime import timedelta
from typing import cast

from jeroboam.conductor.conductor import Conductor
from jeroboam.conductor.dispatcher import Dispatcher
from jeroboam.conductor.health import HealthScan
from jeroboam.conductor.lease_keeper import LeaseKeeper
from jeroboam.contracts import Engine, Store
from jeroboam.domain.errors import LeaseOver, ProviderUnavailable
from jeroboam.reconcile.reconciler import Reconciler
from jeroboam.testing.memory_engine import MemoryEngine


class Beating:
    """A store whose heartbeat ends as is said, one time after the other."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.ends = list(ends)
        self.given_back = False

    async def heartbeat(self, host: str, binary: str) -> None:
        end = self.ends.pop(0)
        if end is not None:
            raise end

    async def give_lease_back(self) -> None:
        self.given_back = True


class Loop:
    """Of the keeper, the dispatcher and the health scan; the keeper's finds the lease gone once."""

    def __init__(self, *, loses: bool = False) -> None:
        self.host, self.takes, self.runs, self._loses = "here", 0, 0, loses

    async def take(self) -> None:
        self.takes += 1

    async def run(self) -> None:
        self.runs += 1
        if self._loses and self.runs == 1:
            raise LeaseOver("gone")
        await asyncio.Event().wait()


async def test_a_lease_that_is_over_before_the_work_begins_is_taken_once_more() -> None:
    store = Beating(None, LeaseOver("gone again"), ProviderUnavailable("away", after_s=0.01), None)
    keeper, dispatcher, health = Loop(loses=True), Loop(), Loop()
    conductor = Conductor(
        cast("Store", store),
        cast("Engine", MemoryEngine()),
        cast("Reconciler", Loop()),
        cast("Dispatcher", dispatcher),
        cast("HealthScan", health),
        cast("LeaseKeeper", keeper),
        again=timedelta(milliseconds=10),
    )
    await conductor.start()
    waiting = asyncio.create_task(conductor.wait())
    async with asyncio.timeout(60):
        while dispatcher.runs < 2:
            await asyncio.sleep(0.01)
    assert (keeper.takes, store.ends) == (4, [])
    assert not waiting.done()
    waiting.cancel()
    await conductor.stop()
    assert store.given_back

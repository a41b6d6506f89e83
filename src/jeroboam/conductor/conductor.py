"""The conductor's life: lease first, then the engine, then dispatch and health; and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from ..contracts import Engine, Store
from ..domain.errors import LeaseOver, RetryLater
from ..reconcile.reconciler import Reconciler
from .courier import Courier
from .dispatcher import Dispatcher
from .health import HealthScan
from .lease_keeper import LeaseKeeper

_log = structlog.get_logger(__name__)


@dataclass
class Conductor:
    """Start once, stop once. Between them it may lose its lease, and begins anew then."""

    store: Store
    engine: Engine
    reconciler: Reconciler
    dispatcher: Dispatcher
    health: HealthScan
    keeper: LeaseKeeper
    courier: Courier | None = None
    again: timedelta = timedelta(seconds=1)  # after a lease that was over before the work began
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Lease and heartbeat before the launch of the engine."""
        await self.keeper.take()
        await self.store.heartbeat(self.dispatcher.host, "magnum-conductor")
        await self.engine.start(self.reconciler.run)
        loops: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "lease": self.keeper.run,
            "dispatcher": self.dispatcher.run,
            "health": self.health.run,
        }
        if self.courier is not None:
            loops["courier"] = self.courier.run
        self._tasks = [asyncio.create_task(loop(), name=name) for name, loop in loops.items()]

    async def wait(self) -> None:
        """Returns only by raising, when one of the loops dies of a bug. Begins anew when the lease is over."""
        while True:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:  # those that are cancelled, though nobody stopped us, found the lease gone
                if task.done() and not task.cancelled():
                    task.result()
            _log.warning("this conductor stops all of its work, and begins anew under another lease")
            await self._stop_work()
            await self._start_anew()

    async def _start_anew(self) -> None:
        while True:
            try:
                await self.start()
            except (RetryLater, LeaseOver) as error:
                _log.warning("no new lease yet", why=str(error))
                await self._stop_work()
                await asyncio.sleep(error.after_s if isinstance(error, RetryLater) else self.again.total_seconds())
            else:
                return

    async def stop(self) -> None:
        """Running operations stop where they are; others go on with them at once, or this one after its next start."""
        await self._stop_work()
        if self.courier is not None:
            await self.courier.sender.stop()
        try:
            await self.store.give_lease_back()
        except RetryLater as error:
            _log.warning("the lease is not given back; it will run out", why=error.message)

    async def _stop_work(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # what a loop died of is told by `wait`
        await self.engine.stop()

"""The conductor's life: heartbeat first, then the engine, then dispatch and health; and an orderly end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..contracts import Engine, Store
from ..reconcile.reconciler import Reconciler
from .courier import Courier
from .dispatcher import Dispatcher
from .health import HealthScan


@dataclass
class Conductor:
    """Start once, stop once."""

    store: Store
    engine: Engine
    reconciler: Reconciler
    dispatcher: Dispatcher
    health: HealthScan
    courier: Courier | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Heartbeat before launch: whoever reaps the dead must see us alive before we own work."""
        await self.store.heartbeat(self.dispatcher.host, "magnum-conductor")
        await self.engine.start(self.reconciler.run)
        self._tasks = [
            asyncio.create_task(self.dispatcher.run(), name="dispatcher"),
            asyncio.create_task(self.health.run(), name="health"),
        ]
        if self.courier is not None:
            self._tasks.append(asyncio.create_task(self.courier.run(), name="courier"))

    async def wait(self) -> None:
        """Returns only by raising, when one of the loops dies of a bug."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Running operations stop where they are and go on after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # what a loop died of is told by `wait`
        if self.courier is not None:
            await self.courier.sender.stop()
        await self.engine.stop()

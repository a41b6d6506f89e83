"""Moves operations from the store's queue to the engine, and notices those that the engine gave up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from ..contracts import ClusterRow, Engine, EngineState, GroupStatus, StatusChange, Store
from ..domain import IN_PROGRESS, Operation, OperationState, Verb, end
from ..domain.errors import ErrorClass, RetryLater
from .together import together

_HINT = "Delete the cluster or try again; the operator finds the cause in the service's log."
_OVER = (EngineState.DONE, EngineState.FAILED, EngineState.CANCELLED)
_log = structlog.get_logger(__name__)


@dataclass
class Dispatcher:
    """Looks when the store says that something was asked for, and once a `sweep` anyway: a lost word costs only that time."""

    store: Store
    engine: Engine
    host: str
    pause: timedelta = timedelta(milliseconds=50)  # between two looks, however much is asked for
    heartbeat: timedelta = timedelta(seconds=10)
    # Through all that may run: what waited for its cluster, or came in out of order.
    sweep: timedelta = timedelta(seconds=1)
    look_again: timedelta = timedelta(seconds=5)  # whether the engine still has what it was given
    batch: int = 2000
    _newest: datetime | None = None  # when the last operation that was seen was asked for
    _swept: float = -math.inf
    _looked: dict[str, float] = field(default_factory=dict)  # loop time of the last look at the engine, by operation

    async def run(self) -> None:
        """Until cancelled."""
        await together(self._beat(), self._dispatch())

    async def _beat(self) -> None:
        while True:
            try:
                await self.store.heartbeat(self.host, "magnum-conductor")
            except RetryLater as error:
                _log.warning("no heartbeat written", why=error.message)
            await asyncio.sleep(self.heartbeat.total_seconds())

    async def _dispatch(self) -> None:
        while True:
            pause = self.pause.total_seconds()
            try:
                await self._turn()
                left = self._swept + self.sweep.total_seconds() - asyncio.get_running_loop().time()
                await self.store.await_operations(timedelta(seconds=max(0.0, left - pause)))
            except RetryLater as error:
                _log.warning("nothing is handed to the engine", why=error.message, hint=error.hint)
                pause = error.after_s
            await asyncio.sleep(pause)

    async def _turn(self) -> None:
        """What is new, often; everything, now and then."""
        now = asyncio.get_running_loop().time()
        if now - self._swept < self.sweep.total_seconds():
            await self._hand_over(await self.store.runnable_operations(self.batch, since=self._newest), now)
            return
        operations = await self.store.runnable_operations(self.batch)
        live = {operation.uuid for operation in operations}
        self._looked = {uuid: moment for uuid, moment in self._looked.items() if uuid in live}
        again = self.look_again.total_seconds()
        due = [one for one in operations if now - self._looked.get(one.uuid, -math.inf) >= again]
        await self._hand_over(due, now)
        self._swept = now

    async def _hand_over(self, operations: Sequence[Operation], now: float) -> None:
        """In their order, those that the engine does not know yet."""
        states = await self.engine.statuses([operation.uuid for operation in operations])
        fresh = {one.uuid: one.project_id for one in operations if one.uuid not in states}
        if fresh:
            await self.engine.submit(fresh)
        for operation in operations:
            if (state := states.get(operation.uuid)) in _OVER:
                await self._given_up(operation, state)
        self._looked.update({one.uuid: now for one in operations})
        asked = [one.created_at for one in operations if one.created_at is not None]
        self._newest = max([*asked, self._newest] if self._newest else asked, default=None)

    async def _given_up(self, operation: Operation, state: EngineState) -> None:
        """The engine ended what is not final: a bug of ours, shown as one instead of hanging for ever."""
        begun = await self.store.begin_operation(operation.uuid)
        if begun is None:
            return
        _log.error("the engine gave up an operation", operation=operation.uuid, engine_state=state)
        error = f"The engine ended this operation early ({state})."
        row = await self.store.load(operation.cluster_uuid)
        await self.store.finish_operation(
            operation.uuid,
            begun[1],
            OperationState.FAILED,
            change=_failed(row, operation.verb, f"{error} {_HINT}") if row else None,
            error=error,
            error_class=ErrorClass.BUG,
            hint=_HINT,
        )


def _failed(row: ClusterRow, verb: Verb, reason: str) -> StatusChange | None:
    """Nothing stays in progress when nobody works on it; a deletion that was asked for meanwhile is still to come."""
    if row.cluster.deleting and verb is not Verb.DELETE:
        return None
    status = end(verb, ok=False)
    groups = {g.uuid: GroupStatus(status=status, status_reason=reason) for g in row.groups if g.status in IN_PROGRESS}
    return StatusChange(status=status, status_reason=reason, groups=groups)

"""Moves operations from the store's queue to the engine, and notices those that the engine gave up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from ..contracts import Engine, EngineState, Store
from ..domain import Operation, OperationState
from ..domain.errors import ErrorClass, RetryLater

_log = structlog.get_logger(__name__)


@dataclass
class Dispatcher:
    """Polls; a lost notification would cost only time, so there is none."""

    store: Store
    engine: Engine
    host: str
    poll: timedelta = timedelta(milliseconds=100)
    heartbeat: timedelta = timedelta(seconds=10)
    batch: int = 200
    _submitted: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.gather(self._beat(), self._dispatch())

    async def _beat(self) -> None:
        while True:
            try:
                await self.store.heartbeat(self.host, "magnum-conductor")
            except RetryLater as error:
                _log.warning("no heartbeat written", why=error.message)
            await asyncio.sleep(self.heartbeat.total_seconds())

    async def _dispatch(self) -> None:
        while True:
            pause = self.poll.total_seconds()
            try:
                operations = await self.store.runnable_operations(self.batch)
                await self._hand_over(operations)
            except RetryLater as error:
                _log.warning("the store does not answer", why=error.message)
                pause = error.after_s
            await asyncio.sleep(pause)

    async def _hand_over(self, operations: Sequence[Operation]) -> None:
        live: set[str] = set()
        for operation in operations:
            live.add(operation.uuid)
            if operation.uuid not in self._submitted:
                await self._submit(operation)
                self._submitted.add(operation.uuid)
        self._submitted &= live

    async def _submit(self, operation: Operation) -> None:
        state = await self.engine.status(operation.uuid)
        if state in (EngineState.DONE, EngineState.FAILED, EngineState.CANCELLED):
            await self._given_up(operation, state)
        elif state is EngineState.UNKNOWN:
            await self.engine.submit(operation.uuid, tenant=operation.project_id)

    async def _given_up(self, operation: Operation, state: EngineState) -> None:
        """The engine ended what is not final: a bug of ours, shown as one instead of hanging for ever."""
        begun = await self.store.begin_operation(operation.uuid)
        if begun is None:
            return
        _log.error("the engine gave up an operation", operation=operation.uuid, engine_state=state)
        await self.store.finish_operation(
            operation.uuid,
            begun[1],
            OperationState.FAILED,
            error=f"The engine ended this operation early ({state}).",
            error_class=ErrorClass.BUG,
            hint="Delete the cluster or try again; the operator finds the cause in the service's log.",
        )

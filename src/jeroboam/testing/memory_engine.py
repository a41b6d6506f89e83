"""The engine port without durability: tasks of this process. For tests, and as the plainest statement of what the port means."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from ..contracts import EngineState, Runner


class MemoryEngine:
    """Implements contracts.Engine except that nothing survives the process."""

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()

    async def start(self, runner: Runner) -> None:
        self._runner = runner

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def submit(self, operations: Mapping[str, str]) -> None:
        if self._runner is None:
            raise RuntimeError("the engine is not started")
        for uuid in operations:
            if uuid not in self._tasks and uuid not in self._cancelled:
                self._tasks[uuid] = asyncio.create_task(self._run(self._runner, uuid))

    async def _run(self, runner: Runner, operation_uuid: str) -> None:
        await runner(operation_uuid)

    async def adopt(self, alive: Collection[str]) -> int:
        return 0  # there are no others

    async def cancel(self, operation_uuid: str) -> None:
        self._cancelled.add(operation_uuid)

    async def status(self, operation_uuid: str) -> EngineState:
        if operation_uuid in self._cancelled:
            return EngineState.CANCELLED
        task = self._tasks.get(operation_uuid)
        if task is None:
            return EngineState.UNKNOWN
        if not task.done():
            return EngineState.PENDING
        return EngineState.FAILED if task.cancelled() or task.exception() else EngineState.DONE

    async def statuses(self, operation_uuids: Sequence[str]) -> Mapping[str, EngineState]:
        found = {uuid: await self.status(uuid) for uuid in operation_uuids}
        return {uuid: state for uuid, state in found.items() if state is not EngineState.UNKNOWN}

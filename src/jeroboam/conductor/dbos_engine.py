"""The engine port on DBOS Transact: durable queue on SQLite or PostgreSQL, no server of its own.

Source: docs.dbos.dev and the library's source, version 3.4. What we rely on:
- a workflow id is run once; enqueueing it again attaches to the first;
- a workflow whose task is cancelled (not failed) stays PENDING and is queued again at the next launch of the same executor id;
- `launch()` inside a running event loop makes DBOS run workflows on that loop.
DBOS is a singleton of the process; so is this adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..contracts import EngineState, Runner
from .engine_database import EngineDatabase, in_use
from .engine_queue import EngineQueue

if TYPE_CHECKING:
    from dbos import DBOS

# DBOS runs only workflows of this version: raise it when what is submitted means another thing. Those of processes that recorded
# steps in them are of the same: nobody asks for the records any more.
OPERATIONS_FORMAT = "operations-1"
QUEUE = "operations"
_IDLE_S = 0.25  # DBOS wakes so often for messages between workflows, of which we send none; its end waits for that
_OWN_QUEUE_S = 60.0
_STATES = {
    "ENQUEUED": EngineState.PENDING,
    "DELAYED": EngineState.PENDING,
    "PENDING": EngineState.PENDING,
    "SUCCESS": EngineState.DONE,
    "CANCELLED": EngineState.CANCELLED,
    "ERROR": EngineState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": EngineState.FAILED,
}


def _quieten(dbos: DBOS) -> None:
    """Before the launch. Two threads would ask the database each second for what we have none of: workflows that begin later or have a
    deadline, and DBOS's own queue, by which it resumes and restarts workflows. Source: dbos 3.4, `_workflow_commands`, `_dbos`."""
    dbos._background_jobs_stop_event.set()
    dbos._registry.get_internal_queue()._polling_interval_sec = _OWN_QUEUE_S


class DbosEngine:
    """Implements contracts.Engine. `url` is an SQLAlchemy URL of a database of its own (SQLite) or a shared one (PostgreSQL)."""

    def __init__(
        self,
        url: str,
        *,
        executor_id: str,
        workers: int = 64,
        per_tenant: int = 16,
        poll_s: float = 0.05,
        sweep_s: float = 1.0,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """`poll_s`: between two looks at the queue, however much happens; `sweep_s`: between two for what other processes queued.
        `alive`: whether this executor may still write; while it may not, its statements wait."""
        self._database = EngineDatabase(url, alive)
        self._executor_id = executor_id
        self._workers = workers
        self._per_tenant = per_tenant
        self._poll_s, self._sweep_s = poll_s, sweep_s
        self._dbos: type[DBOS] | None = None
        self._queue: EngineQueue | None = None
        self._claims: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runner: Runner | None = None

    async def start(self, runner: Runner) -> None:
        """Launch; operations that were under way are queued again at once. None runs before this ends."""
        from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer  # 1.3 s of CPU: only where it runs

        self._runner = runner
        config: DBOSConfig = {
            "name": "jeroboam",
            "executor_id": self._executor_id,
            "application_version": OPERATIONS_FORMAT,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "run_migrations": True,
            "max_executor_threads": 8,
            "notification_coalesce_sec": _IDLE_S,
        }
        config["system_database_engine"] = self._database.engine()
        config["system_database_url"] = self._database.url
        dbos = DBOS(config=config)
        DBOS.listen_queues([])  # ours is looked into by `EngineQueue`
        _quieten(dbos)

        # DBOS marks the function it is given; a method takes no marks.
        async def operation(operation_uuid: str) -> None:
            await self._operation(operation_uuid)

        workflow = DBOS.workflow(name="operation", max_recovery_attempts=1_000_000)(operation)
        self._dbos = DBOS  # before the launch: a stop while `start` still waits must find it
        DBOS.launch()
        queue = await DBOS.register_queue_async(
            QUEUE,
            worker_concurrency=self._workers,
            partition_worker_concurrency=self._per_tenant,
            polling_interval_sec=self._poll_s,
            on_conflict="always_update",
        )
        self._queue = EngineQueue(
            dbos,
            queue,
            workflow,
            executor_id=self._executor_id,
            version=OPERATIONS_FORMAT,
            workers=self._workers,
            per_tenant=self._per_tenant,
            pause=timedelta(seconds=self._poll_s),
            sweep=timedelta(seconds=self._sweep_s),
        )
        self._claims = asyncio.create_task(self._queue.run())

    async def _operation(self, operation_uuid: str) -> None:
        task = asyncio.current_task()
        if task is None or self._runner is None:
            raise RuntimeError("the engine is not started")
        self._tasks.add(task)
        try:
            await self._runner(operation_uuid)
        finally:
            self._tasks.discard(task)
            if self._queue is not None:
                self._queue.ended(operation_uuid)

    async def stop(self) -> None:
        """Cancel the tasks (their workflows stay pending) and close."""
        self._database.close()
        tasks = [*self._tasks, *([self._claims] if self._claims else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._dbos is not None:
            dbos, self._dbos = self._dbos, None
            await asyncio.to_thread(dbos.destroy, destroy_registry=True)

    async def submit(self, operations: Mapping[str, str]) -> None:
        self._live()
        if self._queue is None:
            raise RuntimeError("the engine is not started")
        with in_use():
            await self._queue.put(operations)

    async def adopt(self, alive: Collection[str]) -> int:
        dbos = self._live()
        with in_use():
            under_way = await dbos.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        dead = {one.executor_id for one in under_way if one.executor_id} - set(alive)
        if not dead:
            return 0
        # Asked by executor and not by uuid (`resume_workflows`): whoever comes second finds nothing, and the queue stays the same.
        with in_use():
            taken = len(await asyncio.to_thread(dbos._recover_pending_workflows, sorted(dead)))
        if taken and self._queue is not None:
            self._queue.look()
        return taken

    async def cancel(self, operation_uuid: str) -> None:
        with in_use():
            await self._live().cancel_workflow_async(operation_uuid)

    async def status(self, operation_uuid: str) -> EngineState:
        with in_use():
            found = await self._live().get_workflow_status_async(operation_uuid)
        return EngineState.UNKNOWN if found is None else _STATES[found.status]

    async def statuses(self, operation_uuids: Sequence[str]) -> Mapping[str, EngineState]:
        if not operation_uuids:
            return {}
        with in_use():
            found = await self._live().list_workflows_async(
                workflow_ids=list(operation_uuids), load_input=False, load_output=False
            )
        return {one.workflow_id: _STATES[one.status] for one in found}

    def _live(self) -> type[DBOS]:
        if self._dbos is None:
            raise asyncio.CancelledError("the engine is stopping")
        return self._dbos

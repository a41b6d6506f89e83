"""The engine's queue, which DBOS keeps and we look into: what many put in by one transaction, and what this process may run.

DBOS's own thread asks the database at every look for the queue's settings and for the tenants that wait, and there is nothing to do nearly
always. Here a look follows what gives it something to do: operations were put in, a run ended while others waited, work of the dead was
queued again. What other processes put in is found by a look now and then.

Source: dbos 3.4; the claims are those of `_queue.queue_worker_thread`, and operations are put in as its Kafka consumer does
(`_core.prepare_enqueued_workflow`, `SystemDatabase.init_workflows`). None of it is of the library's public face, which puts in one
operation a call.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog

if TYPE_CHECKING:
    from dbos import DBOS, Queue

_CLAIMED = "PENDING"  # DBOS's word for what somebody runs
_IN_DOUBT = timedelta(minutes=2)
_log = structlog.get_logger(__name__)


class EngineQueue:
    """`pause`: between two looks, however much happens; `sweep`: without anything that happens here. Lives on one event loop."""

    def __init__(
        self,
        dbos: DBOS,
        queue: Queue,
        workflow: Callable[..., Any],
        *,
        executor_id: str,
        version: str,
        workers: int,
        per_tenant: int,
        pause: timedelta,
        sweep: timedelta,
    ) -> None:
        self._dbos, self._queue, self._workflow = dbos, queue, workflow
        self._executor_id, self._version = executor_id, version
        self._workers, self._per_tenant = workers, per_tenant
        self._pause, self._sweep = pause, sweep
        self._running: dict[str, str] = {}  # what this process claimed and has not ended: tenant by operation
        # Claims that may lie in the database and not run: until when they are looked after, and what of each began all the same.
        self._doubtful: dict[str, tuple[float, Collection[str]]] = {}
        self._more = False  # the last look left something for want of room
        self._word = asyncio.Event()

    async def put(self, operations: Mapping[str, str]) -> None:
        """Operations with their tenants, in this order; those that were put in before are passed over."""
        await asyncio.to_thread(self._put, operations)
        self._word.set()

    def _put(self, operations: Mapping[str, str]) -> None:
        from dbos._core import prepare_enqueued_workflow
        from dbos._sys_db import db_retry

        prepared = partial(
            prepare_enqueued_workflow, self._dbos, self._workflow, kwargs={}, queue_name=self._queue.name
        )
        rows = [
            prepared(args=(operation,), workflow_id=operation, queue_partition_key=tenant)
            for operation, tenant in operations.items()
        ]
        # A lost connection, or a deadlock with who puts in the same in another order: DBOS tries that again for one operation only.
        database = self._dbos._sys_db
        db_retry(sys_db=database)(database.init_workflows)(rows)

    def ended(self, operation: str) -> None:
        """A run of this process is over, however."""
        self._running.pop(operation, None)
        if self._more:
            self._word.set()

    def look(self) -> None:
        """Something was queued by other ways."""
        self._word.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._word.clear()
            try:
                await self._claim()
            except Exception as error:  # noqa: BLE001 - DBOS waits for a lost database itself; what else there is passes, or is logged for ever
                _log.warning("the engine's queue cannot be read", why=str(error))
            await asyncio.sleep(self._pause.total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(self._sweep.total_seconds()):
                    await self._word.wait()

    async def _claim(self) -> None:
        await self._put_back_doubtful()
        self._more = len(self._running) >= self._workers
        if self._more:
            return
        tenants = await asyncio.to_thread(self._dbos._sys_db.get_queue_partitions, self._queue.name)
        random.shuffle(tenants)  # nobody comes last each time
        for tenant in tenants:
            mine = Counter(self._running.values())[tenant]
            room = min(self._workers - len(self._running), self._per_tenant - mine)
            taken = await self._take(tenant, mine) if room > 0 else 0
            self._more = self._more or taken >= room

    async def _take(self, tenant: str, running: int) -> int:
        """Claim what there is room for, and begin it; how much that was."""
        # Names this claim: the record of a run's end is refused to whoever held an earlier one.
        claim = str(uuid.uuid4())
        found: Sequence[str] = ()
        begun: Collection[str] = ()
        certain = False
        try:
            found, _ = await asyncio.to_thread(
                partial(
                    self._dbos._sys_db.start_queued_workflows,
                    self._queue,
                    self._executor_id,
                    self._version,
                    tenant,
                    len(self._running),
                    running,
                    owner_xid=claim,
                )
            )
            self._running.update(dict.fromkeys(found, tenant))
            begun = await self._begin(found, claim)
            certain = len(begun) == len(found)
        finally:
            for operation in set(found) - set(begun):
                self.ended(operation)
            if not certain:
                self._doubtful[claim] = (asyncio.get_running_loop().time() + _IN_DOUBT.total_seconds(), begun)
        return len(found)

    async def _begin(self, operations: Sequence[str], claim: str) -> Collection[str]:
        """Those that run now: others did not begin, or were cancelled meanwhile."""
        from dbos._core import execute_dequeued_workflow

        if not operations:
            return ()
        found = await asyncio.to_thread(self._dbos._sys_db.get_workflow_statuses, list(operations))
        claimed = [one for one in found if one["status"] == _CLAIMED]
        begins = (asyncio.to_thread(execute_dequeued_workflow, self._dbos, status, claim) for status in claimed)
        ends = await asyncio.gather(*begins, return_exceptions=True)
        begun: list[str] = []
        for status, end in zip(claimed, ends, strict=True):
            if isinstance(end, BaseException):
                _log.error(
                    "an operation that was claimed did not begin", operation=status["workflow_uuid"], why=str(end)
                )
            else:
                begun.append(status["workflow_uuid"])
        return begun

    async def _put_back_doubtful(self) -> None:
        """What lies in the database as ours and does not run. More than once: a claim whose answer was lost may yet be committed."""
        now = asyncio.get_running_loop().time()
        self._doubtful = {claim: (ends, begun) for claim, (ends, begun) in self._doubtful.items() if ends > now}
        if self._doubtful and (count := await asyncio.to_thread(self._put_back)):
            _log.warning("operations that were claimed and did not begin are queued again", count=count)

    def _put_back(self) -> int:
        """As DBOS does with those of the dead (`reenqueue_for_recovery`); what others claimed since bears their token."""
        database = self._dbos._sys_db
        rows = database.tables.workflow_status
        begun = [operation for _, some in self._doubtful.values() for operation in some]
        ours = sa.and_(rows.c.status == _CLAIMED, rows.c.owner_xid.in_(self._doubtful))
        queued = {"status": "ENQUEUED", "owner_xid": None, "started_at_epoch_ms": None}
        with database.engine.begin() as connection:
            put_back = rows.update().where(ours, rows.c.workflow_uuid.not_in(begun)).values(queued)
            return int(connection.execute(put_back).rowcount)

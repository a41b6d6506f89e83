"""An operation whose run ends in the engine without an end in the store: told as a failure, never left hanging."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from jeroboam.conductor.dispatcher import Dispatcher
from jeroboam.domain import ErrorClass, OperationKind, OperationState, Status
from jeroboam.testing import builders
from jeroboam.testing.memory_engine import MemoryEngine
from jeroboam.testing.stage import Stage

EARLY = "The engine ended this operation early (failed)."


async def broken(_operation_uuid: str) -> None:
    await asyncio.sleep(0.05)
    raise ZeroDivisionError


async def dispatch(stage: Stage, operation_uuid: str) -> None:
    """A dispatcher until the operation is final."""
    engine = MemoryEngine()
    await engine.start(broken)
    brief = timedelta(milliseconds=20)
    task = asyncio.create_task(Dispatcher(stage.store, engine, "host", pause=brief, look_again=brief).run())
    try:
        async with asyncio.timeout(10):
            while True:
                found = await stage.store.get_operation(operation_uuid)
                if found is not None and found.state is OperationState.FAILED:
                    return
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_run_that_dies_in_the_engine_fails_its_operation_and_cluster(stage: Stage) -> None:
    cluster, create = await stage.add()
    await dispatch(stage, create.uuid)
    done = await stage.store.get_operation(create.uuid)
    assert done is not None
    assert (done.error, done.error_class) == (EARLY, ErrorClass.BUG)
    row = await stage.row(cluster)
    assert row.cluster.status is Status.CREATE_FAILED
    assert (row.cluster.status_reason or "").startswith(EARLY)
    assert [group.status for group in row.groups] == [Status.CREATE_FAILED, Status.CREATE_FAILED]


async def test_a_given_up_create_does_not_hide_a_deletion(stage: Stage) -> None:
    cluster, create = await stage.add()
    assert await stage.store.begin_operation(create.uuid) is not None
    await stage.store.request_delete(cluster.uuid, builders.operation(cluster, OperationKind.DELETE))
    await dispatch(stage, create.uuid)
    assert (await stage.row(cluster)).cluster.status is Status.DELETE_IN_PROGRESS

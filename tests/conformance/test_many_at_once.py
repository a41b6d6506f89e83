"""Many operations at once under one lease: each has what it asks for, whether or not they share a statement."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.contracts import StatusChange, SystemClock
from jeroboam.domain import OperationState, Resource, Status, Step
from jeroboam.domain.errors import InvalidRequest, LeaseLost, LeaseOver
from jeroboam.store import Sealer, SqlStore, tables

MANY = 20
WAIT_S = 60.0


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A conductor's, with its lease."""
    made = SqlStore(url, Sealer(KEY), SystemClock())
    await made.start()
    made.record_events = True
    await made.take_lease("one", "host-1")
    yield made
    await made.stop()


async def begun(store: SqlStore) -> list[tuple[str, str]]:
    """Clusters with their operations, which run under the fence 1."""
    made = [await add(store) for _ in range(MANY)]
    await asyncio.gather(*(store.begin_operation(operation) for _, operation in made))
    return made


def statements(store: SqlStore) -> list[str]:
    """What is executed from here on, on PostgreSQL."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(store._engine.sync_engine, "before_cursor_execute", note)
    return seen


async def test_operations_that_begin_at_once_begin_each_by_its_own_state(store: SqlStore) -> None:
    made = [await add(store) for _ in range(MANY)]
    over, deleted, taken = made[3], made[7], made[11]
    await store.begin_operation(over[1])
    await store.finish_operation(over[1], 1, OperationState.FAILED, change=StatusChange(status=Status.CREATE_FAILED))
    await store.begin_operation(deleted[1])
    await store.remove_cluster(deleted[0], 1, deleted[1])
    first = await store.begin_operation(taken[1])
    assert first is not None
    twice = made[15][1]
    asked = [*(operation for _, operation in made), twice]
    found = await asyncio.gather(*(store.begin_operation(operation) for operation in asked))
    for place, (one, operation) in enumerate(zip(found, asked, strict=True)):
        if place in (3, 7):
            assert one is None
            continue
        assert one is not None
        assert (one[0].uuid, one[0].state) == (operation, OperationState.RUNNING)
    told = {one[0].uuid: one for one in found if one is not None}
    assert (told[taken[1]][1], told[taken[1]][0].started_at) == (2, first[0].started_at)
    assert sorted(one[1] for one in found if one is not None and one[0].uuid == twice) == [1, 2]
    for cluster, operation in made:
        row = await store.load(cluster)
        kept = await store.get_operation(operation)
        if operation in told:
            assert row is not None
            assert row.cluster.status is Status.CREATE_IN_PROGRESS
            assert kept == told[operation][0]
    async with store._read() as connection:
        told_of = (
            await connection.execute(
                sa.select(tables.events.c.cluster_uuid).where(tables.events.c.outcome == "pending")
            )
        ).scalars()
        assert sorted(told_of) == sorted(cluster for cluster, _ in made)  # what is begun again is no news


async def test_many_rows_of_the_timeline_get_each_its_own_number_and_end(store: SqlStore) -> None:
    made = await begun(store)
    now = SystemClock().now()
    wished = [Step(operation, "machine", f"w-{number}", 1, now) for number, (_, operation) in enumerate(made)]
    rows = await asyncio.gather(*(store.open_step(step) for step in wished))
    ends = (
        store.close_step(row, ok=True, message=f"end of {step.target}") for row, step in zip(rows, wished, strict=True)
    )
    await asyncio.gather(*ends, store.close_step(max(rows) + 1, ok=True))  # the last of nobody
    lists = await asyncio.gather(*(store.list_steps(operation) for _, operation in made))
    seen = [(step.id, step.target, step.message, step.ok) for [step] in lists]
    assert seen == [(row, step.target, f"end of {step.target}", True) for row, step in zip(rows, wished, strict=True)]


async def test_only_who_has_the_fence_writes(store: SqlStore) -> None:
    made = await begun(store)
    late = {made[4][0], made[16][0]}
    for cluster, operation in made:
        if cluster in late:
            await store.begin_operation(operation)  # somebody else took over
    writes: list[Any] = [store.open_resource(Resource(cluster, "machine", "w-0"), 1) for cluster, _ in made]
    again = store.open_resource(Resource(made[0][0], "machine", "w-0"), 1)
    ends = await asyncio.gather(*writes, again, return_exceptions=True)
    assert [type(end) for end in ends] == [LeaseLost if one[0] in late else type(None) for one in [*made, made[0]]]
    ledgers = [await store.open_resources(cluster) for cluster, _ in made]
    assert [len(ledger) for ledger in ledgers] == [0 if cluster in late else 1 for cluster, _ in made]


async def test_many_statuses_are_written_each_to_its_own_cluster(store: SqlStore) -> None:
    made = await begun(store)
    await store.begin_operation(made[9][1])
    changes = [
        StatusChange(backend_id=f"net-{number}", api_address=None if number % 3 else f"https://c-{number}")
        for number in range(MANY)
    ]
    writes = (store.write_status(cluster, 1, change) for (cluster, _), change in zip(made, changes, strict=True))
    again = store.write_status(made[12][0], 1, StatusChange(backend_id="the second"))
    ends = await asyncio.gather(*writes, again, return_exceptions=True)
    assert [place for place, end in enumerate(ends) if isinstance(end, LeaseLost)] == [9]
    assert sum(end is not None for end in ends) == 1
    rows = await asyncio.gather(*(store.load(cluster) for cluster, _ in made))
    seen = [(row.cluster.backend_id, row.cluster.api_address) for row in rows if row is not None]
    wished = [(change.backend_id, change.api_address) for change in changes]
    wished[9], wished[12] = (None, None), ("the second", wished[12][1])
    assert seen == wished


async def test_many_put_secrets_and_the_first_writer_of_each_wins(store: SqlStore) -> None:
    made = await begun(store)
    await store.put_secrets(made[5][0], {"ca": b"kept"})
    puts = [store.put_secrets(cluster, {"ca": cluster.encode(), "join": b"t"}) for cluster, _ in made]
    twice = store.put_secrets(made[8][0], {"ca": b"too late"})
    found = await asyncio.gather(*puts, twice)
    wished = [
        {"ca": b"kept" if place == 5 else cluster.encode(), "join": b"t"} for place, (cluster, _) in enumerate(made)
    ]
    assert list(found) == [*wished, wished[8]]
    assert list(await asyncio.gather(*(store.get_secrets(cluster) for cluster, _ in made))) == wished


async def test_what_the_database_refuses_of_one_is_its_own_error(store: SqlStore) -> None:
    made = await begun(store)
    rows = [await store.open_step(Step(operation, "boot", "", 1, SystemClock().now())) for _, operation in made]
    said = ["well" if place != 6 else "a NUL \x00 in it" for place in range(MANY)]
    closes = (store.close_step(row, ok=True, message=text) for row, text in zip(rows, said, strict=True))
    ends = await asyncio.gather(*closes, return_exceptions=True)
    assert [type(end) for end in ends] == [InvalidRequest if place == 6 else type(None) for place in range(MANY)]


async def test_whoever_shall_stop_hears_it_among_many(store: SqlStore) -> None:
    made = await begun(store)
    for place in (2, 17):
        await store.request_cancel(made[place][1], "req-1")
    asked = [*(operation for _, operation in made), "of nobody"]
    found = await asyncio.gather(*(store.cancel_requested(operation) for operation in asked))
    assert [place for place, stops in enumerate(found) if stops] == [2, 17]


async def outcome(write: Awaitable[Any]) -> type[BaseException] | None:
    try:
        await write
    except LeaseOver as error:  # of a task it would be no more than its being cancelled
        return type(error)
    return None


async def test_none_of_many_is_written_when_the_lease_is_over(store: SqlStore, url: str) -> None:
    made = await begun(store)
    other = SqlStore(url, Sealer(KEY), SystemClock())
    await other.take_lease("one", "host-1")
    now = SystemClock().now()
    writes: Sequence[Awaitable[Any]] = [
        *(store.open_step(Step(operation, "late", "", 1, now)) for _, operation in made),
        *(store.open_resource(Resource(cluster, "machine", "late"), 1) for cluster, _ in made),
        *(store.write_status(cluster, 1, StatusChange(backend_id="late")) for cluster, _ in made),
        *(store.put_secrets(cluster, {"late": b"1"}) for cluster, _ in made),
        *(store.cancel_requested(operation) for _, operation in made),
        *(store.begin_operation(operation) for _, operation in made),
    ]
    assert set(await asyncio.gather(*map(outcome, writes))) == {LeaseOver}
    for cluster, operation in made:
        row = await other.load(cluster)
        assert row is not None
        assert (row.cluster.backend_id, row.cluster.fence) == (None, 1)
        assert (await other.list_steps(operation), await other.open_resources(cluster)) == ([], [])
        assert await other.get_secrets(cluster) == {}
    await other.stop()


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_on_postgresql_many_take_few_statements(store: SqlStore) -> None:
    made = await begun(store)
    seen = statements(store)
    now = SystemClock().now()
    await asyncio.gather(*(store.open_step(Step(operation, "boot", "", 1, now)) for _, operation in made))
    await asyncio.gather(*(store.load(cluster) for cluster, _ in made))
    assert len(seen) < MANY


@asynccontextmanager
async def no_connection_is_free(store: SqlStore) -> AsyncIterator[None]:
    """The store's own are all in use."""
    async with AsyncExitStack() as taken:
        for _ in range(store._engine.pool.size()):  # type: ignore[attr-defined]
            await taken.enter_async_context(store._engine.connect())
        yield


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("then", ["another", "none"])
async def test_what_outlives_its_callers_begins_nothing_under_a_later_lease(
    store: SqlStore, url: str, then: str
) -> None:
    """Nor without one: they waited for the database when the lease ended and its conductor was cancelled."""
    made = [await add(store) for _ in range(MANY)]
    other = SqlStore(url, Sealer(KEY), SystemClock())
    await other.take_lease("other", "host-2")
    async with no_connection_is_free(store):
        callers = [asyncio.create_task(store.begin_operation(operation)) for _, operation in made]
        async with asyncio.timeout(WAIT_S):
            while not store._begins._tasks:
                await asyncio.sleep(0.01)
        assert await other.end_lease(next(one for one in await other.list_leases() if one.executor_id == "one"))
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await (store.take_lease("one", "host-1") if then == "another" else store.give_lease_back())
    async with asyncio.timeout(WAIT_S):
        while store._begins._tasks:
            await asyncio.sleep(0.01)
    for cluster, operation in made:
        row, kept = await other.load(cluster), await other.get_operation(operation)
        assert row is not None
        assert kept is not None
        assert (row.cluster.fence, kept.state) == (0, OperationState.QUEUED)
    await other.stop()


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_the_end_of_the_store_ends_what_is_shared(store: SqlStore) -> None:
    made = [await add(store) for _ in range(MANY)]
    async with no_connection_is_free(store):
        callers = [asyncio.create_task(store.begin_operation(operation)) for _, operation in made]
        async with asyncio.timeout(WAIT_S):
            while not store._begins._tasks:
                await asyncio.sleep(0.01)
            await store.stop()
            ends = await asyncio.gather(*callers[1:], return_exceptions=True)  # the first has a statement of its own
        assert {type(end) for end in ends} == {asyncio.CancelledError}
        assert not store._begins._tasks
        callers[0].cancel()
        await asyncio.gather(callers[0], return_exceptions=True)
    assert {operation.state for operation in await store.runnable_operations(MANY)} == {OperationState.QUEUED}


Write = Callable[[SqlStore, str, str], Awaitable[Any]]
WRITES: dict[str, Write] = {
    "begin": lambda store, _, operation: store.begin_operation(operation),
    "status": lambda store, cluster, _: store.write_status(cluster, 1, StatusChange(backend_id="net")),
    "ledger": lambda store, cluster, _: store.open_resource(Resource(cluster, "machine", "w-0"), 1),
}


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("what", ["begin", "status", "ledger"])
async def test_whoever_holds_one_cluster_holds_up_no_other(store: SqlStore, url: str, what: str) -> None:
    """And whoever waits for it holds none meanwhile."""
    made = await (begun(store) if what != "begin" else asyncio.gather(*(add(store) for _ in range(MANY))))
    held, row = made[7][0], sa.select(tables.clusters.c.id)
    with plain_engine(url).begin() as other:
        other.execute(sa.text("SET LOCAL lock_timeout = '20s'"))
        other.execute(row.where(tables.clusters.c.uuid == held).with_for_update())
        calls = [asyncio.create_task(told(WRITES[what](store, *one))) for one in made]
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*calls[:7], *calls[8:])
        assert not calls[7].done()
        other.execute(row.with_for_update())
    async with asyncio.timeout(WAIT_S):
        await calls[7]
    if what == "begin":
        assert all(call.result() for call in calls)


async def told(call: Awaitable[Any]) -> Any:
    return await call


async def test_each_status_changes_what_it_names(store: SqlStore) -> None:
    made = await begun(store)
    before = StatusChange(status_reason="boots", health_reason={"api": "ok"}, observed_generation=1)
    await asyncio.gather(*(store.write_status(cluster, 1, before) for cluster, _ in made))
    changes = [
        StatusChange(clear_reason=True, status_reason="not told"),
        StatusChange(health_reason={}),
        StatusChange(observed_generation=2, status=Status.CREATE_COMPLETE),
        StatusChange(status_reason="late"),
    ]
    seen = statements(store)
    writes = [store.write_status(cluster, 1, changes[place % 4]) for place, (cluster, _) in enumerate(made)]
    await asyncio.gather(*writes)
    assert len(seen) < MANY  # on SQLite none is seen
    wished = [
        (None, {"api": "ok"}, 1, Status.CREATE_IN_PROGRESS),
        ("boots", {}, 1, Status.CREATE_IN_PROGRESS),
        ("boots", {"api": "ok"}, 2, Status.CREATE_COMPLETE),
        ("late", {"api": "ok"}, 1, Status.CREATE_IN_PROGRESS),
    ]
    for place, (cluster, _) in enumerate(made):
        row = await store.load(cluster)
        assert row is not None
        kept = row.cluster
        assert (kept.status_reason, kept.health_reason, kept.observed_generation, kept.status) == wished[place % 4]


@pytest.mark.postgresql
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_to_ask_for_cancels_locks_no_lease(store: SqlStore, url: str) -> None:
    made = await begun(store)
    with plain_engine(url).begin() as other:
        other.execute(sa.select(tables.leases).with_for_update())
        async with asyncio.timeout(WAIT_S):
            found = await asyncio.gather(*(store.cancel_requested(operation) for _, operation in made))
    assert not any(found)

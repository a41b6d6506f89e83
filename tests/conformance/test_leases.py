"""Leases, on SQLite and on PostgreSQL: once a conductor's is over, nothing of its side is written any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from jeroboam.contracts import StatusChange, SystemClock
from jeroboam.domain import ErrorClass, Health, OperationState, Resource, Step
from jeroboam.domain.errors import LeaseLost, LeaseOver, ProviderUnavailable
from jeroboam.store import Sealer, SqlStore, tables
from jeroboam.testing import builders
from jeroboam.testing.postgres import PostgresServer


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Two conductors' stores on one database."""
    made = [SqlStore(url, Sealer(b"k" * 32), SystemClock()) for _ in range(2)]
    for store in made:
        await store.start()
    yield made[0], made[1]
    for store in made:
        await store.stop()


async def ended(one: SqlStore, other: SqlStore) -> None:
    """The first has a lease, which the second took away."""
    await one.take_lease("one", "host-1")
    await other.take_lease("other", "host-2")
    [lease, _] = await other.list_leases()
    assert await other.end_lease(lease)


async def test_leases_are_listed_oldest_first_and_beats_count(stores: tuple[SqlStore, SqlStore]) -> None:
    one, other = stores
    await one.take_lease("one", "host-1")
    await other.take_lease("other", "host-2")
    await one.beat()
    assert [(x.executor_id, x.host, x.beats) for x in await other.list_leases()] == [
        ("one", "host-1", 1),
        ("other", "host-2", 0),
    ]
    await one.give_lease_back()
    await one.give_lease_back()
    assert [lease.executor_id for lease in await other.list_leases()] == ["other"]


async def test_who_gave_a_sign_of_life_since_keeps_the_lease(stores: tuple[SqlStore, SqlStore]) -> None:
    one, other = stores
    await one.take_lease("one", "host-1")
    await other.take_lease("other", "host-2")
    seen = (await other.list_leases())[0]
    await one.beat()
    assert not await other.end_lease(seen)
    await one.beat()
    assert await other.end_lease((await other.list_leases())[0])
    with pytest.raises(LeaseOver):
        await one.beat()


async def test_another_start_under_the_same_name_ends_the_lease_before(stores: tuple[SqlStore, SqlStore]) -> None:
    one, other = stores
    await one.take_lease("same", "host-1")
    await other.take_lease("same", "host-1")
    with pytest.raises(LeaseOver):
        await one.beat()
    await other.beat()


async def test_under_its_lease_a_conductor_writes_steps_and_resources(stores: tuple[SqlStore, SqlStore]) -> None:
    """On PostgreSQL by single statements that hold the lease within them."""
    one, other = stores
    await one.take_lease("one", "host-1")
    cluster = builders.cluster()
    create = builders.operation(cluster)
    await builders.keep(one, cluster, create)
    begun = await one.begin_operation(create.uuid)
    assert begun is not None
    now = SystemClock().now()
    row = await one.open_step(Step(create.uuid, "network", "w-0", 2, now))
    await one.close_step(row, ok=False, message="late", error_class=ErrorClass.OPERATOR, hint="wait", log="last words")
    [kept] = await other.list_steps(create.uuid)
    assert (kept.id, kept.name, kept.target, kept.attempt, kept.started_at) == (row, "network", "w-0", 2, now)
    assert (kept.ok, kept.message, kept.error_class) == (False, "late", ErrorClass.OPERATOR)
    assert (kept.hint, kept.log) == ("wait", "last words")
    await one.close_step(row + 1, ok=True)  # of nobody
    resource = Resource(cluster.uuid, "machine", "w-0")
    for _ in range(2):  # the second is the first, opened again
        await one.open_resource(resource, begun[1])
        assert [found.name for found in await other.open_resources(cluster.uuid)] == ["w-0"]
        await one.close_resources(cluster.uuid, begun[1])
    await one.write_status(cluster.uuid, begun[1], StatusChange(status_reason="boots", health_reason={"api": "ok"}))
    changed = await other.load(cluster.uuid)
    assert changed is not None
    assert (changed.cluster.status_reason, changed.cluster.health_reason) == ("boots", {"api": "ok"})
    with pytest.raises(LeaseLost):
        await one.open_resource(resource, begun[1] - 1)
    with pytest.raises(LeaseLost):
        await one.write_status(cluster.uuid, begun[1] - 1, StatusChange(status_reason="late"))
    assert list(await other.open_resources(cluster.uuid)) == []


async def test_after_its_end_nothing_of_the_conductor_is_written(url: str, stores: tuple[SqlStore, SqlStore]) -> None:
    one, other = stores
    cluster = builders.cluster()
    create = builders.operation(cluster)
    await builders.keep(one, cluster, create)
    one.record_events = True
    begun = await one.begin_operation(create.uuid)
    assert begun is not None
    fence = begun[1]
    row = await one.open_step(Step(create.uuid, "network", "", 1, SystemClock().now()))
    await ended(one, other)
    before = everything(url)
    now = SystemClock().now()
    resource = Resource(cluster.uuid, "machine", "w-0")
    for write in (
        one.heartbeat("host-1", "magnum-conductor"),
        one.begin_operation(create.uuid),
        one.cancel_requested(create.uuid),
        one.write_status(cluster.uuid, fence, StatusChange(status_reason="late")),
        one.finish_operation(create.uuid, fence, OperationState.SUCCEEDED),
        one.finish_group("group", fence),
        one.remove_cluster(cluster.uuid, fence, create.uuid),
        one.open_step(Step(create.uuid, "boot", "", 1, now)),
        one.close_step(row, ok=True),
        one.open_resource(resource, fence),
        one.note_step(row, "late"),
        one.note_found(cluster.uuid, fence, [resource]),
        one.close_resources(cluster.uuid, fence),
        one.health_targets(5, now + timedelta(hours=1)),
        one.write_health(cluster.uuid, Health.HEALTHY, {}),
        one.put_secrets(cluster.uuid, {"a": b"1"}),
        one.close_event(1),
        one.postpone_event(1, now),
        one.drop_events(before=now + timedelta(hours=1), keep=0),
        one.end_lease((await other.list_leases())[0]),
        one.beat(),
    ):
        with pytest.raises(LeaseOver):
            await write
    assert everything(url) == before
    assert (await other.begin_operation(create.uuid)) is not None


@pytest.mark.postgresql
async def test_a_conductor_that_stands_still_inside_a_transaction_holds_nobody_up(
    postgres: PostgresServer, migrated_database: str
) -> None:
    """What it holds is free once the server's patience is over, and its commit fails."""
    with postgres.database(like=migrated_database) as url:
        one, other = (SqlStore(url, Sealer(b"k" * 32), SystemClock()) for _ in range(2))
        await one.take_lease("one", "host-1")
        await other.take_lease("other", "host-2")
        [lease, _] = await other.list_leases()
        with pytest.raises(ProviderUnavailable):
            await interrupted(one, other.end_lease(lease))
        with pytest.raises(LeaseOver):
            await one.beat()
        await one.stop()
        await other.stop()


async def interrupted(store: SqlStore, meanwhile: Awaitable[bool]) -> None:
    """A transaction that is not over before something else is."""
    async with store._held() as connection:
        async with asyncio.timeout(20):
            assert await meanwhile
        await connection.execute(tables.services.delete())


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    parsed = make_url(url)
    driver = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = sa.create_engine(parsed.set(drivername=driver))
    with engine.connect() as connection:
        found = {
            name: sorted(map(tuple, connection.execute(sa.text(f"SELECT * FROM {name}"))), key=repr)
            for name in tables.metadata.tables
        }
    engine.dispose()
    return found

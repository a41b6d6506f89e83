"""A conductor hears of what is asked for by other processes, at once; and a word that is lost costs no more than the time it waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.domain import OperationKind, Status
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.arrivals import Told
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock


class Slow(asyncpg.Connection):  # type: ignore[misc]  # it is without types
    """The first that shall listen is not answered in time, and stays open."""

    late = True

    async def add_listener(self, channel: str, callback: Any) -> None:
        if Slow.late:
            Slow.late = False
            raise TimeoutError
        await super().add_listener(channel, callback)


LONG = timedelta(seconds=20)
BRIEF = timedelta(milliseconds=120)


@pytest.fixture
async def other(url: str, clock: ManualClock) -> AsyncIterator[SqlStore]:
    """The same database, from another process' point of view."""
    store = SqlStore(url, Sealer(KEY), clock)
    yield store
    await store.stop()


async def heard_within(store: SqlStore, at_most: timedelta = LONG) -> float:
    began = time.monotonic()
    await store.await_operations(at_most)
    return time.monotonic() - began


async def settled(store: SqlStore) -> None:
    """Until it waits for its full time: what happened before is heard by then."""
    while await heard_within(store, BRIEF) < BRIEF.total_seconds() * 0.9:
        pass


async def test_each_way_to_ask_wakes_who_waits_in_another_process(store: SqlStore, other: SqlStore) -> None:
    cluster, create = await add(store)
    begun = await store.begin_operation(create)
    assert begun is not None
    resize = builders.operation(builders.cluster(uuid=cluster), OperationKind.RESIZE)
    delete = builders.operation(builders.cluster(uuid=cluster), OperationKind.DELETE)
    for ask in (
        lambda: add(store, name="second"),
        lambda: store.request_change(cluster, [], resize, status=Status.UPDATE_IN_PROGRESS),
        lambda: store.request_delete(cluster, delete),
    ):
        await settled(other)
        waiting = asyncio.create_task(heard_within(other))
        await asyncio.sleep(0.02)
        await ask()
        assert await waiting < LONG.total_seconds() / 2


async def test_what_was_asked_for_before_anybody_waited_is_no_less_heard(store: SqlStore, other: SqlStore) -> None:
    await settled(other)
    await add(store)
    assert await heard_within(other) < LONG.total_seconds() / 2


async def test_nothing_asked_for_is_waited_out(other: SqlStore) -> None:
    await settled(other)
    assert await heard_within(other, BRIEF) >= BRIEF.total_seconds() * 0.9


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
async def test_a_connection_that_ends_wakes_and_is_made_anew(store: SqlStore, other: SqlStore, url: str) -> None:
    await settled(other)
    waiting = asyncio.create_task(heard_within(other))
    await asyncio.sleep(0.02)
    ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    with plain_engine(url).begin() as connection:
        assert connection.execute(sa.text(ours)).scalars().all() == [True]
    assert await waiting < LONG.total_seconds() / 2
    await settled(other)
    await add(store)
    assert await heard_within(other) < LONG.total_seconds() / 2


@pytest.mark.parametrize("url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
async def test_a_connection_that_could_not_listen_is_not_kept(store: SqlStore, url: str) -> None:
    there = sa.make_url(url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(there, pool_size=1, max_overflow=0, connect_args={"connection_class": Slow})
    told = Told(engine)
    with pytest.raises(TimeoutError):
        await told.wait(BRIEF)
    await told.wait(LONG)  # listens from now on
    began = time.monotonic()
    waiting = asyncio.create_task(told.wait(LONG))
    await asyncio.sleep(0.02)
    await add(store)
    await waiting
    assert time.monotonic() - began < LONG.total_seconds() / 2
    await told.stop()
    await engine.dispose()

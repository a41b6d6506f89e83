"""A conductor hears of what is asked for by other processes, at once; and a word that is lost costs no more than the time it waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.domain import OperationKind, Status
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock

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

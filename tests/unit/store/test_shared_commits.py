"""Writers who queue for SQLite share a commit, and nothing else: each has its own end."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from jeroboam.contracts import SystemClock
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.tables import quotas


def at(folder: Path, busy_s: float = 60) -> SqlStore:
    return SqlStore(f"sqlite:///{folder}/jeroboam.sqlite", Sealer(b"k" * 32), SystemClock(), busy_s=busy_s)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    made = at(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def commits(store: SqlStore) -> list[object]:
    """One entry a commit."""
    made: list[object] = []
    assert store._commits is not None
    sa.event.listen(store._commits._engine, "commit", made.append)
    return made


async def kept(store: SqlStore) -> list[str]:
    """What another connection sees."""
    names = sa.select(quotas.c.project_id).order_by(quotas.c.id)
    return list(await store._look(lambda connection: connection.execute(names).scalars().all()))


async def write(store: SqlStore, name: str, *, fails: bool = False, stops: asyncio.Event | None = None) -> str:
    row = {"project_id": name, "resource": "Cluster", "hard_limit": 1, "created_at": SystemClock().now()}
    async with store._write() as connection:
        await connection.execute(quotas.insert().values(row))
        if stops is not None:
            await stops.wait()
        if fails:
            raise ZeroDivisionError(name)
    assert name in await kept(store), "it is answered before it is kept"
    return name


async def test_those_who_queue_are_committed_together_and_each_is_kept_when_it_hears_so(
    store: SqlStore, commits: list[object]
) -> None:
    names = [f"p{number}" for number in range(20)]
    assert await asyncio.gather(*(write(store, name) for name in names)) == names
    assert await kept(store) == names
    assert 1 <= len(commits) <= 3


async def test_one_alone_waits_for_nobody(store: SqlStore, commits: list[object]) -> None:
    await write(store, "a")
    await write(store, "b")
    assert len(commits) == 2


@pytest.mark.parametrize("bad", [0, 2, 4])
async def test_one_that_fails_undoes_what_is_its_own(store: SqlStore, bad: int) -> None:
    ends = await asyncio.gather(
        *(write(store, f"p{number}", fails=number == bad) for number in range(5)), return_exceptions=True
    )
    assert [type(end) for end in ends] == [ZeroDivisionError if number == bad else str for number in range(5)]
    assert await kept(store) == [f"p{number}" for number in range(5) if number != bad]


async def test_one_that_is_cancelled_takes_nobody_along(store: SqlStore) -> None:
    """At its statements, and while it waits for its turn."""
    stops = asyncio.Event()
    first = asyncio.create_task(write(store, "first"))
    writes = asyncio.create_task(write(store, "writes", stops=stops))
    waits = asyncio.create_task(write(store, "waits"))
    last = asyncio.create_task(write(store, "last"))
    await asyncio.sleep(0.01)
    waits.cancel()
    writes.cancel()
    ends = await asyncio.gather(first, writes, waits, last, return_exceptions=True)
    assert [type(end) for end in ends] == [str, asyncio.CancelledError, asyncio.CancelledError, str]
    assert await kept(store) == ["first", "last"]


async def test_a_commit_that_fails_is_the_failure_of_all_of_it_and_of_nobody_else(
    store: SqlStore, commits: list[object]
) -> None:
    def full(_: object) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))

    assert store._commits is not None
    engine = store._commits._engine
    sa.event.listen(engine, "commit", full)
    ends = await asyncio.gather(*(write(store, name) for name in "abc"), return_exceptions=True)
    assert [type(end) for end in ends] == [ProviderUnavailable] * 3
    sa.event.remove(engine, "commit", full)
    assert await kept(store) == []
    await write(store, "d")
    assert await kept(store) == ["d"]


async def test_a_commit_that_fails_oddly_leaves_nobody_waiting(
    store: SqlStore, commits: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(sa.Connection, "commit", broken)
        ends = await asyncio.gather(*(write(store, name) for name in "abc"), return_exceptions=True)
    assert [type(end) for end in ends] == [RuntimeError] * 3
    await write(store, "d")
    assert await kept(store) == ["d"]


def test_a_store_that_was_stopped_may_be_used_again_and_by_another_loop(tmp_path: Path) -> None:
    store = at(tmp_path)

    async def used(name: str) -> None:
        await store.start()
        await write(store, name)
        await store.stop()
        await store.stop()

    for name in "abc":
        asyncio.run(used(name))
    assert asyncio.run(kept(store)) == ["a", "b", "c"]
    asyncio.run(store.stop())


async def test_another_process_that_writes_is_waited_for_and_not_for_ever(store: SqlStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "jeroboam.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(write(store, "patient"))
    await asyncio.sleep(0.05)
    other.execute("COMMIT")
    assert await waiting == "patient"
    hasty = at(tmp_path, busy_s=0.3)
    await hasty.start()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ProviderUnavailable):
        await write(hasty, "late")
    await hasty.stop()
    other.execute("COMMIT")
    other.close()
    assert await write(store, "again") == "again"
    assert await kept(store) == ["patient", "again"]


async def test_one_that_is_cancelled_while_another_process_writes_holds_up_nobody(tmp_path: Path) -> None:
    hasty = at(tmp_path, busy_s=0.3)
    await hasty.start()
    other = sqlite3.connect(tmp_path / "jeroboam.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(write(hasty, "gone"))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.wait({waiting})
    other.execute("COMMIT")
    other.close()
    assert await write(hasty, "next") == "next"
    assert await kept(hasty) == ["next"]
    await hasty.stop()

"""An engine whose database fails for a moment: nothing ends, nothing hangs, no slot is lost."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from jeroboam.conductor.dbos_engine import DbosEngine
from jeroboam.conductor.dispatcher import Dispatcher
from jeroboam.contracts import Engine, EngineState, Store
from jeroboam.domain import Operation
from jeroboam.domain.errors import ProviderUnavailable
from jeroboam.testing import builders
from jeroboam.testing.postgres import PostgresServer


class Trouble(Exception):
    """What no library expects."""


class Asked:
    """A store in which operations wait."""

    def __init__(self, count: int = 1) -> None:
        made = [builders.operation(builders.cluster()) for _ in range(count)]
        self.operations = [replace(one, created_at=datetime.now(UTC)) for one in made]

    async def heartbeat(self, host: str, binary: str) -> None:
        return None

    async def runnable_operations(self, limit: int, *, since: datetime | None = None) -> Sequence[Operation]:
        return self.operations

    async def begin_operation(self, uuid: str) -> None:
        """It is final here, too, when the engine says so."""

    async def await_operations(self, at_most: timedelta) -> None:
        await asyncio.sleep(0.05)


async def done(engine: Engine, *operations: str) -> None:
    async with asyncio.timeout(60):
        while set((await engine.statuses(operations)).values()) != {EngineState.DONE}:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(url: str, ran: list[str], slots: int = 16) -> AsyncIterator[Engine]:
    """An engine that notes what it ran."""

    async def runner(uuid: str) -> None:
        ran.append(uuid)

    engine = DbosEngine(url, executor_id="t", workers=slots, per_tenant=slots)
    try:
        await engine.start(runner)
        yield engine
    finally:
        await engine.stop()


def once(library: pytest.MonkeyPatch, name: str, instead: Callable[..., Any]) -> None:
    """The first call of this function of DBOS that is about our queue is `instead`, which is told the real one first."""
    from dbos._sys_db import SystemDatabase

    real, called = getattr(SystemDatabase, name), threading.Event()

    def call(database: object, about: Any, *words: Any, **named: Any) -> Any:
        if (
            called.is_set() or about == [] or getattr(about, "name", "operations") != "operations"
        ):  # DBOS has a queue of its own
            return real(database, about, *words, **named)
        called.set()
        return instead(real, database, about, *words, **named)

    library.setattr(SystemDatabase, name, call)


def lost(*_: object, **__: object) -> Any:
    raise sa.exc.OperationalError("SELECT", {}, Trouble("lost"), connection_invalidated=True)


async def test_a_connection_lost_while_operations_are_put_in_does_not_end_the_dispatcher(
    engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    once(monkeypatch, "_max_partition_key_created_at", lost)
    once(monkeypatch, "_insert_rows", lost)
    store, ran = Asked(), list[str]()
    async with running(engine_url, ran) as engine:
        await dispatched(store, engine)
    assert ran == [store.operations[0].uuid]


async def test_a_disk_that_is_full_for_a_while_does_not_end_the_dispatcher(tmp_path: Path) -> None:
    """SQLite takes no more pages than there are, until it was refused one."""
    full = asyncio.Event()
    loop = asyncio.get_running_loop()

    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {2**30 if full.is_set() else 1}")

    def refused(context: sa.engine.ExceptionContext) -> None:
        if "full" in str(context.original_exception):
            loop.call_soon_threadsafe(full.set)

    store, ran = Asked(300), list[str]()
    async with running(f"sqlite:///{tmp_path}/engine.sqlite", ran) as engine:
        database = cast("Any", engine)._queue._dbos._sys_db.engine
        sa.event.listen(database, "checkout", limit)
        sa.event.listen(database, "handle_error", refused)
        await dispatched(store, engine)
    assert full.is_set()
    assert sorted(ran) == sorted(one.uuid for one in store.operations)


@pytest.mark.parametrize("call", ["submit", "statuses", "adopt"])
async def test_what_its_database_refuses_is_for_later(call: str, tmp_path: Path) -> None:
    async with running(f"sqlite:///{tmp_path}/engine.sqlite", []) as engine:
        database = cast("Any", engine)._queue._dbos._sys_db.engine
        sa.event.listen(database, "before_cursor_execute", refuse)
        asked = {"submit": {"first": "a"}, "statuses": ["first"], "adopt": ["t"]}[call]
        with pytest.raises(ProviderUnavailable) as told:
            await getattr(engine, call)(asked)
        sa.event.remove(database, "before_cursor_execute", refuse)
    assert (told.value.message, told.value.after_s) == ("The engine's database refuses: disk I/O error", 1.0)
    assert told.value.hint.startswith("Look at its disk")


def refuse(*_: object) -> Any:
    raise sa.exc.OperationalError("SELECT", {}, sqlite3.OperationalError("disk I/O error"))


async def dispatched(store: Asked, engine: Engine) -> None:
    """A dispatcher lives until all of the store's operations are done."""
    dispatching = asyncio.create_task(Dispatcher(cast("Store", store), engine, "host").run())
    finished = asyncio.create_task(done(engine, *(one.uuid for one in store.operations)))
    try:
        await asyncio.wait([dispatching, finished], return_when=asyncio.FIRST_COMPLETED)
        assert not dispatching.done(), dispatching.exception()
        await finished
    finally:
        dispatching.cancel()
        finished.cancel()
        await asyncio.gather(dispatching, finished, return_exceptions=True)


@pytest.mark.postgresql
async def test_who_is_ended_in_a_deadlock_puts_in_once_more(postgres: PostgresServer) -> None:
    """Another conductor puts in the same operations in another order, and PostgreSQL ends our transaction."""
    ran: list[str] = []
    row = sa.text("INSERT INTO dbos.workflow_status (workflow_uuid, status, priority) VALUES (:uuid, 'ENQUEUED', 0)")
    waits = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    died = sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with postgres.database() as made:
        url = postgres.url(postgres.name_of(made), "postgresql+psycopg")
        other = sa.create_engine(url)

        async def until_counted(what: sa.TextClause) -> None:
            async with asyncio.timeout(15):
                while True:
                    with other.connect() as looking:
                        if looking.execute(what).scalar_one() > 0:
                            return
                    await asyncio.sleep(0.02)

        async with running(url, ran) as engine:
            with other.connect() as theirs:
                theirs.execute(row, {"uuid": "second"})
                putting = asyncio.create_task(engine.submit({"first": "a", "second": "a"}))
                await until_counted(waits)
                await asyncio.to_thread(theirs.execute, row, {"uuid": "first"})
                theirs.rollback()
            await asyncio.wait_for(putting, 15)
            await done(engine, "first", "second")
            await until_counted(died)  # the server counts a moment later
        other.dispose()
    assert ran == ["first", "second"]


def answer_lost(claim: Callable[..., Any], *words: Any, **named: Any) -> Any:
    claim(*words, **named)
    raise Trouble("no answer to the COMMIT")


@pytest.mark.parametrize(
    ("function", "instead"),
    [
        pytest.param("get_workflow_statuses", lost, id="what was claimed cannot be read"),
        pytest.param("start_queued_workflows", lost, id="nothing was claimed"),
        pytest.param("start_queued_workflows", answer_lost, id="the claim's answer is lost"),
    ],
)
async def test_what_was_claimed_and_did_not_begin_runs_later(
    engine_url: str, monkeypatch: pytest.MonkeyPatch, function: str, instead: Callable[..., Any]
) -> None:
    """With one slot, so that one that is lost shows."""
    ran: list[str] = []
    once(monkeypatch, function, instead)
    async with running(engine_url, ran, slots=1) as engine:
        await engine.submit({"op-1": "a", "op-2": "a"})
        await done(engine, "op-1", "op-2")
    assert ran == ["op-1", "op-2"]


async def test_a_claim_that_is_committed_after_its_connection_was_lost_is_found(
    engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbos._sys_db import SystemDatabase

    ran: list[str] = []
    real, committed = SystemDatabase.start_queued_workflows, threading.Event()

    def commit(*words: Any, **named: Any) -> None:
        real(*words, **named)
        committed.set()

    def later(_: object, *words: Any, **named: Any) -> Any:
        threading.Timer(1.5, commit, words, named).start()
        raise Trouble("no answer to the COMMIT")

    def meanwhile(*words: Any, **named: Any) -> Any:
        """Others pass over rows that an open transaction holds."""
        return real(*words, **named) if committed.is_set() else ([], None)

    monkeypatch.setattr(SystemDatabase, "start_queued_workflows", meanwhile)
    once(monkeypatch, "start_queued_workflows", later)
    async with running(engine_url, ran, slots=1) as engine:
        await engine.submit({"op-1": "a"})
        await done(engine, "op-1")
    assert ran == ["op-1"]


async def test_an_operation_that_cannot_be_begun_is_begun_later(
    engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that were claimed together; the other runs once."""
    import dbos._core

    ran: list[str] = []
    real, failed = dbos._core.execute_dequeued_workflow, threading.Event()

    def begin(dbos: Any, status: Any, claim: str) -> Any:
        if status["workflow_uuid"] == "op-1" and not failed.is_set():
            failed.set()
            raise Trouble("not now")
        return real(dbos, status, claim)

    monkeypatch.setattr(dbos._core, "execute_dequeued_workflow", begin)
    async with running(engine_url, ran, slots=2) as engine:
        await engine.submit({"op-1": "a", "op-2": "a"})
        await done(engine, "op-1", "op-2")
    assert ran == ["op-2", "op-1"]


async def test_an_operation_that_was_cancelled_while_it_was_claimed_frees_its_slot(
    engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def cancelled(read: Callable[..., Any], database: Any, operations: list[str]) -> Any:
        database.cancel_workflows(["op-1"])
        return read(database, operations)

    once(monkeypatch, "get_workflow_statuses", cancelled)
    async with running(engine_url, ran, slots=1) as engine:
        await engine.submit({"op-1": "a", "op-2": "a"})
        await done(engine, "op-2")
        assert await engine.status("op-1") is EngineState.CANCELLED
    assert ran == ["op-2"]

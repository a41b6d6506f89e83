"""The engine port: the in-memory engine and DBOS keep the same promises; DBOS on SQLite and on PostgreSQL keeps them over kill -9 too."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from jeroboam.conductor.dbos_engine import DbosEngine
from jeroboam.conductor.engine_database import EngineDatabase
from jeroboam.contracts import Engine, EngineState
from jeroboam.testing.memory_engine import MemoryEngine
from jeroboam.testing.postgres import PostgresServer

CHILD = Path(__file__).parent / "engine_child.py"


async def until(engine: Engine, uuid: str, state: EngineState, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while await engine.status(uuid) is not state:
            await asyncio.sleep(0.02)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    with ExitStack() as stack:
        made: Engine
        if request.param == "memory":
            made = MemoryEngine()
        elif request.param == "sqlite":
            made = DbosEngine(f"sqlite:///{tmp_path}/e.sqlite", executor_id="t")
        else:
            server: PostgresServer = request.getfixturevalue("postgres")
            name = server.name_of(stack.enter_context(server.database()))
            made = DbosEngine(server.url(name, "postgresql+psycopg"), executor_id="t")
        yield made
        await made.stop()


async def test_the_same_uuid_twice_is_one_run(engine: Engine) -> None:
    runs: list[str] = []

    async def runner(uuid: str) -> None:
        runs.append(uuid)

    await engine.start(runner)
    assert await engine.status("op-1") is EngineState.UNKNOWN
    await engine.submit({"op-1": "a"})
    await engine.submit({"op-1": "a"})
    await until(engine, "op-1", EngineState.DONE)
    await engine.submit({"op-1": "a"})
    await asyncio.sleep(0.3)
    assert runs == ["op-1"]


async def test_one_look_tells_of_many_and_leaves_out_the_unknown(engine: Engine) -> None:
    async def runner(uuid: str) -> None:
        if uuid == "op-2":
            raise ValueError("a bug")

    await engine.start(runner)
    await engine.submit({"op-1": "a", "op-2": "a"})
    await until(engine, "op-1", EngineState.DONE)
    await until(engine, "op-2", EngineState.FAILED)
    seen = await engine.statuses(["op-1", "op-2", "op-3"])
    assert seen == {"op-1": EngineState.DONE, "op-2": EngineState.FAILED}
    assert await engine.statuses([]) == {}


async def test_a_runner_that_raises_is_failed(engine: Engine) -> None:
    async def runner(uuid: str) -> None:
        raise ValueError("a bug")

    await engine.start(runner)
    await engine.submit({"op": "a"})
    await until(engine, "op", EngineState.FAILED)


async def test_bounds_hold_and_a_tenant_with_much_leaves_room_for_others(engine_url: str) -> None:
    """Three at once, two of one tenant; what waits begins when one ends, not at a look some time later."""
    engine = DbosEngine(engine_url, executor_id="t", workers=3, per_tenant=2, poll_s=0.01, sweep_s=60)
    begun: list[str] = []
    gates = {uuid: asyncio.Event() for uuid in ("a1", "a2", "a3", "b1", "b2")}

    async def runner(uuid: str) -> None:
        begun.append(uuid)
        await gates[uuid].wait()

    async def running(count: int) -> None:
        async with asyncio.timeout(20):
            while len(begun) < count:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(begun) == count

    await engine.start(runner)
    try:
        await engine.submit({"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"})
        await running(3)
        assert sorted({uuid[0] for uuid in begun}) == ["a", "b"]
        for gate in gates.values():
            gate.set()
        await running(5)
        assert [uuid for uuid in begun if uuid.startswith("a")] == ["a1", "a2", "a3"]
        assert [uuid for uuid in begun if uuid.startswith("b")] == ["b1", "b2"]
    finally:
        await engine.stop()


@pytest.mark.postgresql
async def test_a_connection_that_the_server_ended_is_not_used_again(postgres: PostgresServer) -> None:
    with postgres.database() as made:
        database = EngineDatabase(postgres.url(postgres.name_of(made), "postgresql+psycopg"))
        engine = database.engine()
        pid = sa.text("SELECT pg_backend_pid()")
        with engine.connect() as connection:
            first = connection.execute(pid).scalar_one()
        with engine.connect() as again:
            assert again.execute(pid).scalar_one() == first
        with sa.create_engine(database.url).connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        with engine.connect() as connection:
            assert connection.execute(pid).scalar_one() != first
        engine.dispose()


def _child(folder: Path, url: str, *, die_at: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(CHILD), str(folder), url], env={**os.environ, "DIE_AT": die_at})


def _wait_for(path: Path, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.02)


def test_after_kill_9_the_run_begins_again(tmp_path: Path, engine_url: str) -> None:
    child = _child(tmp_path, engine_url, die_at="second")
    assert child.wait(timeout=60) == -signal.SIGKILL
    child = _child(tmp_path, engine_url, die_at="never")
    _wait_for(tmp_path / "done")
    child.terminate()
    assert child.wait(timeout=30) == 0
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == ["first", "second", "first", "second", "third"]


def test_an_orderly_stop_leaves_the_operation_pending_for_the_next_start(tmp_path: Path, engine_url: str) -> None:
    child = _child(tmp_path, engine_url, die_at="wait")
    _wait_for(tmp_path / "waiting")
    child.terminate()
    assert child.wait(timeout=30) == 0
    assert not (tmp_path / "done").exists()
    child = _child(tmp_path, engine_url, die_at="never")
    _wait_for(tmp_path / "done")
    child.terminate()
    assert child.wait(timeout=30) == 0


@pytest.mark.postgresql
async def test_an_engine_whose_database_went_away_goes_on_soon_after_it_is_back() -> None:
    """Runs that end meanwhile wait with their end, and are run once."""
    ran: list[str] = []
    moment, away = asyncio.Event(), asyncio.Event()

    async def runner(uuid: str) -> None:
        ran.append(uuid)
        moment.set()
        await away.wait()

    with PostgresServer() as server:
        engine = DbosEngine(server.url(driver="postgresql+psycopg"), executor_id="t")
        await engine.start(runner)
        await engine.submit({"op": "a"})
        await asyncio.wait_for(moment.wait(), 20)
        server.stop()
        away.set()
        await asyncio.sleep(3)
        server.start()
        await until(engine, "op", EngineState.DONE, within_s=10)
        await engine.stop()
    assert ran == ["op"]

"""The engine port: the in-memory engine and DBOS keep the same promises; DBOS on SQLite and on PostgreSQL keeps them over kill -9 too."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from jeroboam.conductor.dbos_engine import DbosEngine
from jeroboam.contracts import Engine, EngineState
from jeroboam.testing.memory_engine import MemoryEngine
from jeroboam.testing.postgres import PostgresServer

CHILD = Path(__file__).parent / "engine_child.py"


async def until(engine: Engine, uuid: str, state: EngineState, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while await engine.status(uuid) is not state:
            await asyncio.sleep(0.02)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the engine's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/engine.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as made:
        yield server.url(server.name_of(made), "postgresql+psycopg")


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

    async def runner(engine: Engine, uuid: str) -> None:
        runs.append(uuid)

    await engine.start(runner)
    assert await engine.status("op-1") is EngineState.UNKNOWN
    await engine.submit("op-1", tenant="a")
    await engine.submit("op-1", tenant="a")
    await until(engine, "op-1", EngineState.DONE)
    await engine.submit("op-1", tenant="a")
    await asyncio.sleep(0.3)
    assert runs == ["op-1"]


async def test_one_look_tells_of_many_and_leaves_out_the_unknown(engine: Engine) -> None:
    async def runner(engine: Engine, uuid: str) -> None:
        if uuid == "op-2":
            raise ValueError("a bug")

    await engine.start(runner)
    for uuid in ("op-1", "op-2"):
        await engine.submit(uuid, tenant="a")
    await until(engine, "op-1", EngineState.DONE)
    await until(engine, "op-2", EngineState.FAILED)
    seen = await engine.statuses(["op-1", "op-2", "op-3"])
    assert seen == {"op-1": EngineState.DONE, "op-2": EngineState.FAILED}
    assert await engine.statuses([]) == {}


async def test_steps_return_their_result_and_sleeps_wait(engine: Engine) -> None:
    seen: list[object] = []

    async def one() -> dict[str, object]:
        return {"over": False, "after_s": 0.2}

    async def runner(engine: Engine, uuid: str) -> None:
        begun = time.monotonic()
        seen.append(await engine.step("one", one))
        await engine.sleep(timedelta(seconds=0.2))
        seen.append(time.monotonic() - begun >= 0.2)

    await engine.start(runner)
    await engine.submit("op", tenant="a")
    await until(engine, "op", EngineState.DONE)
    assert seen == [{"over": False, "after_s": 0.2}, True]


async def test_a_runner_that_raises_is_failed(engine: Engine) -> None:
    async def runner(engine: Engine, uuid: str) -> None:
        raise ValueError("a bug")

    await engine.start(runner)
    await engine.submit("op", tenant="a")
    await until(engine, "op", EngineState.FAILED)


def _child(folder: Path, url: str, *, die_at: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(CHILD), str(folder), url], env={**os.environ, "DIE_AT": die_at})


def _wait_for(path: Path, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.02)


def test_kill_9_between_steps_keeps_what_had_ended_and_goes_on(tmp_path: Path, url: str) -> None:
    child = _child(tmp_path, url, die_at="second")
    assert child.wait(timeout=60) == -signal.SIGKILL
    child = _child(tmp_path, url, die_at="never")
    _wait_for(tmp_path / "done")
    child.terminate()
    assert child.wait(timeout=30) == 0
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == ["begin", "first", "second", "begin", "second", "third"]


def test_an_orderly_stop_leaves_the_operation_pending_for_the_next_start(tmp_path: Path, url: str) -> None:
    child = _child(tmp_path, url, die_at="wait")
    _wait_for(tmp_path / "waiting")
    child.terminate()
    assert child.wait(timeout=30) == 0
    assert not (tmp_path / "done").exists()
    child = _child(tmp_path, url, die_at="never")
    _wait_for(tmp_path / "done")
    child.terminate()
    assert child.wait(timeout=30) == 0


@pytest.mark.postgresql
async def test_an_engine_whose_database_went_away_goes_on_soon_after_it_is_back() -> None:
    """Steps that end meanwhile wait, and are run once."""
    ran: list[str] = []
    moment, away = asyncio.Event(), asyncio.Event()

    async def step(name: str) -> dict[str, object]:
        ran.append(name)
        return {"name": name}

    async def runner(engine: Engine, uuid: str) -> None:
        await engine.step("first", lambda: step("first"))
        moment.set()
        await away.wait()
        await engine.step("second", lambda: step("second"))

    with PostgresServer() as server:
        engine = DbosEngine(server.url(driver="postgresql+psycopg"), executor_id="t")
        await engine.start(runner)
        await engine.submit("op", tenant="a")
        await asyncio.wait_for(moment.wait(), 20)
        server.stop()
        away.set()
        await asyncio.sleep(3)
        server.start()
        await until(engine, "op", EngineState.DONE, within_s=10)
        await engine.stop()
    assert ran == ["first", "second"]

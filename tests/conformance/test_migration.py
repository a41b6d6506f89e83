"""Bringing a schema up to date: which programs may serve with which schema, who waits for whom, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from tests.conformance.later_program import HEAD, later
from tests.conformance.store_use import KEY, plain_engine

from jeroboam.domain.errors import ConfigError, DeadlineExceeded, ProviderUnavailable
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.database import patient_engine
from jeroboam.store.migration import Migration
from jeroboam.store.schema import Chain, Schema
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.postgres import PostgresServer


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    made = patient_engine(url)
    yield made
    await made.dispose()


def store_of(url: str) -> SqlStore:
    return SqlStore(url, Sealer(KEY), ManualClock())


async def applied(engine: AsyncEngine, chain: Chain, *, contract: bool = False) -> list[str]:
    return [one.name for one in await Migration(engine, chain).run(contract=contract)]


async def test_a_program_serves_with_a_later_schema_that_expands(url: str, engine: AsyncEngine, tmp_path: Path) -> None:
    assert await applied(engine, later(tmp_path / "later")) == ["9001"]
    store = store_of(url)
    with capture_logs() as logs:
        await store.start()
    assert [line["event"] for line in logs] == ["the database has a newer schema; this program may serve with it"]
    await store.ping()
    await store.stop()


async def test_a_program_does_not_serve_with_a_schema_that_took_away_what_it_uses(
    url: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    serving = store_of(url)
    await serving.start()
    chain = later(tmp_path / "later", floor="9001")
    assert await applied(engine, chain, contract=True) == ["9001", "9002"]
    assert await Migration(engine, chain).check() == Schema("9002", "9001")
    with pytest.raises(ConfigError) as caught:
        await store_of(url).start()
    assert caught.value.message == (
        f"The database has the schema 9002, which serves no program older than schema 9001; this one is of schema {HEAD}."
    )
    with pytest.raises(ProviderUnavailable) as told:
        await serving.ping()  # so that a load balancer takes it away
    assert (
        told.value.message == "The database's schema serves no program older than schema 9001: this process is too old."
    )
    await serving.stop()


@pytest.mark.postgresql
async def test_what_takes_something_away_waits_for_the_operators_word(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.database() as url:
        engine = patient_engine(url)
        await applied(engine, Chain())
        chain = later(tmp_path / "later", floor="9001")
        assert await applied(engine, chain) == ["9001"]
        assert await applied(engine, chain) == []
        with capture_logs() as logs:
            assert await Migration(engine, chain).check() == Schema("9001", Chain().floor(HEAD))
        assert [(line["event"], line["revision"]) for line in logs] == [
            ("the schema has more to give up, by `jeroboam db upgrade --contract`", "9002")
        ]
        assert await applied(engine, chain, contract=True) == ["9002"]
        await engine.dispose()


async def test_one_that_may_not_migrate_names_what_does(empty_url: str) -> None:
    store = store_of(empty_url)
    store.migrates = False
    with pytest.raises(ConfigError) as caught:
        await store.start()
    assert (caught.value.message, caught.value.hint) == (
        f"The database has no schema yet; this program needs schema {Chain().needs}.",
        "Run `jeroboam db upgrade`, or set [database] migrate.",
    )
    engine = patient_engine(empty_url)
    await applied(engine, Chain())
    await engine.dispose()
    await store.start()
    await store.ping()
    await store.stop()


@pytest.mark.postgresql
async def test_a_migration_holds_nobody_up_while_it_waits_for_a_table(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.database() as url:
        engine = patient_engine(url)
        await applied(engine, Chain())
        migration = Migration(engine, later(tmp_path / "later"), locks_s=0.1)
        with plain_engine(url).connect() as long:
            long.execute(sa.text("SELECT count(*) FROM clusters"))
            with pytest.raises(DeadlineExceeded) as caught:
                await migration.run()
        assert caught.value.message == "The schema is not up to date: others held the tables for 0.1 s."
        assert (await migration.schema()).revision == HEAD
        assert [one.name for one in await migration.run()] == ["9001"]
        await engine.dispose()


@pytest.mark.postgresql
async def test_who_waits_for_another_migration_does_not_for_ever(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.database() as url:
        engine = patient_engine(url)
        await applied(engine, Chain())
        chain = later(tmp_path / "later")
        with plain_engine(url).begin() as another, capture_logs() as logs:
            another.execute(sa.text("SELECT pg_advisory_xact_lock(7235198)"))
            async with asyncio.timeout(30):
                with pytest.raises(DeadlineExceeded) as caught:
                    await Migration(engine, chain, turn_s=0.6).run()
        assert caught.value.message == ("The schema is not up to date: another process has been migrating for 0.6 s.")
        assert [line["event"] for line in logs] == ["a migration waits for that of another process"]
        assert await applied(engine, chain) == ["9001"]
        await engine.dispose()


@pytest.mark.postgresql
async def test_the_tables_of_a_migration_that_was_stopped_are_free_in_a_while(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        engine = patient_engine(url)
        async with engine.connect() as connection:
            timeout = await connection.execute(sa.text("SHOW idle_in_transaction_session_timeout"))
            assert timeout.scalar() == "15s"
        await engine.dispose()


async def test_of_two_that_begin_with_an_empty_database_neither_sees_it_half_made(empty_url: str) -> None:
    async def start() -> list[str]:
        engine = patient_engine(empty_url)
        done = await applied(engine, Chain())
        assert (await Migration(engine, Chain()).check()).revision == HEAD
        await engine.dispose()
        return done

    everything = [one.name for one in Chain().revisions]
    assert sorted(await asyncio.gather(start(), start())) == [[], everything]

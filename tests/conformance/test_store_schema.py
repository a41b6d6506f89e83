"""The database under the store: its schema from the first one on, its file, its connections."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
import sqlalchemy.ext.asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from structlog.testing import capture_logs
from tests.conformance.store_use import KEY, add, plain_engine

from jeroboam.domain import (
    OperationKind,
    Verb,
)
from jeroboam.domain.errors import (
    ConfigError,
    ProviderUnavailable,
)
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.database import patient_engine
from jeroboam.store.migration import Migration
from jeroboam.store.schema import Chain
from jeroboam.store.tables import metadata
from jeroboam.testing.builders import ManualClock


async def test_the_migrations_make_the_tables_of_this_program(url: str, store: SqlStore) -> None:
    with plain_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


async def test_a_second_start_finds_everything_and_a_newer_schema_is_refused(
    empty_url: str, clock: ManualClock
) -> None:
    first, second = (SqlStore(empty_url, Sealer(KEY), clock) for _ in range(2))
    await asyncio.gather(first.start(), second.start())
    cluster, _ = await add(first)
    assert await second.load(cluster) is not None
    await first.stop()
    await second.stop()
    with plain_engine(empty_url).begin() as raw:
        raw.execute(sa.text("UPDATE alembic_version SET version_num='9999'"))
        raw.execute(sa.text("UPDATE schema_floor SET revision='9999'"))
    with pytest.raises(ConfigError, match="has the schema 9999, which serves no program older than schema 9999"):
        await SqlStore(empty_url, Sealer(KEY), clock).start()


async def test_operations_of_the_first_schema_keep_their_verb_as_their_kind(empty_url: str, clock: ManualClock) -> None:
    config = Chain().config()
    with plain_engine(empty_url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO operations (uuid, cluster_uuid, verb, project_id, user_id, request_id, generation, state,"
                " summary, cancel_requested) VALUES ('o', 'c', 'update', 'p', 'u', 'r', 1, 'succeeded', 's', false)"
            )
        )
    engine = patient_engine(empty_url)
    await Migration(engine, Chain()).run(contract=True)
    await engine.dispose()
    store = SqlStore(empty_url, Sealer(KEY), clock)
    await store.start()
    found = await store.get_operation("o")
    await store.stop()
    assert found is not None
    assert (found.kind, found.verb, found.summary) == (OperationKind.UPDATE, Verb.UPDATE, "s")


async def test_certificates_of_an_older_schema_are_for_nobody_knows_what(empty_url: str, clock: ManualClock) -> None:
    """And a program of that schema, which still runs, goes on recording."""
    older = (
        "INSERT INTO certificates (cluster_uuid, serial, subject, ca, not_after, user_id, project_id, created_at) VALUES"
        " ('c', '{}', 'CN=a', 'kubernetes', '2031-01-02 03:04:05', 'u', 'p', '2026-01-02 03:04:05')"
    )
    config = Chain().config()
    with plain_engine(empty_url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        connection.execute(sa.text(older.format(1)))
    store = SqlStore(empty_url, Sealer(KEY), clock)
    await store.start()
    with plain_engine(empty_url).begin() as connection:
        connection.execute(sa.text(older.format(2)))
    found = await store.list_certificates("c")
    await store.stop()
    assert [(one.serial, one.subject, one.purpose) for one in found] == [("1", "CN=a", None), ("2", "CN=a", None)]


async def test_the_database_file_is_its_owners_only(tmp_path: Path, clock: ManualClock) -> None:
    made = SqlStore(f"sqlite:///{tmp_path}/own.sqlite", Sealer(KEY), clock)
    await made.start()
    await made.stop()
    assert (tmp_path / "own.sqlite").stat().st_mode & 0o777 == 0o600


async def test_a_pool_without_a_free_connection_is_a_passing_trouble(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def exhausted(*_: object, **__: object) -> None:
        raise sa.exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached")

    monkeypatch.setattr(sa.ext.asyncio.AsyncConnection, "start", exhausted)
    with capture_logs() as logs, pytest.raises(ProviderUnavailable, match=r"^The database does not answer\.$"):
        await store.list_conductors()
    assert [line["why"] for line in logs] == ["QueuePool limit of size 5 overflow 10 reached"]


async def test_a_place_that_cannot_hold_the_database_is_named(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^\[database\] connection: .*/file/store.sqlite cannot be made: "):
        await SqlStore(f"sqlite:///{tmp_path}/file/store.sqlite", Sealer(KEY), clock).start()

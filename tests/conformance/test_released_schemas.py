"""Databases as a released schema left them, filled in every table: brought up to date, all is there, and what waited is carried out.

`released/NNNN.sqlite.sql` and `.postgresql.sql` are dumps, `NNNN.json` what the store told of them then. They never change.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.conformance.store_use import KEY, plain_engine

from jeroboam.contracts import Caller, Page, SystemClock
from jeroboam.domain import OperationKind, OperationState, Status
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeProvider
from jeroboam.store import Sealer, SqlStore
from jeroboam.store.database import patient_engine
from jeroboam.store.migration import Migration
from jeroboam.store.schema import Chain
from jeroboam.store.tables import metadata
from jeroboam.testing.builders import ManualClock
from jeroboam.testing.stage import Stage

FOLDER = Path(__file__).parent / "released"
RELEASED = sorted(file.stem for file in FOLDER.glob("*.json"))
ADMIN = Caller("root", "admin", frozenset({"admin"}))
MADE, QUEUED = "5c0e1a00-0000-4000-8000-000000000003", "5c0e1a00-0000-4000-8000-00000000000a"  # a cluster; an operation


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, empty_url: str) -> str:
    """Its name; the database at `empty_url` is as that release left it."""
    name = str(request.param)
    if empty_url.startswith("sqlite"):
        with sqlite3.connect(empty_url.removeprefix("sqlite:///")) as file:
            file.executescript((FOLDER / f"{name}.sqlite.sql").read_text())
        file.close()
    else:
        with plain_engine(empty_url).connect() as connection:
            wire: Any = connection.connection.driver_connection
            wire.execute((FOLDER / f"{name}.postgresql.sql").read_text())
            wire.commit()
    return name


async def bring_up(url: str) -> None:
    engine = patient_engine(url)
    await Migration(engine, Chain()).run(contract=True)
    await engine.dispose()


def counts(url: str) -> dict[str, int]:
    """Rows by table."""
    with plain_engine(url).connect() as connection:
        tables = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        return {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0 for name in tables}


async def told(store: SqlStore) -> dict[str, list[Any]]:
    """Everything, by the store's own words."""
    rows = await store.list_clusters(None, Page())
    uuids = [row.cluster.uuid for row in rows]
    operations = [one for uuid in uuids for one in await store.list_operations(uuid)]
    kept: dict[str, Sequence[Any]] = {
        "templates": await store.list_templates(ADMIN, Page()),
        "clusters": [row.cluster for row in rows],
        "node_groups": [group for row in rows for group in row.groups],
        "operations": operations,
        "steps": [step for one in operations for step in await store.list_steps(one.uuid)],
        "resources": [one for uuid in uuids for one in await store.open_resources(uuid)],
        "certificates": [one for uuid in uuids for one in await store.list_certificates(uuid)],
        "quotas": await store.list_quotas(None, Page()),
        "conductors": await store.list_conductors(),
    }
    found: dict[str, list[Any]] = {kind: [asdict(one) for one in things] for kind, things in kept.items()}
    found["secrets"] = [dict(await store.get_secrets(uuid)) for uuid in uuids]
    plain = json.dumps(found, default=lambda one: one.isoformat() if isinstance(one, datetime) else one.decode())
    decoded: dict[str, list[Any]] = json.loads(plain)
    return decoded


def known_then(found: dict[str, list[Any]], then: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Without the fields that came later."""
    return {
        kind: [{name: one.get(name) for name in old} for one, old in zip(found[kind], then[kind], strict=True)]
        for kind in then
    }


async def test_step_by_step_no_row_is_lost(released: str, empty_url: str) -> None:
    before = counts(empty_url)
    assert min(before.values()) > 0  # every table of then is filled
    chain = Chain()
    for revision in [one.name for one in chain.revisions if one.name > released]:
        config = chain.config()
        with plain_engine(empty_url).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        now = counts(empty_url)
        assert {name: now[name] for name in before} == before, revision


async def test_all_is_told_as_it_was_told_then(released: str, empty_url: str, clock: ManualClock) -> None:
    await bring_up(empty_url)
    store = SqlStore(empty_url, Sealer(KEY), clock)
    await store.start()
    found = await told(store)
    await store.stop()
    then = json.loads((FOLDER / f"{released}.json").read_text())
    assert set(found) == set(then)
    assert known_then(found, then) == then
    with plain_engine(empty_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


async def test_what_waited_is_carried_out_and_what_was_made_can_be_changed(released: str, empty_url: str) -> None:
    await bring_up(empty_url)
    store = SqlStore(empty_url, Sealer(KEY), SystemClock())
    await store.start()
    stage = Stage(store, FakeProvider(Cloud(), boot_s=0), FakeDriver(), SystemClock())
    [queued] = await store.runnable_operations(10)
    assert queued.uuid == QUEUED
    assert (await stage.run(queued)).state == OperationState.SUCCEEDED
    made = await store.load(MADE)
    assert made is not None
    deletion = await stage.ask_delete(made.cluster)
    assert deletion.kind == OperationKind.DELETE
    assert (await stage.run(deletion)).state == OperationState.SUCCEEDED
    [left] = await store.list_clusters(None, Page())
    await store.stop()
    assert left.cluster.status == Status.CREATE_COMPLETE

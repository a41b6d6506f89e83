"""Bringing a database up to date while other processes serve with it: one revision a transaction, one migrating process at a time,
and no lock that holds others up for long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from alembic import command
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ..domain.errors import DeadlineExceeded
from .schema import Chain, Revision, Schema
from .tables import schema_floor

_KEY = 7235198  # of PostgreSQL's advisory lock: any number that nobody else takes
_LOCK_MS = 1000  # requests queue behind a migration that waits for a table, so it lets go and tries again
_LOCK_PAUSE_S = 0.5
_LOCKED = "55P03"  # lock_not_available. Source: PostgreSQL 15, appendix A
_log = structlog.get_logger(__name__)


class _NotOurTurn(Exception):
    """Another process migrates."""


class Migration:
    """Of one database. `locks_s`: how long it tries to get the locks of one revision; `turn_s`: how long it waits for another process
    that migrates, before and between its own revisions."""

    def __init__(self, engine: AsyncEngine, chain: Chain, *, locks_s: float = 60, turn_s: float = 600) -> None:
        self._engine, self._chain, self._locks_s, self._turn_s = engine, chain, locks_s, turn_s

    async def schema(self) -> Schema:
        """What the database has."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(read_schema)

    async def check(self) -> Schema:
        """What it has. Raises ConfigError when this program may not serve with it."""
        schema = await self.schema()
        self._chain.check(schema)
        if not self._chain.knows(schema.revision):
            _log.info("the database has a newer schema; this program may serve with it", schema=schema.revision)
        elif waiting := self._chain.pending(schema):
            _log.info("the schema has more to give up, by `jeroboam db upgrade --contract`", revision=waiting[0].name)
        return schema

    async def run(self, *, contract: bool = False) -> Sequence[Revision]:
        """Apply what is pending, up to the first revision that contracts; with `contract`, those, too. Returns what was applied.

        Nobody else serves with an empty database or with SQLite: there all is applied. May be killed at any line and run again.
        Raises DeadlineExceeded when others hold the tables, or another process migrates for so long.
        """
        applied: list[Revision] = []
        contract = contract or self._engine.dialect.name == "sqlite"
        while done := await self._patiently(contract=contract):
            applied += done
            _log.info("the schema is brought up to date", revision=done[-1].name, what=done[-1].title)
        return applied

    async def _patiently(self, *, contract: bool) -> Sequence[Revision]:
        """What `_next` applies, as soon as it can."""
        ends, turn_ends, told = _in(self._locks_s), _in(self._turn_s), False
        while True:
            try:
                async with self._engine.begin() as connection:
                    return await self._next(connection, contract=contract)
            except _NotOurTurn:
                if time.monotonic() > turn_ends:
                    raise _another(self._turn_s) from None
                if not told:
                    _log.warning("a migration waits for that of another process")
                ends, told = _in(self._locks_s), True
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCKED:
                    raise
                if time.monotonic() > ends:
                    raise _held(self._locks_s) from error
                _log.warning("a migration waits for the tables; others use them")
            await asyncio.sleep(_LOCK_PAUSE_S)

    async def _next(self, connection: AsyncConnection, *, contract: bool) -> Sequence[Revision]:
        """Apply one revision in this transaction, or all to an empty database, which nobody sees half made. Raises _NotOurTurn."""
        if connection.dialect.name == "postgresql":
            if not (await connection.execute(sa.text(f"SELECT pg_try_advisory_xact_lock({_KEY})"))).scalar():
                raise _NotOurTurn
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
        schema = await connection.run_sync(read_schema)
        pending = self._chain.pending(schema)
        now = pending[:1] if schema.revision else pending
        if not now or (schema.revision and now[0].contract and not contract):
            return ()
        await connection.run_sync(self._apply, now[-1])
        return now

    def _apply(self, connection: sa.Connection, revision: Revision) -> None:
        config = self._chain.config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision.name)
        if sa.inspect(connection).has_table(schema_floor.name):
            connection.execute(schema_floor.delete())
            connection.execute(schema_floor.insert().values(revision=self._chain.floor(revision.name)))


def read_schema(connection: sa.Connection) -> Schema:
    """Of the database at the other end."""
    tables = sa.inspect(connection)
    if not tables.has_table("alembic_version"):
        return Schema()
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or ""
    if not tables.has_table(schema_floor.name):
        return Schema(revision)
    return Schema(revision, connection.execute(sa.select(schema_floor.c.revision)).scalar() or "")


def _in(seconds: float) -> float:
    return time.monotonic() + seconds


def _another(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The schema is not up to date: another process has been migrating for {seconds:g} s.",
        hint=f"Look for the holder of advisory lock {_KEY} in pg_locks; end it, or wait and run `jeroboam db upgrade`.",
    )


def _held(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"The schema is not up to date: others held the tables for {seconds:g} s.",
        hint="Look for a long transaction in pg_stat_activity; `jeroboam db upgrade` goes on where this ended.",
    )

"""The connection: engine, transactions, migration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..contracts import Clock
from ..domain.errors import ConfigError, ProviderUnavailable
from .arrivals import Arrivals, Told, Watched
from .migration import Migration
from .reading import InPlace, OverTheWire, Reader, T, Work
from .schema import Chain
from .sealing import Sealer
from .tables import schema_floor
from .trouble import translated
from .writing import SharedCommits, Writing

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_POOL: dict[str, Any] = {
    "pool_size": 20,
    "max_overflow": 0,
    "pool_timeout": 10,
}  # a process; nobody waits longer for one
_DEADLINES: dict[str, Any] = {"timeout": 5, "command_timeout": 30}  # seconds: of a connection's making, of a statement
# Our statements take milliseconds and their compilation a hundred. Source: PostgreSQL 15, 32.2 "When to JIT?".
# Of a process that was stopped inside a transaction, the locks are free after so many milliseconds: others take over what it held.
_SETTINGS = {"jit": "off", "idle_in_transaction_session_timeout": "5000"}
# A migration thinks between its statements, of which each may take long; it holds whole tables meanwhile.
_PATIENT: dict[str, Any] = {
    "timeout": _DEADLINES["timeout"],
    "server_settings": {**_SETTINGS, "idle_in_transaction_session_timeout": "15000"},
}

_BUSY_S = 15.0
_OLD_S = 60.0  # a process that is too old for its database stays so


class Database:
    """Base of the store's parts: reads, transactions that write, one clock, one sealer."""

    migrates = True  # whether its start brings the schema up to date, as far as older processes serve on

    def __init__(self, url: str, sealer: Sealer, clock: Clock, *, busy_s: float = _BUSY_S) -> None:
        """`busy_s`: how long a writer of SQLite waits for the others of this process, and then for those of other processes."""
        self._url = _with_driver(url)
        self._sqlite = _is_sqlite(self._url)
        self._sealer = sealer
        self._clock = clock
        self._chain = Chain()
        self._engine: AsyncEngine
        self._reader: Reader
        self._arrivals: Arrivals
        self._commits: SharedCommits | None = None  # of SQLite
        if self._sqlite:
            self._engine = create_async_engine(self._url)
            _prepare_sqlite(self._engine.sync_engine, busy_s)
            self._commits = SharedCommits(_sqlite_writer(self._url, busy_s), busy_s)
            self._reader = InPlace(self._url)
            self._arrivals = Watched(self._url.database or "")
        else:
            self._engine = self._connections(_POOL)
            self._reader = OverTheWire(self._engine)
            self._arrivals = Told(self._connections({**_POOL, "pool_size": 1}))
        self._aside = self._engine if self._sqlite else self._connections({**_POOL, "pool_size": 2})
        self._immediate = self._engine.execution_options(jeroboam_immediate=True)

    def _connections(self, pool: Mapping[str, Any]) -> AsyncEngine:
        """Of PostgreSQL; they are made when needed."""
        words = {**_DEADLINES, "server_settings": _SETTINGS}
        engine = create_async_engine(self._url, **pool, connect_args=words)
        sa.event.listen(engine.sync_engine, "checkout", _still_open)
        return engine

    async def start(self) -> None:
        """Bring the schema up to date, unless `migrates` is false. Raises ConfigError for one that this program cannot serve with."""
        engine = self._immediate if self._sqlite else patient_engine(self._url)
        if self._sqlite and self._url.database:
            _make_private(self._url.database)
        with translated():
            migration = Migration(engine, self._chain)
            if self.migrates:
                await migration.run()
            await migration.check()

    async def stop(self) -> None:
        await self._arrivals.stop()
        if self._commits is not None:
            await self._commits.stop()
        await self._reader.stop()
        await self._engine.dispose()
        await self._aside.dispose()

    async def ping(self) -> None:
        """Raises ProviderUnavailable, also where the schema has become one that this process cannot serve with."""
        floor = await self._look(lambda connection: connection.execute(sa.select(schema_floor.c.revision)).scalar())
        if floor and not self._chain.knows(floor):
            raise ProviderUnavailable(
                f"The database's schema serves no program older than schema {floor}: this process is too old.",
                after_s=_OLD_S,
            )

    async def _look(self, work: Work[T]) -> T:
        """Read, or on PostgreSQL write by one statement; see reading.py. For the paths of lists and single things."""
        with translated():
            return await self._reader.read(work)

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Writing]:
        """On SQLite the write lock is taken at once, so that what was read stays true until the commit.

        Writers of one process queue for it here, first come first served, and share a commit: see writing.py.
        """
        with translated():
            if self._commits is not None:
                async with self._commits.turn() as writing:
                    yield writing
                return
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _apart(self, *, reads: bool = False) -> AsyncIterator[Writing]:
        """For what must not queue behind all the rest: on PostgreSQL there are connections that do nothing else."""
        if self._sqlite:
            async with self._read() if reads else self._write() as connection:
                yield connection
            return
        with translated():
            async with self._aside.begin() as connection:
                yield connection


def _make_private(database: str) -> None:
    """The file of a new SQLite database is its owner's only, and so are those that SQLite puts beside it. Raises ConfigError."""
    if database == ":memory:" or database.startswith("file:"):
        return
    path = Path(database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"[database] connection: {path} cannot be made: {error.strerror}.",
            hint="Name a file in a folder of your own.",
        ) from error


def _sqlite_writer(url: sa.URL, busy_s: float) -> sa.Engine:
    """One connection, used from the event loop and, one at a time, from the thread where it may wait."""
    engine = sa.create_engine(url.set(drivername="sqlite"), connect_args={"check_same_thread": False})
    _prepare_sqlite(engine, busy_s)
    return engine.execution_options(jeroboam_immediate=True)


def _prepare_sqlite(engine: sa.Engine, busy_s: float) -> None:
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        # FULL: a commit that was answered survives a power cut, or a 202 would be a promise that can be forgotten.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={busy_s * 1000:.0f}", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("jeroboam_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _still_open(connection: Any, _record: object, _proxy: object) -> None:
    """A connection that ended while it lay in the pool, as all do when the server restarts, is made anew before anybody uses it."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


def patient_engine(url: str | URL) -> AsyncEngine:
    """For migrations, which may take long and wait for those of another process. Raises ConfigError for what is no database of ours."""
    chosen = _with_driver(url)
    if not _is_sqlite(chosen):
        return create_async_engine(chosen, poolclass=sa.NullPool, connect_args=_PATIENT)
    if chosen.database:
        _make_private(chosen.database)
    engine = create_async_engine(chosen)
    _prepare_sqlite(engine.sync_engine, _BUSY_S)
    return engine.execution_options(jeroboam_immediate=True)


def _with_driver(url: str | URL) -> URL:
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise ConfigError(
            f"[database] connection: {backend} is not supported.", hint="Use an sqlite or postgresql URL."
        )
    return parsed.set(drivername=_DRIVERS[backend])


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def is_made(url: str) -> bool:
    """False of an SQLite database whose file is not there; of others a connection must tell."""
    chosen = _with_driver(url)
    return not _is_sqlite(chosen) or not chosen.database or Path(chosen.database).exists()

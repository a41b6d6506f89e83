"""The connection: engine, transactions, migration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..contracts import Clock
from ..domain.errors import ConfigError
from .arrivals import Arrivals, Told, Watched
from .reading import InPlace, OverTheWire, Reader, T, Work
from .sealing import Sealer
from .trouble import translated
from .writing import SharedCommits, Writing

_MIGRATIONS = Path(__file__).parent / "migrations"
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


class Database:
    """Base of the store's parts: reads, transactions that write, one clock, one sealer."""

    def __init__(self, url: str, sealer: Sealer, clock: Clock, *, busy_s: float = 15) -> None:
        """`busy_s`: how long a writer of SQLite waits for the others of this process, and then for those of other processes."""
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend not in _DRIVERS:
            raise ConfigError(
                f"[database] connection: {backend} is not supported.", hint="Use an sqlite or postgresql URL."
            )
        self._url = parsed.set(drivername=_DRIVERS[backend])
        self._sqlite = backend == "sqlite"
        self._sealer = sealer
        self._clock = clock
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
        """Bring the schema up to date. Raises ConfigError for a schema newer than this program."""
        if self._sqlite and self._url.database:
            _make_private(self._url.database)
        with translated():
            async with self._patient().begin() as connection:
                if not self._sqlite:
                    await connection.execute(sa.text("SELECT pg_advisory_xact_lock(7235198)"))
                await connection.run_sync(_migrate)

    def _patient(self) -> AsyncEngine:
        """For migrations, which may take long and wait for those of another process."""
        if self._sqlite:
            return self._immediate
        return create_async_engine(self._url, poolclass=sa.NullPool, connect_args={"timeout": _DEADLINES["timeout"]})

    async def stop(self) -> None:
        await self._arrivals.stop()
        if self._commits is not None:
            await self._commits.stop()
        await self._reader.stop()
        await self._engine.dispose()
        await self._aside.dispose()

    async def ping(self) -> None:
        await self._look(lambda connection: connection.execute(sa.text("SELECT 1")).close())

    async def _look(self, work: Work[T]) -> T:
        """Read; see reading.py. For the paths of lists and single things."""
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


def alembic_config() -> Config:
    """Alembic's configuration without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _migrate(connection: sa.Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    present = set()
    if sa.inspect(connection).has_table("alembic_version"):
        present = set(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())
    if present - known:
        raise ConfigError(
            f"The database has the schema {', '.join(sorted(present))}, which this program does not know.",
            hint="It was used by a newer Jeroboam: start that one.",
        )
    command.upgrade(config, "head")

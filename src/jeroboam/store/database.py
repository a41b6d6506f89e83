"""The connection: engine, transactions, migration, and the translation of database trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from ..contracts import Clock
from ..domain.errors import ConfigError, InvalidRequest, ProviderUnavailable
from .reading import InPlace, OverTheWire, Reader, T, Work
from .sealing import Sealer

_MIGRATIONS = Path(__file__).parent / "migrations"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Database:
    """Base of the store's parts: reads, transactions that write, one clock, one sealer."""

    def __init__(self, url: str, sealer: Sealer, clock: Clock) -> None:
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
        self._engine = create_async_engine(self._url)
        self._reader: Reader
        if self._sqlite:
            _prepare_sqlite(self._engine.sync_engine)
            self._reader = InPlace(self._url)
        else:
            self._reader = OverTheWire(self._engine)
        self._immediate = self._engine.execution_options(jeroboam_immediate=True)

    async def start(self) -> None:
        """Bring the schema up to date. Raises ConfigError for a schema newer than this program."""
        if self._sqlite and self._url.database:
            _make_private(self._url.database)
        async with self._write() as connection:
            if not self._sqlite:
                await connection.execute(sa.text("SELECT pg_advisory_xact_lock(7235198)"))
            await connection.run_sync(_migrate)

    async def stop(self) -> None:
        await self._reader.stop()
        await self._engine.dispose()

    async def ping(self) -> None:
        await self._look(lambda connection: connection.execute(sa.text("SELECT 1")).close())

    async def _look(self, work: Work[T]) -> T:
        """Read; see reading.py. For the paths of lists and single things."""
        with _translated():
            return await self._reader.read(work)

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        """On SQLite the write lock is taken at once, so that what was read stays true until the commit."""
        with _translated():
            async with self._immediate.begin() as connection:
                yield connection


class _translated:
    """Database trouble as our errors, whatever is under way in the block."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OperationalError | InterfaceError | sa.exc.TimeoutError | ConnectionError | TimeoutError):
            raise ProviderUnavailable(f"The database does not answer: {_first_line(error)}", after_s=1.0) from error
        if isinstance(error, sa.exc.StatementError) and isinstance(error.orig, InvalidRequest):
            raise error.orig from error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise ProviderUnavailable("The connection to the database was lost.", after_s=1.0) from error


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


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        # FULL: a commit that was answered survives a power cut, or a 202 would be a promise that can be forgotten.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("jeroboam_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


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

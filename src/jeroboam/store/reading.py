"""Reads: one plain function on a connection, run from its first statement to its last without a pause.

On SQLite that happens in place, on the event loop: an indexed read takes tens of microseconds, which is less than to hand it to a
thread and back, and readers of a database in WAL mode wait for nobody. A thread would also fight for the interpreter's lock at each
row: a list of 20 took three times as long in one. [api] max_limit bounds how much one list reads.
On PostgreSQL each statement waits for the server, and the event loop does something else meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

_BUSY_MS = 1000  # met only while SQLite recovers its log after a crash; nobody may stop the event loop for long


class Reader(Protocol):
    """How the statements of one read reach the database."""

    async def read(self, work: Work[T]) -> T:
        """What `work` returns."""
        ...

    async def stop(self) -> None: ...


class InPlace:
    """SQLite, by connections that cannot write."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(url.set(drivername="sqlite"))
        sa.event.listen(self._engine, "connect", _read_only)
        sa.event.listen(self._engine, "begin", _begin)

    async def read(self, work: Work[T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    async def stop(self) -> None:
        self._engine.dispose()


class OverTheWire:
    """PostgreSQL. Each statement sees what is committed then, with or without a transaction around them: so there is none."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def read(self, work: Work[T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def stop(self) -> None:
        """The engine is not ours."""


def _read_only(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (f"busy_timeout={_BUSY_MS}", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")

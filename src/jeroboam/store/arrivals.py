"""How a conductor hears that an operation was asked for, by whichever process. What it misses it finds by itself a little later.

On SQLite a counter in the file's header tells whether anybody committed since; to read it takes microseconds, so it is looked at often.
Source: sqlite.org, "PRAGMA data_version". On PostgreSQL the transaction that asks notifies whoever listens, which costs nothing while
nothing is asked for. Source: PostgreSQL 15, NOTIFY and LISTEN: sent at the commit, and not by a transaction that fails.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .writing import Writing

_LOOK_S = 0.05
_CHANNEL = "jeroboam_operations"
_TELL = sa.select(sa.func.pg_notify(_CHANNEL, ""))


class Arrivals(Protocol):
    """One for each store. One caller waits at a time."""

    async def announce(self, connection: Writing) -> None:
        """Within the transaction that records an operation."""
        ...

    async def wait(self, at_most: timedelta) -> None:
        """Until one may have been recorded since the last wait; returns early for less, and at the latest after that time."""
        ...

    async def stop(self) -> None:
        """Repeatable."""
        ...


class Watched:
    """SQLite: any commit of another connection counts."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._seen = -1

    async def announce(self, connection: Writing) -> None:
        """The commit itself is the word."""

    async def wait(self, at_most: timedelta) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + at_most.total_seconds()
        while not self._changed() and (left := ends - loop.time()) > 0:  # noqa: ASYNC110 - the word comes from outside this process
            await asyncio.sleep(min(_LOOK_S, left))

    def _changed(self) -> bool:
        before = self._seen
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._file, timeout=0, isolation_level=None)
            with closing(self._connection.execute("PRAGMA data_version")) as found:
                self._seen = int(found.fetchone()[0])
        except sqlite3.Error:  # whoever looks next tells what is wrong with the file
            return True
        return self._seen != before

    async def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Told:
    """PostgreSQL: a connection of its own listens. Where none can be had for it, as behind some poolers, waiting takes its full time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._word = asyncio.Event()

    async def announce(self, connection: Writing) -> None:
        await connection.execute(_TELL)

    async def wait(self, at_most: timedelta) -> None:
        """Raises what a lost or refused connection does."""
        await self._listen()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most.total_seconds()):
                await self._word.wait()
        self._word.clear()

    async def _listen(self) -> None:
        if self._connection is not None and await _open(self._connection):
            return
        await self.stop()
        connection = await self._engine.connect()
        try:
            await self._hear(connection)
        except BaseException:  # one that does not listen would never wake anybody
            await _give_back(connection)
            raise
        self._connection = connection
        self._word.set()  # something may have been asked for before anybody listened

    async def _hear(self, connection: AsyncConnection) -> None:
        raw = (await connection.get_raw_connection()).driver_connection
        if raw is None:
            raise RuntimeError("a connection without its driver's")
        await raw.add_listener(_CHANNEL, self._heard)
        raw.add_termination_listener(self._heard)

    def _heard(self, *_: Any) -> None:
        self._word.set()

    async def stop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await _give_back(connection)


async def _give_back(connection: AsyncConnection) -> None:
    """Closed, not for the next: it may listen."""
    await connection.invalidate()
    await connection.close()


async def _open(connection: AsyncConnection) -> bool:
    raw = (await connection.get_raw_connection()).driver_connection
    return raw is not None and not raw.is_closed()

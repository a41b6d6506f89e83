"""Writers of one process on SQLite: one after the other, and one commit for those who queue.

A commit waits for the disk, for milliseconds; what is written before it takes microseconds. So the commit queues behind the writers who
wait already, and each of them goes on in the same transaction, in a savepoint of its own: it hears of its end when all of it is on the
disk, and one that fails undoes what is its own. Statements run in place, as short reads do (reading.py); what may wait, for the disk or
for another process, runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

T = TypeVar("T")


class Writing(Protocol):
    """What a transaction is to those who write in it; sqlalchemy's AsyncConnection is one."""

    @property
    def dialect(self) -> sa.Dialect: ...

    async def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]: ...

    async def run_sync(self, fn: Callable[[sa.Connection], T]) -> T: ...


class _InPlace:
    """Implements Writing."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> sa.CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def run_sync(self, fn: Callable[[sa.Connection], T]) -> T:
        return fn(self._connection)


class SharedCommits:
    """`engine` begins its transactions by BEGIN IMMEDIATE. `busy_s`: how long a writer waits for the others of this process, and then
    for those of other processes."""

    def __init__(self, engine: sa.Engine, busy_s: float) -> None:
        self._engine, self._busy_s = engine, busy_s
        self._thread = _thread()
        self._turn = asyncio.Lock()
        self._open: sa.Connection | None = None
        self._written: list[asyncio.Future[None]] = []  # those who wait for the commit
        self._committing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Writing]:
        """One writer's transaction. Raises TimeoutError when its turn does not come, and what SQLAlchemy raises."""
        async with asyncio.timeout(self._busy_s):
            await self._turn.acquire()
        try:
            connection = self._open or await self._begin()
            mine = connection.begin_nested() if self._written else None
            try:
                yield _InPlace(connection)
                if mine is not None:
                    mine.commit()
            except BaseException:
                self._undo(mine)
                raise
            written = asyncio.get_running_loop().create_future()
            self._written.append(written)
            if len(self._written) == 1:
                self._committing = asyncio.create_task(self._commit())
        finally:
            self._turn.release()
        await written

    async def _begin(self) -> sa.Connection:
        try:
            self._open = self._begun(patience_ms=0)
        except OperationalError:  # another process writes
            waiting = asyncio.get_running_loop().run_in_executor(self._thread, self._begun, round(1000 * self._busy_s))
            try:
                self._open = await asyncio.shield(waiting)
            except asyncio.CancelledError:
                with suppress(SQLAlchemyError):
                    (await waiting).close()  # the next writer begins its own
                raise
        return self._open

    def _begun(self, patience_ms: int) -> sa.Connection:
        connection = self._engine.connect()
        try:
            raw: Any = connection.connection.driver_connection
            raw.execute(f"PRAGMA busy_timeout={patience_ms}")
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _undo(self, mine: sa.NestedTransaction | None) -> None:
        """What one writer wrote; all of the transaction when it is the only one yet, or when SQLite ended it."""
        if mine is None:
            self._close()
            return
        try:
            mine.rollback()
        except SQLAlchemyError as error:
            self._close()
            self._tell(error)

    async def _commit(self) -> None:
        """Its own task, behind the writers who queue by now: no writer that is cancelled takes the others' commit along."""
        async with self._turn:
            connection = self._open
            if connection is None or not self._written:
                return
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, connection.commit)
            except Exception as error:  # noqa: BLE001 - whatever it is, they must hear of it: nobody else ends their wait
                self._close()
                self._tell(error)
            else:
                self._close()
                self._tell(None)

    def _close(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()  # rolls back what is not committed

    def _tell(self, error: Exception | None) -> None:
        written, self._written = self._written, []
        for one in written:
            if one.done():  # cancelled
                continue
            if error is None:
                one.set_result(None)
            else:
                one.set_exception(error)

    async def stop(self) -> None:
        """What is written by now is committed first. It may be used again."""
        committing, self._committing = self._committing, None
        if committing is not None and not committing.done():  # a done one may be of another event loop
            await asyncio.wait({committing})
        self._engine.dispose()
        self._thread.shutdown(wait=False)
        self._thread = _thread()


def _thread() -> ThreadPoolExecutor:
    """It starts when it is needed."""
    return ThreadPoolExecutor(1, thread_name_prefix="store-writer")
